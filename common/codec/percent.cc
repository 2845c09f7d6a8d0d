#include "common/codec/percent.h"

#include <cstdint>

namespace gatehouse::codec {
namespace {

constexpr bool stands_for_itself(char c) { return c >= 0x20 && c <= 0x7E && c != '%'; }

// -1 when the character is no hex digit.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string percent_encode_message(std::string_view message) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(message.size());
  for (const char c : message) {
    if (stands_for_itself(c)) {
      encoded += c;
    } else {
      const uint8_t byte = static_cast<uint8_t>(c);
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

std::string percent_decode_message(std::string_view encoded) {
  std::string message;
  message.reserve(encoded.size());
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '%' && encoded.size() - i > 2) {
      const int high = hex_value(encoded[i + 1]);
      const int low = hex_value(encoded[i + 2]);
      if (high >= 0 && low >= 0) {
        message += static_cast<char>(high << 4 | low);
        i += 2;
        continue;
      }
    }
    message += encoded[i];
  }
  return message;
}

}  // namespace gatehouse::codec
