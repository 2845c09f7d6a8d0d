// The keys of a run: a prefix and a decimal number of fixed width, so that their order is the order
// of the numbers and a request for another key is the same request with other digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace gatehouse::bench {

// Writes `number` right-aligned with leading zeros; the width must hold it.
inline void write_digits(uint64_t number, char* to, size_t width) {
  for (size_t i = width; i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
}

struct KeySpace {
  std::string prefix;
  size_t key_bytes = 0;  // of a whole key
  uint64_t count = 0;

  size_t digits() const { return key_bytes - prefix.size(); }

  std::string key(uint64_t number) const {
    std::string text = prefix;
    text.resize(key_bytes);
    write_digits(number, text.data() + prefix.size(), digits());
    return text;
  }

  // The end of the range of all keys with the prefix; the prefix ends below 0xff.
  std::string prefix_end() const {
    std::string end = prefix;
    ++end.back();
    return end;
  }
};

}  // namespace gatehouse::bench
