#include "common/codec/base64.h"

#include <array>

namespace gatehouse::codec {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr uint8_t kNotInAlphabet = 0xFF;

constexpr std::array<uint8_t, 256> invert(std::string_view alphabet) {
  std::array<uint8_t, 256> table{};
  table.fill(kNotInAlphabet);
  for (size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  }
  return table;
}

constexpr std::array<uint8_t, 256> kStandardValues = invert(kStandard);
constexpr std::array<uint8_t, 256> kUrlValues = invert(kUrl);

}  // namespace

std::string base64_encode(std::string_view bytes, Base64Alphabet alphabet, Base64Padding padding) {
  const std::string_view digits = alphabet == Base64Alphabet::kStandard ? kStandard : kUrl;
  const auto byte = [&](size_t i) -> uint32_t { return static_cast<uint8_t>(bytes[i]); };
  const size_t whole = bytes.size() / 3 * 3;
  const size_t rest = bytes.size() - whole;
  const size_t tail = rest == 0 ? 0 : padding == Base64Padding::kPadded ? 4 : rest + 1;

  std::string text(whole / 3 * 4 + tail, '=');
  char* to = text.data();
  for (size_t i = 0; i < whole; i += 3) {
    const uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    *to++ = digits[group >> 18];
    *to++ = digits[group >> 12 & 63];
    *to++ = digits[group >> 6 & 63];
    *to++ = digits[group & 63];
  }
  if (rest == 1) {
    *to++ = digits[byte(whole) >> 2];
    *to++ = digits[byte(whole) << 4 & 63];
  } else if (rest == 2) {
    const uint32_t group = byte(whole) << 8 | byte(whole + 1);
    *to++ = digits[group >> 10];
    *to++ = digits[group >> 4 & 63];
    *to++ = digits[group << 2 & 63];
  }
  return text;
}

Result<std::string> base64_decode(std::string_view text, Base64Alphabet alphabet) {
  const auto& values = alphabet == Base64Alphabet::kStandard ? kStandardValues : kUrlValues;
  if (text.ends_with('=')) {
    if (text.size() % 4 != 0) return invalid_argument("base64: incomplete padding");
    text.remove_suffix(text.ends_with("==") ? 2 : 1);
  }
  const size_t rest = text.size() % 4;
  if (rest == 1) return invalid_argument("base64: truncated");

  std::string bytes(text.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1), '\0');
  char* to = bytes.data();
  uint32_t group = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t value = values[static_cast<uint8_t>(text[i])];
    if (value == kNotInAlphabet) {
      return invalid_argument("base64: illegal character at offset " + std::to_string(i));
    }
    group = group << 6 | value;
    if (i % 4 == 3) {
      *to++ = static_cast<char>(group >> 16);
      *to++ = static_cast<char>(group >> 8);
      *to++ = static_cast<char>(group);
      group = 0;
    }
  }
  if (rest == 2) {
    if ((group & 15) != 0) return invalid_argument("base64: last bits are not zero");
    *to++ = static_cast<char>(group >> 4);
  } else if (rest == 3) {
    if ((group & 3) != 0) return invalid_argument("base64: last bits are not zero");
    *to++ = static_cast<char>(group >> 10);
    *to++ = static_cast<char>(group >> 2);
  }
  return bytes;
}

}  // namespace gatehouse::codec
