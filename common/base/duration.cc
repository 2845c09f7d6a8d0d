#include "common/base/duration.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

namespace gatehouse {

namespace {

constexpr uint64_t kMaxMagnitude = uint64_t{1} << 63;  // of the most negative duration

struct Unit {
  std::string_view name;
  uint64_t nanoseconds;
};
constexpr std::array<Unit, 8> kUnits = {{
    {"ns", 1},
    {"us", 1'000},
    {"\u00b5s", 1'000},  // micro sign
    {"\u03bcs", 1'000},  // Greek mu
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

// As Go's time package quotes what it could not read.
std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte >= 0x80) {
      result.append("\\x").append({kHex[byte >> 4], kHex[byte & 15]});
    } else {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
  }
  return result += '"';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads the digits of an integer; nullopt when they go past the largest magnitude.
std::optional<uint64_t> leading_integer(std::string_view& rest) {
  uint64_t number = 0;
  while (!rest.empty() && is_digit(rest.front())) {
    if (number > kMaxMagnitude / 10) return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(rest.front() - '0');
    if (number > kMaxMagnitude) return std::nullopt;
    rest.remove_prefix(1);
  }
  return number;
}

// The digits after a point, as number / scale; digits past the range of 64 bits do not count.
struct Fraction {
  uint64_t number = 0;
  double scale = 1;
};
Fraction leading_fraction(std::string_view& rest) {
  Fraction fraction;
  bool full = false;
  while (!rest.empty() && is_digit(rest.front())) {
    const auto digit = static_cast<uint64_t>(rest.front() - '0');
    rest.remove_prefix(1);
    if (full) continue;
    if (fraction.number > (kMaxMagnitude - 1 - digit) / 10) {
      full = true;
      continue;
    }
    fraction.number = fraction.number * 10 + digit;
    fraction.scale *= 10;
  }
  return fraction;
}

// magnitude / unit with up to `places` decimal places, trailing zeros removed.
std::string decimal(uint64_t magnitude, uint64_t unit, int places) {
  std::string text = std::to_string(magnitude / unit);
  std::string digits = std::to_string(magnitude % unit);
  digits.insert(0, static_cast<size_t>(places) - digits.size(), '0');
  digits.erase(digits.find_last_not_of('0') + 1);
  if (!digits.empty()) text.append(".").append(digits);
  return text;
}

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const auto invalid = [&] { return invalid_argument("time: invalid duration " + quoted(text)); };
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) {
    negative = rest.front() == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return invalid();

  uint64_t total = 0;
  while (!rest.empty()) {
    if (rest.front() != '.' && !is_digit(rest.front())) return invalid();
    const size_t before_integer = rest.size();
    const std::optional<uint64_t> whole = leading_integer(rest);
    if (!whole.has_value()) return invalid();
    bool has_digits = rest.size() != before_integer;
    Fraction fraction;
    if (!rest.empty() && rest.front() == '.') {
      rest.remove_prefix(1);
      const size_t before_fraction = rest.size();
      fraction = leading_fraction(rest);
      has_digits = has_digits || rest.size() != before_fraction;
    }
    if (!has_digits) return invalid();

    size_t unit_length = 0;
    while (unit_length < rest.size() && rest[unit_length] != '.' && !is_digit(rest[unit_length])) {
      ++unit_length;
    }
    if (unit_length == 0) {
      return invalid_argument("time: missing unit in duration " + quoted(text));
    }
    const std::string_view unit_name = rest.substr(0, unit_length);
    rest.remove_prefix(unit_length);
    uint64_t unit = 0;
    for (const Unit& candidate : kUnits) {
      if (candidate.name == unit_name) unit = candidate.nanoseconds;
    }
    if (unit == 0) {
      return invalid_argument("time: unknown unit " + quoted(unit_name) + " in duration " +
                              quoted(text));
    }
    if (*whole > kMaxMagnitude / unit) return invalid();
    uint64_t part = *whole * unit;
    part += static_cast<uint64_t>(static_cast<double>(fraction.number) *
                                  (static_cast<double>(unit) / fraction.scale));
    if (part > kMaxMagnitude || total > kMaxMagnitude - part) return invalid();
    total += part;
  }
  if (negative) return std::chrono::nanoseconds(static_cast<int64_t>(~total + 1));
  if (total == kMaxMagnitude) return invalid();
  return std::chrono::nanoseconds(static_cast<int64_t>(total));
}

std::string format_duration(std::chrono::nanoseconds value) {
  const int64_t count = value.count();
  if (count == 0) return "0s";
  const uint64_t magnitude =
      count < 0 ? ~static_cast<uint64_t>(count) + 1 : static_cast<uint64_t>(count);
  std::string text = count < 0 ? "-" : "";
  if (magnitude < 1'000) return text + std::to_string(magnitude) + "ns";
  if (magnitude < 1'000'000) return text + decimal(magnitude, 1'000, 3) + "\u00b5s";
  if (magnitude < 1'000'000'000) return text + decimal(magnitude, 1'000'000, 6) + "ms";
  const uint64_t minutes = magnitude / 60'000'000'000;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + decimal(magnitude % 60'000'000'000, 1'000'000'000, 9) + "s";
}

}  // namespace gatehouse
