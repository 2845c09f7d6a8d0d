#include "common/transcode/base64_text.h"

#include <array>

namespace gatehouse::transcode {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr int8_t kNoDigit = -1;

// Both alphabets at once: RFC 4648 sections 4 and 5 differ in the last two digits.
constexpr std::array<int8_t, 256> make_values() {
  std::array<int8_t, 256> values{};
  values.fill(kNoDigit);
  for (size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
  }
  values['-'] = 62;
  values['_'] = 63;
  return values;
}

constexpr std::array<int8_t, 256> kValues = make_values();

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

}  // namespace

Base64Text tidy_base64(std::string_view text, std::string& tidy) {
  size_t digits = 0;
  size_t last = 0;
  bool line_ends = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (kValues[static_cast<uint8_t>(c)] != kNoDigit) {
      ++digits;
      last = i;
    } else if (is_line_end(c)) {
      line_ends = true;
    } else if (c != '=') {
      return Base64Text::kNoBase64;
    }
  }
  const int idle_bits = digits % 4 == 2 ? 15 : digits % 4 == 3 ? 3 : 0;
  const int last_value = digits == 0 ? 0 : kValues[static_cast<uint8_t>(text[last])];
  const bool set_idle_bits = (last_value & idle_bits) != 0;
  if (!line_ends && !set_idle_bits) return Base64Text::kAsItIs;

  tidy = text;
  if (set_idle_bits) tidy[last] = kDigits[static_cast<size_t>(last_value & ~idle_bits)];
  if (line_ends) std::erase_if(tidy, is_line_end);
  return Base64Text::kRewritten;
}

}  // namespace gatehouse::transcode
