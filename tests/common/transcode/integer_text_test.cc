#include "common/transcode/integer_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace gatehouse::transcode {
namespace {

using Kind = IntegerText::Kind;

std::string shown(std::string_view text) {
  const IntegerText out = parse_integer(text);
  if (out.kind == Kind::kNoInteger) return "none";
  if (out.kind == Kind::kTooLarge) return "too large";
  return (out.negative ? "-" : "") + std::to_string(out.magnitude);
}

TEST(IntegerText, PlainIsTheUsualWay) {
  for (const char* text : {"0", "7", "-7", "18446744073709551615"}) {
    EXPECT_TRUE(parse_integer(text).plain) << text;
    EXPECT_EQ(shown(text), text);
  }
  for (const char* text : {"-0", "7.0", "7e0", "0.0", "0e5"})
    EXPECT_FALSE(parse_integer(text).plain) << text;
}

TEST(IntegerText, Bounds) {
  EXPECT_EQ(shown("18446744073709551616"), "too large");
  EXPECT_EQ(shown("1e20"), "too large");
  EXPECT_EQ(shown("1e19"), "10000000000000000000");
  EXPECT_EQ(shown("-18446744073709551615"), "-18446744073709551615");
  EXPECT_EQ(shown("1e99999999999999999999"), "too large");
  EXPECT_EQ(shown("1e-99999999999999999999"), "none");
  EXPECT_EQ(shown("0e99999999999999999999"), "0");
  EXPECT_EQ(shown("0.000000000000000000000000001e27"), "1");
  EXPECT_EQ(shown("1" + std::string(1000, '0') + "e-1000"), "1");
  EXPECT_EQ(shown("0." + std::string(1000, '0') + "1e1001"), "1");
  EXPECT_EQ(shown(std::string(1000, '9')), "too large");
}

// Writes a number in a random way that has the same value.
TEST(IntegerText, RandomSpellings) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 5000; ++round) {
    const uint64_t value = random() >> (random() % 64);
    std::string digits = std::to_string(value);
    if (value == 0) continue;
    // shift the point left by `shift` places and say so in the exponent
    const size_t shift = random() % 25;
    const std::string padded =
        std::string(shift + 1 > digits.size() ? shift + 1 - digits.size() : 0, '0') + digits;
    std::string text = padded.substr(0, padded.size() - shift);
    if (text.size() > 1 && text[0] == '0') continue;
    const std::string fraction =
        padded.substr(padded.size() - shift) + std::string(random() % 3, '0');
    if (!fraction.empty()) text += "." + fraction;
    text +=
        (random() % 2 ? "e" : "E") + std::string(random() % 2 ? "+" : "") + std::to_string(shift);
    const bool negative = random() % 2;
    ASSERT_EQ(shown((negative ? "-" : "") + text), (negative ? "-" : "") + digits) << text;
    if (value % 10 != 0) {
      const std::string tenth = digits.substr(0, digits.size() - 1) +
                                (digits.size() == 1 ? "0" : "") + "." + digits.back();
      ASSERT_EQ(shown(tenth), "none") << tenth;
    }
  }
}

}  // namespace
}  // namespace gatehouse::transcode
