#include "common/config/values.h"

#include <array>
#include <limits>
#include <optional>

namespace gatehouse::config {

namespace {

Status parse_error() { return invalid_argument("parse error"); }
Status out_of_range() { return invalid_argument("value out of range"); }

std::optional<uint32_t> digit_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'z') return static_cast<uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'Z') return static_cast<uint32_t>(c - 'A' + 10);
  return std::nullopt;
}

// Takes the prefix that names a base off the text.
uint32_t take_base(std::string_view& text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  switch (text[1]) {
    case 'x':
    case 'X':
      text.remove_prefix(2);
      return 16;
    case 'o':
    case 'O':
      text.remove_prefix(2);
      return 8;
    case 'b':
    case 'B':
      text.remove_prefix(2);
      return 2;
    default:
      text.remove_prefix(1);
      return 8;
  }
}

// Go's strconv.ParseUint(text, 0, 64).
Result<uint64_t> parse_magnitude(std::string_view text) {
  if (text.empty()) return parse_error();
  std::string_view digits = text;
  const uint32_t base = take_base(digits);
  // An underscore may follow the prefix or a digit, and a digit must follow it.
  bool after_digit = digits.size() != text.size();
  bool overflow = false, any = false;
  uint64_t number = 0;
  for (const char c : digits) {
    if (c == '_') {
      if (!after_digit) return parse_error();
      after_digit = false;
      continue;
    }
    const std::optional<uint32_t> digit = digit_value(c);
    if (!digit.has_value() || *digit >= base) return parse_error();
    any = after_digit = true;
    overflow = overflow || number > (std::numeric_limits<uint64_t>::max() - *digit) / base;
    number = number * base + *digit;
  }
  if (!after_digit || !any) return parse_error();
  if (overflow) return out_of_range();
  return number;
}

struct Unit {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array<Unit, 9> kUnits = {{
    {"KiB", uint64_t{1} << 10},
    {"MiB", uint64_t{1} << 20},
    {"GiB", uint64_t{1} << 30},
    {"TiB", uint64_t{1} << 40},
    {"kB", 1'000},
    {"KB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
}};

constexpr size_t kMaxDecimalPlaces = 9;  // 10^9 units of TiB still fit into 128 bits

// "<digits>[.<digits>]" times the unit, exactly, rounded down.
Result<uint64_t> scaled(std::string_view text, uint64_t unit) {
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view places = text.substr(std::min(point + 1, text.size()));
  if (point == 0 || (point < text.size() && places.empty()) || places.size() > kMaxDecimalPlaces) {
    return parse_error();
  }
  unsigned __int128 number = 0;
  unsigned __int128 scale = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == point) continue;
    if (text[i] < '0' || text[i] > '9') return parse_error();
    number = number * 10 + static_cast<unsigned>(text[i] - '0');
    if (i > point) scale *= 10;
    if (number / scale > std::numeric_limits<uint64_t>::max()) return out_of_range();
  }
  const unsigned __int128 bytes = number * unit / scale;
  if (bytes > std::numeric_limits<uint64_t>::max()) return out_of_range();
  return static_cast<uint64_t>(bytes);
}

std::string_view trimmed(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

}  // namespace

Result<bool> parse_bool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return parse_error();
}

Result<uint64_t> parse_uint64(std::string_view text) { return parse_magnitude(text); }

Result<int64_t> parse_int64(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const Result<uint64_t> magnitude = parse_magnitude(text);
  if (!magnitude.ok()) return magnitude.status();
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (*magnitude > kMax + (negative ? 1 : 0)) return out_of_range();
  return static_cast<int64_t>(negative ? ~*magnitude + 1 : *magnitude);
}

Result<uint64_t> parse_bytes(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (text.ends_with(unit.name)) {
      return scaled(trimmed(text.substr(0, text.size() - unit.name.size())), unit.bytes);
    }
  }
  if (text.ends_with('B')) return parse_uint64(trimmed(text.substr(0, text.size() - 1)));
  return parse_uint64(text);
}

std::string format_bytes(uint64_t bytes) {
  const Unit* best = nullptr;
  for (const Unit& unit : kUnits) {
    if (unit.name[1] != 'i' || bytes < unit.bytes) continue;
    // Exact with one decimal place.
    if (static_cast<unsigned __int128>(bytes) * 10 % unit.bytes == 0) best = &unit;
  }
  if (best == nullptr) return std::to_string(bytes) + "B";
  std::string text = std::to_string(bytes / best->bytes);
  const auto tenths = static_cast<unsigned __int128>(bytes % best->bytes) * 10 / best->bytes;
  if (tenths != 0) text.append(".").append(std::to_string(static_cast<int>(tenths)));
  return text.append(best->name);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  if (trimmed(text).empty()) return items;
  while (true) {
    const size_t comma = text.find(',');
    items.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

std::string join_list(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) {
    if (&item != &items.front()) text += ',';
    text += item;
  }
  return text;
}

}  // namespace gatehouse::config
