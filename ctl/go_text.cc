#include "ctl/go_text.h"

#include <clocale>
#include <cmath>
#include <cstdio>
#include <cwctype>

namespace gatehouse::ctl {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

// One character of UTF-8 at the front of `bytes`; 0 bytes when there is none.
struct Decoded {
  char32_t rune = 0;
  size_t size = 0;
};

Decoded decode(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < size) return {};
  char32_t rune = first & (0x7f >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    rune = (rune << 6) | (byte(i) & 0x3f);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (rune < kLeast[size] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) return {};
  return {rune, size};
}

std::string encode(char32_t rune) {
  std::string out;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((rune >> shift) & 0x3f)); };
  if (rune < 0x80) {
    out += static_cast<char>(rune);
  } else if (rune < 0x800) {
    out += static_cast<char>(0xc0 | (rune >> 6));
    tail(0);
  } else if (rune < 0x10000) {
    out += static_cast<char>(0xe0 | (rune >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (rune >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
  return out;
}

// unicode.IsPrint: letters, marks, numbers, punctuation, symbols, and of spaces the ASCII one.
bool printable(char32_t rune) {
  if (rune < 0x7f) return rune >= 0x20;
  if (rune < 0xa1 || rune == 0xad || rune == 0xfeff) return false;
  if ((rune >= 0x2000 && rune <= 0x200f) || (rune >= 0x2028 && rune <= 0x202f)) return false;
  if ((rune >= 0x205f && rune <= 0x206f) || rune == 0x1680 || rune == 0x3000) return false;
  if ((rune >= 0xe000 && rune <= 0xf8ff) || rune >= 0xe0000) return false;
  static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return unicode == nullptr || iswprint_l(static_cast<wint_t>(rune), unicode) != 0;
}

void append_hex(std::string& out, std::string_view mark, char32_t number, int digits) {
  out += mark;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kDigits[(number >> shift) & 15];
}

constexpr std::string_view kEscapeLetters = "abfnrtv";
constexpr std::string_view kEscapeBytes = "\a\b\f\n\r\t\v";

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// `count` digits of `base` at `at`, which moves behind them.
std::optional<uint32_t> read_digits(std::string_view text, size_t& at, size_t count, int base) {
  if (text.size() - at < count) return std::nullopt;
  uint32_t number = 0;
  for (size_t i = 0; i < count; ++i, ++at) {
    const int digit = digit_value(text[at]);
    if (digit >= base) return std::nullopt;
    number = number * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
  }
  return number;
}

// What stands behind a backslash, at `at`, which moves behind it.
std::optional<std::string> read_escape(std::string_view text, size_t& at) {
  if (at == text.size()) return std::nullopt;
  const char c = text[at++];
  if (const size_t i = kEscapeLetters.find(c); i != std::string_view::npos) {
    return std::string(1, kEscapeBytes[i]);
  }
  if (c == '\\' || c == '"') return std::string(1, c);
  if (c == 'x' || (c >= '0' && c <= '7')) {
    if (c != 'x') --at;
    const std::optional<uint32_t> byte =
        c == 'x' ? read_digits(text, at, 2, 16) : read_digits(text, at, 3, 8);
    if (!byte || *byte > 255) return std::nullopt;
    return std::string(1, static_cast<char>(*byte));
  }
  if (c == 'u' || c == 'U') {
    const std::optional<uint32_t> rune = read_digits(text, at, c == 'u' ? 4 : 8, 16);
    if (!rune || *rune > 0x10ffff || (*rune >= 0xd800 && *rune < 0xe000)) return std::nullopt;
    return encode(*rune);
  }
  return std::nullopt;
}

}  // namespace

std::string go_quote(std::string_view bytes) {
  std::string out = "\"";
  while (!bytes.empty()) {
    const Decoded next = decode(bytes);
    const char c = bytes[0];
    if (next.size == 0) {
      append_hex(out, "\\x", static_cast<unsigned char>(c), 2);
    } else if (next.rune == '"' || next.rune == '\\') {
      out += '\\';
      out += c;
    } else if (printable(next.rune)) {
      out += bytes.substr(0, next.size);
    } else if (const size_t i = kEscapeBytes.find(c); next.size == 1 && i != std::string::npos) {
      out += '\\';
      out += kEscapeLetters[i];
    } else if (next.rune < 0x80) {
      append_hex(out, "\\x", next.rune, 2);
    } else if (next.rune < 0x10000) {
      append_hex(out, "\\u", next.rune, 4);
    } else {
      append_hex(out, "\\U", next.rune, 8);
    }
    bytes.remove_prefix(next.size == 0 ? 1 : next.size);
  }
  return out + '"';
}

std::optional<std::string> go_unquote(std::string_view quoted, size_t& end) {
  std::string out;
  for (size_t at = 0; at < quoted.size();) {
    const char c = quoted[at++];
    if (c == '"') return end = at, out;
    if (c == '\n') return std::nullopt;
    if (c != '\\') {
      out += c;
      continue;
    }
    const std::optional<std::string> escaped = read_escape(quoted, at);
    if (!escaped) return std::nullopt;
    out += *escaped;
  }
  return std::nullopt;
}

std::string hex_escapes(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_hex(out, "\\x", static_cast<unsigned char>(c), 2);
  return out;
}

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Decoded next = decode(text);
    const char c = text[0];
    if (next.size == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t') {
      out += '\\';
      out += kEscapeLetters[kEscapeBytes.find(c)];
    } else if (next.rune < 0x20 || c == '<' || c == '>' || c == '&' || next.rune == 0x2028 ||
               next.rune == 0x2029) {
      append_hex(out, "\\u", next.rune, 4);
    } else {
      out += text.substr(0, next.size);
    }
    text.remove_prefix(next.size == 0 ? 1 : next.size);
  }
  return out + '"';
}

std::string humanize_bytes(uint64_t bytes) {
  if (bytes < 10) return std::to_string(bytes) + " B";
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  const double power = std::floor(std::log(static_cast<double>(bytes)) / std::log(1000.0));
  const double value =
      std::floor(static_cast<double>(bytes) / std::pow(1000.0, power) * 10 + 0.5) / 10;
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.1f %s" : "%.0f %s", value,
                kUnits[static_cast<int>(power)]);
  return text;
}

std::string hex(uint64_t number) {
  char text[20];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(number));
  return text;
}
std::string hex16(uint64_t number) {
  const std::string digits = hex(number);
  return std::string(16 - digits.size(), '0') + digits;
}
std::string hex_padded(uint64_t number) {
  const std::string digits = hex(number);
  return std::string(16 - digits.size(), ' ') + digits;
}

}  // namespace gatehouse::ctl
