#include "member/replica/lane.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/env/sim_executor.h"

namespace gatehouse::replica {
namespace {

constexpr uint64_t kTimeoutMs = 7000;

class LaneTest : public ::testing::Test {
 protected:
  Lane::Options options() {
    Lane::Options options;
    options.index = 1;
    options.timeout_ms = kTimeoutMs;
    options.max_request_bytes = 1000;
    return options;
  }

  uint64_t put(const std::string& body, std::vector<Status>& outcomes) {
    apply::Request request;
    request.kind = apply::Kind::kPut;
    request.body = body;
    return lane_.propose(request, [&](apply::Outcome outcome) {
      outcomes.push_back(std::move(outcome.status));
    });
  }

  env::SimExecutor executor_;
  RequestIds ids_{0x1234, 1'000'000, 3};
  Progress progress_;
  std::vector<LaneBatch> batches_;
  Lane lane_{executor_, options(), ids_, progress_,
             [this](LaneBatch batch) { batches_.push_back(std::move(batch)); }};
};

TEST(RequestIds, AreUniqueAcrossLanesAndTellTheirLane) {
  RequestIds ids(0xfce4ccdb9802da4a, 1'700'000'000'000, 3);
  std::vector<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    for (size_t lane = 0; lane < 3; ++lane) {
      const uint64_t id = ids.next(lane);
      EXPECT_EQ(ids.lane_of(id), lane);
      EXPECT_EQ(id >> 48, 0xda4aU);
      seen.push_back(id);
    }
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST(RequestIds, ThoseOfAnotherMemberAndOfAnEarlierStartAreNobodys) {
  RequestIds mine(0x1111, 1'700'000'000'000, 2);
  RequestIds other(0x2222, 1'700'000'000'000, 2);
  RequestIds earlier(0x1111, 1'699'999'000'000, 2);
  EXPECT_EQ(mine.lane_of(other.next(0)), std::nullopt);
  EXPECT_EQ(mine.lane_of(earlier.next(1)), std::nullopt);
  EXPECT_EQ(mine.lane_of(0), std::nullopt);
}

TEST(RequestIds, BeginAsEtcdsDo) {
  // The first id of a member: its low 16 bits, the time, and a count that ends in 01.
  RequestIds ids(0xfce4ccdb9802da4a, 0x4aa1f852e4 + (uint64_t{7} << 40), 1);
  const uint64_t id = ids.next(0);
  EXPECT_EQ(id >> 48, 0xda4aU);
  EXPECT_EQ(id & 0xff, 1U);
}

TEST_F(LaneTest, ATurnIsHandedOverAsOneBatch) {
  std::vector<Status> outcomes;
  put("a", outcomes);
  put("b", outcomes);
  lane_.read_index([](const Status&) {});
  EXPECT_TRUE(batches_.empty());
  executor_.run_until_idle();
  ASSERT_EQ(batches_.size(), 1U);
  EXPECT_EQ(batches_[0].lane, 1U);
  EXPECT_EQ(batches_[0].proposals.size(), 2U);
  EXPECT_EQ(batches_[0].read_ticket, 1U);
}

TEST_F(LaneTest, OutcomesFindTheirProposals) {
  std::vector<Status> first;
  std::vector<Status> second;
  const uint64_t a = put("a", first);
  const uint64_t b = put("b", second);
  executor_.run_until_idle();
  std::vector<Answer> answers;
  answers.push_back({b, apply::Outcome()});
  answers.push_back({b + 3000, apply::Outcome()});  // nobody's
  answers.push_back({a, apply::Outcome(not_found("gone"))});
  lane_.on_answers(std::move(answers));
  EXPECT_EQ(second, std::vector<Status>{Status()});
  EXPECT_EQ(first, std::vector<Status>{not_found("gone")});
  EXPECT_EQ(lane_.waiting(), 0U);
}

TEST_F(LaneTest, AProposalWithoutAnOutcomeTimesOut) {
  std::vector<Status> outcomes;
  put("a", outcomes);
  executor_.run_until_idle();
  executor_.advance(3000);
  put("b", outcomes);
  executor_.advance(kTimeoutMs - 3001);
  EXPECT_TRUE(outcomes.empty());
  executor_.advance(1);
  EXPECT_EQ(outcomes, std::vector<Status>{unavailable("etcdserver: request timed out")});
  executor_.advance(3000);
  EXPECT_EQ(outcomes.size(), 2U);
}

TEST_F(LaneTest, ATimeoutTellsOfALostLeader) {
  std::vector<Status> outcomes;
  put("a", outcomes);
  executor_.run_until_idle();
  executor_.advance(100);
  progress_.leader_lost_ms = executor_.now_ms();
  executor_.advance(kTimeoutMs);
  EXPECT_EQ(outcomes, std::vector<Status>{unavailable(
                          "etcdserver: request timed out, possibly due to previous leader failure")});
}

TEST_F(LaneTest, WhatWentToALostLeaderEndsWhenTheNextOneHasBegun) {
  std::vector<Status> lost;
  std::vector<Status> later;
  put("a", lost);
  const uint64_t b = put("b", lost);
  executor_.run_until_idle();
  EXPECT_EQ(batches_.back().last_id, b);
  put("c", later);
  executor_.run_until_idle();
  lane_.on_lost(b);
  const Status why =
      unavailable("etcdserver: request timed out, possibly due to previous leader failure");
  EXPECT_EQ(lost, (std::vector<Status>{why, why}));
  EXPECT_TRUE(later.empty());
  EXPECT_EQ(lane_.failed(), 2U);
  lane_.on_lost(b);  // told again by a further election
  EXPECT_EQ(lost.size(), 2U);
}

TEST_F(LaneTest, ACancelledProposalIsNotToldOf) {
  std::vector<Status> outcomes;
  const uint64_t id = put("a", outcomes);
  executor_.run_until_idle();
  lane_.cancel(id);
  executor_.advance(2 * kTimeoutMs);
  EXPECT_TRUE(outcomes.empty());
}

TEST_F(LaneTest, TooLargeARequestIsRefusedAndNotProposed) {
  std::vector<Status> outcomes;
  put(std::string(1001, 'x'), outcomes);
  EXPECT_TRUE(outcomes.empty()) << "never from inside the call";
  executor_.run_until_idle();
  EXPECT_EQ(outcomes, std::vector<Status>{invalid_argument("etcdserver: request is too large")});
  EXPECT_TRUE(batches_.empty());
}

TEST_F(LaneTest, ABacklogOfCommittedEntriesRefusesMore) {
  progress_.applied = 10;
  progress_.committed = 10 + kMaxApplyBacklog + 1;
  std::vector<Status> outcomes;
  put("a", outcomes);
  executor_.run_until_idle();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].message(), "etcdserver: too many requests");
  progress_.applied = 11;
  put("b", outcomes);
  executor_.run_until_idle();
  EXPECT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(batches_.size(), 1U);
}

TEST_F(LaneTest, ReadsGoOnUpToTheirTicket) {
  std::vector<int> read;
  lane_.read_index([&](const Status&) { read.push_back(1); });
  executor_.run_until_idle();
  const uint64_t cancelled = lane_.read_index([&](const Status&) { read.push_back(2); });
  lane_.read_index([&](const Status&) { read.push_back(3); });
  executor_.run_until_idle();
  ASSERT_EQ(batches_.size(), 2U);
  EXPECT_LT(batches_[0].read_ticket, batches_[1].read_ticket);
  lane_.on_read(batches_[0].read_ticket);
  EXPECT_EQ(read, std::vector<int>{1});
  lane_.cancel_read(cancelled);
  lane_.on_read(batches_[1].read_ticket);
  EXPECT_EQ(read, (std::vector<int>{1, 3}));
}

TEST_F(LaneTest, WhoLeadsAloneAndHasAppliedAllMayReadAtOnce) {
  progress_.committed = 7;
  progress_.applied = 7;
  EXPECT_FALSE(lane_.readable_now());
  progress_.leads_alone = true;
  EXPECT_TRUE(lane_.readable_now());
  progress_.committed = 8;
  EXPECT_FALSE(lane_.readable_now());
  progress_.applied = 8;
  EXPECT_TRUE(lane_.readable_now());
  lane_.stop(unavailable("stopped"));
  EXPECT_FALSE(lane_.readable_now());
}

TEST_F(LaneTest, AReadTimesOut) {
  Status told;
  lane_.read_index([&](const Status& status) { told = status; });
  executor_.advance(kTimeoutMs + 1);
  EXPECT_EQ(told, unavailable("etcdserver: request timed out"));
}

TEST_F(LaneTest, StoppingEndsAllThatWaitsAndAllThatComes) {
  const Status stopped = unavailable("etcdserver: server stopped");
  std::vector<Status> outcomes;
  put("a", outcomes);
  Status read;
  lane_.read_index([&](const Status& status) { read = status; });
  executor_.run_until_idle();
  lane_.stop(stopped);
  executor_.run_until_idle();
  EXPECT_EQ(outcomes, std::vector<Status>{stopped});
  EXPECT_EQ(read, stopped);
  put("b", outcomes);
  lane_.read_index([&](const Status& status) { read = status.with_context("later"); });
  executor_.run_until_idle();
  EXPECT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(read, stopped.with_context("later"));
}

}  // namespace
}  // namespace gatehouse::replica
