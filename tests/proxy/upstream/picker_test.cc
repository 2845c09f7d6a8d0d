#include "proxy/upstream/picker.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "proxy/upstream/retry_budget.h"

namespace gatehouse::upstream {
namespace {

std::vector<Load> loads(const std::vector<size_t>& calls) {
  std::vector<Load> all;
  for (size_t i = 0; i < calls.size(); ++i) all.push_back({.index = i * 10, .calls = calls[i]});
  return all;
}

TEST(Picker, RoundRobinGoesRound) {
  Picker picker(Balancer::kRoundRobin, 1);
  const auto candidates = loads({5, 0, 9});
  std::map<size_t, int> picked;
  for (int i = 0; i < 300; ++i) ++picked[picker.pick(candidates, /*stream=*/false)];
  EXPECT_EQ(picked, (std::map<size_t, int>{{0, 100}, {10, 100}, {20, 100}}));
}

TEST(Picker, LeastRequestNeverTakesTheMostLoaded) {
  Picker picker(Balancer::kLeastRequest, 7);
  const auto candidates = loads({3, 100, 3});
  std::map<size_t, int> picked;
  for (int i = 0; i < 1000; ++i) ++picked[picker.pick(candidates, /*stream=*/false)];
  EXPECT_EQ(picked[10], 0) << "two are compared, so the single worst always loses";
  EXPECT_GT(picked[0], 300);
  EXPECT_GT(picked[20], 300);
}

TEST(Picker, LeastRequestSpreadsEqualLoads) {
  Picker picker(Balancer::kLeastRequest, 11);
  const auto candidates = loads({0, 0, 0, 0});
  std::map<size_t, int> picked;
  for (int i = 0; i < 4000; ++i) ++picked[picker.pick(candidates, /*stream=*/false)];
  for (const auto& [index, count] : picked) EXPECT_NEAR(count, 1000, 150) << "index " << index;
  EXPECT_EQ(picked.size(), 4u);
}

TEST(Picker, StreamsGoWhereTheFewestAre) {
  for (const Balancer balancer : {Balancer::kRoundRobin, Balancer::kLeastRequest}) {
    Picker picker(balancer, 3);
    std::vector<Load> candidates = loads({0, 50, 100});
    candidates[0].streams = 4;
    for (int i = 0; i < 8; ++i) {
      ++candidates[picker.pick(candidates, /*stream=*/true) / 10].streams;
    }
    EXPECT_EQ(candidates[0].streams, 4u) << "calls in flight do not count";
    EXPECT_EQ(candidates[1].streams, 4u);
    EXPECT_EQ(candidates[2].streams, 4u);
  }
}

TEST(RetryBudget, AllowsAFifthOfTheCallsInTheLongRun) {
  RetryBudget budget;
  while (budget.spend()) {
  }
  int allowed = 0;
  for (int call = 0; call < 10'000; ++call) {
    budget.on_call();
    if (budget.spend()) ++allowed;
  }
  EXPECT_NEAR(allowed, 2000, 2);
}

TEST(RetryBudget, SavesNoMoreThanItsBound) {
  RetryBudget budget;
  for (int call = 0; call < 10'000; ++call) budget.on_call();
  int allowed = 0;
  while (budget.spend()) ++allowed;
  EXPECT_EQ(allowed, RetryBudget::kMaxTokens);
}

}  // namespace
}  // namespace gatehouse::upstream
