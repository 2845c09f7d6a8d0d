// What a scrape reads, byte by byte, and the life of families and series.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/metrics/metrics.h"

namespace gatehouse::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Exposition, IsTheTextFormatWithEtcdsTypes) {
  Registry registry;
  // Registered out of order; a gauge keeps its TYPE whatever its name says.
  registry.up_down_counter("etcd_grpc_proxy_cache_hits_total", "Total number of cache hits").add(7);
  const auto started = registry.counter_family("grpc_server_started_total",
                                               "Total number of RPCs started on the server.",
                                               {"grpc_type", "grpc_service", "grpc_method"});
  started.with({"unary", "etcdserverpb.KV", "Range"}).add(3);
  started.with({"unary", "etcdserverpb.KV", "Put"});
  registry.gauge("a_ratio", "Set.").set(0.1);
  EXPECT_EQ(registry.serialize(),
            "# HELP a_ratio Set.\n"
            "# TYPE a_ratio gauge\n"
            "a_ratio 0.1\n"
            "# HELP etcd_grpc_proxy_cache_hits_total Total number of cache hits\n"
            "# TYPE etcd_grpc_proxy_cache_hits_total gauge\n"
            "etcd_grpc_proxy_cache_hits_total 7\n"
            "# HELP grpc_server_started_total Total number of RPCs started on the server.\n"
            "# TYPE grpc_server_started_total counter\n"
            "grpc_server_started_total{grpc_type=\"unary\",grpc_service=\"etcdserverpb.KV\","
            "grpc_method=\"Put\"} 0\n"
            "grpc_server_started_total{grpc_type=\"unary\",grpc_service=\"etcdserverpb.KV\","
            "grpc_method=\"Range\"} 3\n");
}

TEST(Exposition, HistogramBucketsAreCumulativeAndIncludeTheirBound) {
  Registry registry;
  const auto h = registry.histogram("h_seconds", "Times.", {.005, 1, 2.5});
  h.observe(.005);
  h.observe(std::chrono::milliseconds(1500));
  h.observe(100);
  EXPECT_EQ(registry.serialize(),
            "# HELP h_seconds Times.\n"
            "# TYPE h_seconds histogram\n"
            "h_seconds_count 3\n"
            "h_seconds_sum 101.505\n"
            "h_seconds_bucket{le=\"0.005\"} 1\n"
            "h_seconds_bucket{le=\"1\"} 1\n"
            "h_seconds_bucket{le=\"2.5\"} 2\n"
            "h_seconds_bucket{le=\"+Inf\"} 3\n");
}

