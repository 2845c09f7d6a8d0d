// Histogram, statistics, CPU time, JSON, request templates: what the figures rest on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "common/codec/base64.h"
#include "tests/bench/gatehouse_bench/cpu_time.h"
#include "tests/bench/gatehouse_bench/histogram.h"
#include "tests/bench/gatehouse_bench/json_writer.h"
#include "tests/bench/gatehouse_bench/key_source.h"
#include "tests/bench/gatehouse_bench/request_template.h"
#include "tests/bench/gatehouse_bench/statistics.h"
#include "tests/bench/gatehouse_bench/tally.h"
#include "tests/bench/gatehouse_bench/wire.h"

namespace gatehouse::bench {
namespace {

uint64_t exact_percentile(std::vector<uint64_t> sorted, double percent) {
  const auto rank = static_cast<size_t>(
      std::max(1.0, std::ceil(percent / 100 * static_cast<double>(sorted.size()))));
  return sorted[rank - 1];
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (uint64_t value = 0; value < 256; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(0), 0u);
  EXPECT_EQ(histogram.percentile(50), 127u);
  EXPECT_EQ(histogram.percentile(100), 255u);
  EXPECT_EQ(histogram.count(), 256u);
  EXPECT_DOUBLE_EQ(histogram.mean(), 127.5);
}

TEST(HistogramTest, FollowsASortedListWithinItsPrecision) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const double scale : {10.0, 1000.0, 1e6, 1e8}) {
    std::lognormal_distribution<double> latency(std::log(scale), 1.0);
    Histogram histogram;
    std::vector<uint64_t> values;
    for (int i = 0; i < 20000; ++i) {
      values.push_back(
          std::min<uint64_t>(static_cast<uint64_t>(latency(random)), Histogram::kLargest));
      histogram.record(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
      const uint64_t exact = exact_percentile(values, percent);
      const uint64_t told = histogram.percentile(percent);
      EXPECT_GE(told, exact) << percent << " at scale " << scale;
      EXPECT_LE(static_cast<double>(told), static_cast<double>(exact) * (1 + 1.0 / 128))
          << percent << " at scale " << scale;
    }
    EXPECT_EQ(histogram.max(), values.back());
  }
}

TEST(HistogramTest, EveryPowerOfTwoAndItsNeighboursAreInOrder) {
  uint64_t before = 0;
  for (int bit = 2; bit < 32; ++bit) {
    for (const int64_t offset : {-1, 0, 1}) {
      const uint64_t value = (uint64_t{1} << bit) + static_cast<uint64_t>(offset);
      Histogram histogram;
      histogram.record(value);
      EXPECT_EQ(histogram.percentile(50), value);  // never above the largest recorded
      histogram.record(Histogram::kLargest);
      const uint64_t told = histogram.percentile(50);
      EXPECT_GE(told, value);
      EXPECT_LE(told, value + value / 128);
      EXPECT_GE(told, before);
      before = std::max(before, told);
    }
  }
}

TEST(HistogramTest, HugeValuesCountAtTheEndAndKeepTheMaximum) {
  Histogram histogram;
  histogram.record(5);
  histogram.record(uint64_t{1} << 40);
  EXPECT_EQ(histogram.percentile(50), 5u);
  EXPECT_EQ(histogram.percentile(100), Histogram::kLargest);
  EXPECT_EQ(histogram.max(), uint64_t{1} << 40);
}

TEST(HistogramTest, MergedIsAsRecordedTogether) {
  Histogram one, other, both;
  for (uint64_t i = 0; i < 5000; ++i) {
    (i % 3 == 0 ? one : other).record(i * i);
    both.record(i * i);
  }
  one.merge(other);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.max(), both.max());
  EXPECT_DOUBLE_EQ(one.mean(), both.mean());
  for (double percent = 0; percent <= 100; percent += 0.5) {
    EXPECT_EQ(one.percentile(percent), both.percentile(percent));
  }
}

TEST(HistogramTest, EmptyTellsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.percentile(99), 0u);
  EXPECT_EQ(histogram.mean(), 0);
}

TEST(StatisticsTest, Median) {
  EXPECT_DOUBLE_EQ(median({3}), 3);
  EXPECT_DOUBLE_EQ(median({5, 1, 3}), 3);
  EXPECT_DOUBLE_EQ(median({4, 1, 3, 2}), 2.5);
}

