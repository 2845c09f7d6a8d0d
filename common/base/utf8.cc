#include "common/base/utf8.h"

#include <cstdint>

namespace gatehouse {

namespace {
bool continues(uint8_t byte) { return (byte & 0xc0) == 0x80; }
}  // namespace

size_t utf8_character_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  const auto first = static_cast<uint8_t>(byte(0));
  const auto second = static_cast<uint8_t>(byte(1));
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;  // a continuation, or an overlong form
  if (first < 0xe0) return continues(second) ? 2 : 0;
  if (first < 0xf0) {
    if (first == 0xe0 && second < 0xa0) return 0;   // overlong
    if (first == 0xed && second >= 0xa0) return 0;  // surrogates
    return continues(second) && continues(static_cast<uint8_t>(byte(2))) ? 3 : 0;
  }
  if (first > 0xf4) return 0;
  if (first == 0xf0 && second < 0x90) return 0;   // overlong
  if (first == 0xf4 && second >= 0x90) return 0;  // above U+10FFFF
  return continues(second) && continues(static_cast<uint8_t>(byte(2))) &&
                 continues(static_cast<uint8_t>(byte(3)))
             ? 4
             : 0;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t length = utf8_character_length(text);
    result.append(length == 0 ? std::string_view("\ufffd") : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

}  // namespace gatehouse