TEST(Exposition, WritesGosBucketBoundsAsGoDoes) {
  Registry registry;
  registry.histogram("h_seconds", "Times.", default_buckets());
  const std::string text = registry.serialize();
  for (const auto* bound :
       {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"}) {
    EXPECT_THAT(text, HasSubstr("{le=\"" + std::string(bound) + "\"} 0\n"));
  }
  EXPECT_EQ(exponential_buckets(.0001, 2, 3), (std::vector<double>{.0001, .0002, .0004}));
  EXPECT_EQ(exponential_buckets(1, 10, 1), (std::vector<double>{1}));
}

TEST(Exposition, LargeCountsAreWholeNumbers) {
  Registry registry;
  registry.counter("c_total", "Bytes.").add(1'234'567'890'123'456);
  registry.up_down_counter("u", "Below zero.").sub(5);
  EXPECT_THAT(registry.serialize(), HasSubstr("c_total 1234567890123456\n"));
  EXPECT_THAT(registry.serialize(), HasSubstr("\nu -5\n"));
}

TEST(Exposition, LabelValuesMayHoldAnyBytes) {
  Registry registry;
  const auto family = registry.counter_family("c_total", "Odd.", {"v"});
  family.with({"quote \" slash \\ line \n"}).add();
  family.with({"\xff"}).add();
  family.with({"\xfe"}).add();  // the same after replacement: one series, not two of one name
  const std::string text = registry.serialize();
  EXPECT_THAT(text, HasSubstr("c_total{v=\"quote \\\" slash \\\\ line \\n\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("c_total{v=\"\ufffd\"} 2\n"));
}

TEST(Exposition, IsTheSameForTheSameValuesInAnyOrderOfRegistration) {
  Registry forward, backward;
  const auto fill = [](Registry& registry, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const auto family = registry.gauge_family(name, "G.", {"l"});
      for (const std::string& value : names) family.with({value}).set(1);
    }
  };
  fill(forward, {"a", "b", "c"});
  fill(backward, {"c", "b", "a"});
  EXPECT_EQ(forward.serialize(), backward.serialize());
}

TEST(Family, GivesTheSameSeriesForTheSameLabels) {
  Registry registry;
  const auto family = registry.counter_family("c_total", "C.", {"a", "b"});
  family.with({"1", "2"}).add();
  registry.counter_family("c_total", "C.", {"a", "b"}).with({"1", "2"}).add();
  EXPECT_EQ(family.with({"1", "2"}).value(), 2U);
  EXPECT_EQ(family.with({"2", "1"}).value(), 0U);
  registry.counter("plain_total", "P.").add();
  EXPECT_EQ(registry.counter("plain_total", "P.").value(), 1U);
}

template <typename Handle>
void removes_a_series(Registry& registry, Family<Handle> family) {
  family.with({"gone"}).add(1);
  family.with({"stays"}).add(1);
  EXPECT_TRUE(family.remove({"gone"}));
  EXPECT_FALSE(family.remove({"gone"}));
  EXPECT_THAT(registry.serialize(), Not(HasSubstr("gone")));
  EXPECT_THAT(registry.serialize(), HasSubstr("stays"));
  const std::string before = registry.serialize();
  family.with({"gone"});  // in the storage of the removed one, from 0
  EXPECT_THAT(registry.serialize(), testing::ContainsRegex("\"gone\"\\} 0\n"));
  EXPECT_TRUE(family.remove({"gone"}));
  EXPECT_EQ(registry.serialize(), before);
}

TEST(Family, RemovesASeriesOfAnyType) {
  Registry counters, up_downs, gauges, histograms;
  removes_a_series(counters, counters.counter_family("f", "F.", {"endpoint"}));
  removes_a_series(up_downs, up_downs.up_down_counter_family("f", "F.", {"endpoint"}));
  removes_a_series(gauges, gauges.gauge_family("f", "F.", {"endpoint"}));
  const auto family = histograms.histogram_family("f", "F.", {"endpoint"}, {1, 2});
  family.with({"gone"}).observe(1);
  EXPECT_TRUE(family.remove({"gone"}));
  EXPECT_EQ(histograms.serialize(), "");  // a family without series has no head either
  EXPECT_EQ(family.with({"gone"}).count(), 0U);
  EXPECT_EQ(family.with({"gone"}).sum(), 0);
}

TEST(Family, IsBoundedAgainstLabelValuesOfPeers) {
  Registry registry;
  const auto family = registry.counter_family("c_total", "C.", {"n"});
  for (size_t i = 0; i < kMaxSeriesPerFamily; ++i) family.with({std::to_string(i)});
  family.with({"one more"}).add();
  EXPECT_EQ(family.with({"one more"}).value(), 0U);
  family.with({"0"}).add();
  EXPECT_EQ(family.with({"0"}).value(), 1U);
}

TEST(Handles, MadeByDefaultDiscard) {
  Counter().add();
  UpDownCounter().sub();
  Gauge().set(1);
  Gauge().add(1);
  Histogram().observe(1);
  EXPECT_EQ(Counter().value(), 0U);
  EXPECT_EQ(Gauge().value(), 0);
  EXPECT_EQ(Histogram().count(), 0U);
  EXPECT_EQ(Histogram().sum(), 0);
  Family<Counter>().with({"any", "labels"}).add();
  EXPECT_FALSE(Family<Counter>().remove({"x"}));
}

TEST(Computed, IsAskedAtEachScrapeAndMayUseTheRegistry) {
  Registry registry;
  const Counter other = registry.counter("other_total", "O.");
  int asked = 0;
  registry.computed_gauge("keys", "K.", [&] { return ++asked; });
  registry.computed_counter("sum_total", "S.",
                            [&] {
                              registry.counter("made_meanwhile_total",
                                               "M.");  // would deadlock under the lock
                              return static_cast<double>(other.value());
                            },
                            {{"of", "other"}});
  registry.computed_counter("sum_total", "S.", [] { return 5; }, {{"of", "five"}});
  other.add(2);
  EXPECT_THAT(registry.serialize(), HasSubstr("# TYPE keys gauge\nkeys 1\n"));
  EXPECT_THAT(registry.serialize(), HasSubstr("# TYPE sum_total counter\nsum_total{of=\"five\"} 5\n"
                                              "sum_total{of=\"other\"} 2\n"));
  EXPECT_EQ(asked, 2);
}

using RegistryDeathTest = testing::Test;

TEST(RegistryDeathTest, RefusesWhatWouldBreakTheContractOfANameOrTheFormat) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Registry registry;
  registry.counter("c_total", "C.");
  EXPECT_DEATH(registry.gauge("c_total", "C."), "c_total");
  EXPECT_DEATH(registry.counter("c_total", "Another."), "c_total");
  EXPECT_DEATH(registry.counter_family("c_total", "C.", {"l"}), "c_total");
  EXPECT_DEATH(registry.counter("with-dash", "D."), "with-dash");
  EXPECT_DEATH(registry.counter_family("x_total", "X.", {"le:"}), "le:");
  EXPECT_DEATH(registry.counter("two_lines", "1\n2"), "two_lines");
  EXPECT_DEATH(registry.histogram("h", "H.", {2, 1}), "h");
  EXPECT_DEATH(registry.counter_family("y_total", "Y.", {"a"}).with({"1", "2"}), "y_total");
}

}  // namespace
}  // namespace gatehouse::metrics
