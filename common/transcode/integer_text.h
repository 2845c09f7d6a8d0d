// Exact integers from the text of a JSON number.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::transcode {

struct IntegerText {
  enum class Kind : uint8_t {
    kInteger,
    kNoInteger,  // no JSON number, or one with a fraction that is not zero
    kTooLarge,   // beyond 64 bits
  };

  Kind kind = Kind::kNoInteger;
  bool negative = false;  // never for zero
  uint64_t magnitude = 0;
  bool plain = false;  // written in the one usual way: no fraction, no exponent, no "-0"
};

// Takes all of `text`: "5", "-5", "5.0", "1e3", "12.5e1". No rounding anywhere.
IntegerText parse_integer(std::string_view text);

}  // namespace gatehouse::transcode
