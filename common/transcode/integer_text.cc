#include "common/transcode/integer_text.h"

#include <charconv>

#include "common/transcode/json_cursor.h"

namespace gatehouse::transcode {
namespace {

constexpr int64_t kMaxDigits = 20;  // of UINT64_MAX

// Appends a decimal digit; false when the value no longer fits.
bool push_digit(uint64_t& value, unsigned digit) {
  return !__builtin_mul_overflow(value, uint64_t{10}, &value) &&
         !__builtin_add_overflow(value, uint64_t{digit}, &value);
}

}  // namespace

IntegerText parse_integer(std::string_view text) {
  using Kind = IntegerText::Kind;
  JsonCursor cursor(text);
  std::string_view number;
  if (text.empty() || !cursor.read_number(number) || number != text) return {};

  IntegerText out;
  out.negative = number.starts_with('-');
  if (out.negative) number.remove_prefix(1);

  // value = digits x 10^exponent, the digits standing around the point
  const size_t e = number.find_first_of("eE");
  std::string_view mantissa = number.substr(0, e);
  const size_t point = mantissa.find('.');
  const std::string_view whole = mantissa.substr(0, point);
  std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : mantissa.substr(point + 1);
  while (fraction.ends_with('0')) fraction.remove_suffix(1);

  bool zero = true;
  for (const char c : whole) zero = zero && c == '0';
  zero = zero && fraction.empty();
  if (zero) {
    out.kind = Kind::kInteger;
    out.plain = !out.negative && number.size() == 1;
    out.negative = false;
    return out;
  }

  int64_t exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view digits = number.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    // So long a text cannot outweigh an exponent beyond 64 bits.
    if (parsed.ec == std::errc::result_out_of_range) {
      out.kind = digits.starts_with('-') ? Kind::kNoInteger : Kind::kTooLarge;
      return out;
    }
  }

  // Digits after the point, once it has moved by the exponent, must be zeros.
  const int64_t whole_digits = static_cast<int64_t>(whole.size());
  const int64_t all_digits = whole_digits + static_cast<int64_t>(fraction.size());
  if (exponent > kMaxDigits + all_digits) {
    out.kind = Kind::kTooLarge;
    return out;
  }
  const int64_t digits_kept = exponent < -whole_digits ? 0 : whole_digits + exponent;
  const auto digit_at = [&](int64_t i) -> unsigned {
    const size_t index = static_cast<size_t>(i);
    if (i < whole_digits) return static_cast<unsigned>(whole[index] - '0');
    if (i < all_digits) {
      return static_cast<unsigned>(fraction[index - whole.size()] - '0');
    }
    return 0;
  };
  for (int64_t i = digits_kept; i < all_digits; ++i) {
    if (digit_at(i) != 0) return out;
  }
  for (int64_t i = 0; i < digits_kept; ++i) {
    if (!push_digit(out.magnitude, digit_at(i))) {
      out.kind = Kind::kTooLarge;
      return out;
    }
  }
  out.kind = Kind::kInteger;
  out.plain = point == std::string_view::npos && e == std::string_view::npos;
  return out;
}

}  // namespace gatehouse::transcode