TEST(StatisticsTest, RatioIsTakenWithinARoundBeforeTheMedian) {
  // The machine was slow in the second round: the ratio of the medians would be 0.6.
  EXPECT_DOUBLE_EQ(median_ratio({30, 3, 33}, {50, 1, 11}), 3);
  EXPECT_DOUBLE_EQ(median_ratio({1, 2}, {0, 4}), 0.5);
  EXPECT_DOUBLE_EQ(median_ratio({1}, {0}), 0);
}

TEST(CpuTimeTest, ReadsTheFieldsBehindAnyName) {
  const Result<uint64_t> cpu_us = cpu_us_from_stat(
      "4242 (a) R (b 1 2) S 1 4242 4242 0 -1 4194560 100 0 0 0 150 50 7 8 20 0 1 0 9 10 11\n", 100);
  ASSERT_TRUE(cpu_us.ok()) << cpu_us.status().to_string();
  EXPECT_EQ(*cpu_us, 2'000'000u);
  EXPECT_FALSE(cpu_us_from_stat("", 100).ok());
  EXPECT_FALSE(cpu_us_from_stat("1 (x) S 1 2", 100).ok());
  EXPECT_FALSE(cpu_us_from_stat("1 (x) S 1 1 1 0 -1 0 0 0 0 0 fifty 50 0", 100).ok());
}

TEST(CpuTimeTest, FollowsThisProcess) {
  const Result<uint64_t> before = process_cpu_us(getpid());
  ASSERT_TRUE(before.ok()) << before.status().to_string();
  const uint64_t own_before = own_cpu_us();
  while (own_cpu_us() - own_before < 100'000) {
  }
  const Result<uint64_t> after = process_cpu_us({getpid(), getpid()});
  ASSERT_TRUE(after.ok());
  // Twice this process, in steps of 10 ms.
  EXPECT_GE(*after - 2 * *before, 2 * 80'000u);
}

TEST(CpuTimeTest, NamesAProcessThatIsNotThere) {
  const Result<uint64_t> cpu_us = process_cpu_us(std::numeric_limits<pid_t>::max());
  ASSERT_FALSE(cpu_us.ok());
  EXPECT_EQ(cpu_us.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(cpu_us.status().message(), testing::HasSubstr("2147483647"));
}

TEST(JsonWriterTest, NestsAndEscapes) {
  JsonWriter json;
  json.begin_object();
  json.name("a").value("quote \" back \\ line \n");
  json.name("b").begin_array();
  json.value(uint64_t{1});
  json.value(0.5);
  json.begin_object();
  json.end_object();
  json.value(true);
  json.end_array();
  json.name("c").value(std::nan(""));
  json.end_object();
  EXPECT_EQ(json.text(), R"({"a":"quote \" back \\ line \u000a","b":[1,0.5,{},true],"c":null})");
}

TEST(RequestTemplateTest, FillsEveryHole) {
  const KeySpace keys{"k/", 8, 1000};
  const Marks marks(keys);
  RequestTemplate request(
      "<" + marks.key(0) + "," + marks.key(1) + "," + marks.key(0) + "," + Marks::stamp() + ">",
      marks, {{0, 0}, {1, 10}}, false);
  EXPECT_EQ(request.fill(7, 42), "<k/000007,k/000017,k/000007,00000000000000000042>");
  EXPECT_EQ(request.fill(999, UINT64_MAX), "<k/000999,k/001009,k/000999,18446744073709551615>");
}

TEST(RequestTemplateTest, FillsEncodedKeys) {
  for (size_t key_bytes = 6; key_bytes < 12; ++key_bytes) {
    const KeySpace keys{"ab/", key_bytes, 100};
    const Marks marks(keys);
    RequestTemplate request("{\"key\":\"" + codec::base64_encode(marks.key(0)) + "\"}", marks,
                            {{0, 0}}, true);
    EXPECT_EQ(request.fill(42), "{\"key\":\"" + codec::base64_encode(keys.key(42)) + "\"}");
    EXPECT_EQ(request.fill(3), "{\"key\":\"" + codec::base64_encode(keys.key(3)) + "\"}");
  }
}

TEST(FieldReaderTest, ReadsWhatWasWritten) {
  std::string message;
  append_varint_field(message, 1, 300);
  append_bytes_field(message, 11, "eleven");
  message +=
      "\x19"
      "12345678";  // field 3, 64 bits
  append_varint_field(message, 536870911, UINT64_MAX);
  FieldReader fields(message);
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.number(), 1u);
  EXPECT_EQ(fields.varint(), 300u);
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.number(), 11u);
  EXPECT_EQ(fields.bytes(), "eleven");
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.number(), 3u);
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.number(), 536870911u);
  EXPECT_EQ(fields.varint(), UINT64_MAX);
  EXPECT_FALSE(fields.next());
  EXPECT_FALSE(fields.malformed());
}

