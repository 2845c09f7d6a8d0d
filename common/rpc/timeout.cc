#include "common/rpc/timeout.h"

#include <algorithm>
#include <charconv>

namespace gatehouse::rpc {
namespace {

constexpr uint64_t kMostDigits = 99'999'999;

// A clipped %q: what a peer sent goes into an error text, so it is bounded and printable.
std::string quoted(std::string_view text) {
  constexpr size_t kMost = 40;
  std::string out = "\"";
  for (const char c : text.substr(0, kMost)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= 0x20 && c < 0x7f ? c : '?';
  }
  return out + '"';
}

uint64_t rounded_up(uint64_t value, uint64_t divisor) {
  return value / divisor + (value % divisor != 0 ? 1 : 0);
}

}  // namespace

Result<uint64_t> parse_timeout(std::string_view text) {
  if (text.size() < 2) {
    return invalid_argument("transport: timeout string is too short: " + quoted(text));
  }
  if (text.size() > 9) {
    return invalid_argument("transport: timeout string is too long: " + quoted(text));
  }
  const char unit = text.back();
  uint64_t value = 0;
  const char* end = text.data() + text.size() - 1;
  const auto parsed = std::from_chars(text.data(), end, value);
  const bool is_number = parsed.ec == std::errc() && parsed.ptr == end;
  uint64_t milliseconds = 0;
  switch (unit) {
    case 'H':
      milliseconds = value * 3'600'000;
      break;
    case 'M':
      milliseconds = value * 60'000;
      break;
    case 'S':
      milliseconds = value * 1'000;
      break;
    case 'm':
      milliseconds = value;
      break;
    case 'u':
      milliseconds = rounded_up(value, 1'000);
      break;
    case 'n':
      milliseconds = rounded_up(value, 1'000'000);
      break;
    default:
      return invalid_argument("transport: timeout unit is not recognized: " + quoted(text));
  }
  if (!is_number) return invalid_argument("transport: malformed timeout: " + quoted(text));
  return milliseconds;  // eight digits of hours are 3.6e14 ms
}

std::string format_timeout(uint64_t milliseconds) {
  if (milliseconds <= kMostDigits) return std::to_string(milliseconds) + 'm';
  const uint64_t seconds = rounded_up(milliseconds, 1'000);
  if (seconds <= kMostDigits) return std::to_string(seconds) + 'S';
  const uint64_t minutes = rounded_up(seconds, 60);
  if (minutes <= kMostDigits) return std::to_string(minutes) + 'M';
  return std::to_string(std::min(rounded_up(minutes, 60), kMostDigits)) + 'H';
}

}  // namespace gatehouse::rpc
