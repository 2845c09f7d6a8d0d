// What Go's base64 decoder takes and protobuf's does not, made acceptable to both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::transcode {

enum class Base64Text : uint8_t {
  kAsItIs,
  kRewritten,  // `tidy` holds it
  kNoBase64,   // a character of neither alphabet
};

// Line ends are dropped (line-wrapping encoders leave them) and the bits of the last digit that
// belong to no byte are cleared. What is wrong otherwise - padding, length, mixed alphabets - is
// not looked at.
Base64Text tidy_base64(std::string_view text, std::string& tidy);

}  // namespace gatehouse::transcode