TEST(FieldReaderTest, EveryCutIsSeenOrLeavesWholeFields) {
  std::string message;
  append_varint_field(message, 1, 300);
  append_bytes_field(message, 2, "value");
  message +=
      "\x19"
      "12345678"
      "\x25"
      "1234";
  for (size_t cut = 0; cut <= message.size(); ++cut) {
    FieldReader fields(std::string_view(message).substr(0, cut));
    size_t whole = 0;
    while (fields.next()) ++whole;
    const bool at_a_border = cut == 0 || cut == 3 || cut == 10 || cut == 19 || cut == 24;
    EXPECT_EQ(fields.malformed(), !at_a_border) << cut;
    EXPECT_LE(whole, 4u);
  }
}

TEST(KeySourceTest, RandomKeysCoverTheirRangeAndRepeatWithTheirSeed) {
  RandomKeys keys(7, 10), same(7, 10);
  std::vector<int> seen(10);
  for (int i = 0; i < 10000; ++i) {
    const std::optional<uint64_t> key = keys.next();
    ASSERT_EQ(key, same.next());
    ASSERT_LT(*key, 10u);
    ++seen[*key];
  }
  for (const int count : seen) EXPECT_NEAR(count, 1000, 200);
}

TEST(KeySourceTest, EachKeyOnceOverAllSources) {
  std::atomic<uint64_t> counter{0};
  EachKeyOnce one(counter, 3), other(counter, 3);
  EXPECT_EQ(one.next(), 0u);
  EXPECT_EQ(other.next(), 1u);
  EXPECT_EQ(one.next(), 2u);
  EXPECT_EQ(one.next(), std::nullopt);
  EXPECT_EQ(other.next(), std::nullopt);
}

TEST(KeySourceTest, PacedKeysWaitForDelivery) {
  constexpr uint64_t kWatchers = 3;
  std::atomic<uint64_t> delivered{0};
  RandomKeys random(1, 100);
  PacedKeys keys(random, delivered, kWatchers);
  for (uint64_t i = 0; i < PacedKeys::kWindow; ++i) ASSERT_TRUE(keys.next()) << i;
  EXPECT_FALSE(keys.next());
  delivered = kWatchers - 1;
  EXPECT_FALSE(keys.next());
  delivered = kWatchers;
  EXPECT_TRUE(keys.next());
  EXPECT_FALSE(keys.next());
  keys.forgive();
  for (uint64_t i = 0; i < PacedKeys::kWindow; ++i) ASSERT_TRUE(keys.next()) << i;
  EXPECT_FALSE(keys.next());
}

TEST(RecorderTest, OnlyTheWindowCounts) {
  Recorder recorder;
  recorder.success(1, 1);
  recorder.failure("Unavailable", "before");
  recorder.begin_window();
  recorder.success(10, 100);
  recorder.success(20, 100);
  recorder.failure("Unavailable", "first");
  recorder.failure("Unavailable", "second");
  EXPECT_EQ(recorder.progress(), 4u);
  const Tally tally = recorder.end_window();
  recorder.success(1, 1);
  EXPECT_EQ(tally.completed(), 2u);
  EXPECT_EQ(tally.latency.max(), 20u);
  EXPECT_EQ(tally.answer_bytes, 200u);
  EXPECT_EQ(tally.failed, 2u);
  ASSERT_EQ(tally.errors.size(), 1u);
  EXPECT_EQ(tally.errors.at("Unavailable").count, 2u);
  EXPECT_EQ(tally.errors.at("Unavailable").first_message, "first");
  EXPECT_EQ(recorder.first_failure(), "Unavailable: before");
}

}  // namespace
}  // namespace gatehouse::bench
