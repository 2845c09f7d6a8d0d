// Reads JSON text token by token, by the letter of RFC 8259. (protobuf's parser also takes single
// quotes, names without quotes, trailing commas and raw control characters; etcd's refuses them.)
//
// UTF-8 is not looked at: protobuf's parser does that. One thread; views live as long as the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace gatehouse::transcode {

struct JsonString {
  std::string_view raw;  // between the quotes, escapes as they were written
  bool escaped = false;  // raw holds at least one

  // What the string means. `scratch` is used where there are escapes.
  std::string_view text(std::string& scratch) const;
};

// Every reading function returns false on bad text; status() then says what and where, and nothing
// may be read any more. Those that read a token start at it: call peek() before.
class JsonCursor {
 public:
  static constexpr int kEnd = -1;

  explicit JsonCursor(std::string_view text) : text_(text) {}

  // Skips white space; the byte that follows, or kEnd.
  int peek();

  bool read_string(JsonString& out);
  bool read_number(std::string_view& out);
  bool read_literal(std::string_view word);  // "null", "true" or "false"

  // Skips white space, then takes `c`.
  bool take(char c);

  // One value of any kind; `depth` is the number of containers it stands in.
  bool skip_value(int depth);

  // True: "name" and ':' were read, the value follows. False: the object is over, or failed().
  // `first` is true before the first member and is cleared.
  bool next_member(bool& first, JsonString& name);

  // The same for the elements of an array.
  bool next_element(bool& first);

  size_t offset() const { return at_; }
  bool failed() const { return !status_.ok(); }
  const Status& status() const { return status_; }

  // Fails with InvalidArgument "<what> at offset <offset>"; returns false.
  bool fail(std::string_view what);
  // Fails if a container at this depth would be too deep (kMaxJsonDepth).
  bool check_depth(int depth);

 private:
  bool read_escape();
  bool read_digits();

  std::string_view text_;
  size_t at_ = 0;
  Status status_;
};

}  // namespace gatehouse::transcode
