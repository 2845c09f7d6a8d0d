// Cuts a byte stream into the JSON objects that stand in it one after the other: the body of a
// bidirectional call. White space between them is optional, any chunking will do.
//
// It finds the ends only; whether a value is good JSON is for Transcoder::json_to_proto() to say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/status.h"
#include "common/transcode/limits.h"

namespace gatehouse::transcode {

// One thread. Holds at most `max_value_bytes` of a value that is not complete yet.
class JsonSplitter {
 public:
  explicit JsonSplitter(size_t max_value_bytes = kDefaultMaxJsonBytes)
      : max_value_bytes_(max_value_bytes) {}

  // Takes bytes off the front of `input`. True: `value` is the next object and the rest of `input`
  // is not touched, so the caller decides when to go on. False: `input` is used up and more is
  // needed. InvalidArgument when something other than an object begins, ResourceExhausted when the
  // object is too long or too deep; the splitter is of no use after an error.
  Result<bool> next(std::string_view& input, std::string& value);

  // The stream has ended. InvalidArgument when it did so within an object.
  Status finish() const;

 private:
  const size_t max_value_bytes_;
  std::string pending_;  // what earlier chunks held of the value under way
  int depth_ = 0;        // 0: between values
  bool in_string_ = false;
  bool escaped_ = false;  // the byte after a backslash
};

}  // namespace gatehouse::transcode
