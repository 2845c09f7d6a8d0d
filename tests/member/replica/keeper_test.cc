#include "member/replica/keeper.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "proto/membership.pb.h"
#include "proto/rpc.pb.h"
#include "tests/member/replica/state_for_test.h"

namespace gatehouse::replica {
namespace {

class KeeperTest : public ::testing::Test {
 protected:
  struct Proposed {
    apply::Kind kind;
    uint64_t id;
    std::string body;
  };

  Lane::Options lane_options() {
    Lane::Options options;
    options.timeout_ms = 7000;
    return options;
  }
  void take(LaneBatch batch) {
    for (const raft::Payload& payload : batch.proposals) {
      const auto request = apply::parse_request(payload.view());
      ASSERT_TRUE(request);
      proposed_.push_back({request->kind, request->id, std::string(request->body)});
    }
  }
  void start() {
    Keeper::Options options;
    options.member_id = 1;
    options.name = "m0";
    options.client_urls = {"http://c:1"};
    Keeper::Hooks hooks;
    hooks.on_published = [this] { ++published_; };
    hooks.lowest_version = [this] { return lowest_; };
    hooks.on_expired = [this](size_t count) { expired_ += count; };
    keeper_ = std::make_unique<Keeper>(lane_, options, state_.lessor, state_.alarms,
                                       state_.cluster, std::move(hooks), log::Logger());
    keeper_->start();
    executor_.run_until_idle();
  }
  void answer(const Proposed& proposal, Status status = Status()) {
    std::vector<Answer> answers;
    answers.push_back({proposal.id, apply::Outcome(std::move(status))});
    lane_.on_answers(std::move(answers));
    executor_.run_until_idle();
  }
  const Proposed& last(apply::Kind kind) const {
    size_t i = proposed_.size();
    while (proposed_[--i].kind != kind) CHECK(i > 0);
    return proposed_[i];
  }
  size_t count(apply::Kind kind) const {
    size_t found = 0;
    for (const Proposed& each : proposed_) found += each.kind == kind ? 1 : 0;
    return found;
  }

  env::SimExecutor executor_;
  StateForTest state_{executor_};
  RequestIds ids_{1, 1'000'000, 1};
  Progress progress_;
  std::vector<Proposed> proposed_;
  Lane lane_{executor_, lane_options(), ids_, progress_,
             [this](LaneBatch batch) { take(std::move(batch)); }};
  std::string lowest_ = "3.7.0";
  int published_ = 0;
  size_t expired_ = 0;
  std::unique_ptr<Keeper> keeper_;
};

TEST_F(KeeperTest, PublishesUntilItIsHeard) {
  start();
  ASSERT_EQ(proposed_.size(), 1U);
  membershippb::ClusterMemberAttrSetRequest message;
  ASSERT_TRUE(message.ParseFromString(proposed_[0].body));
  EXPECT_EQ(message.member_attributes().name(), "m0");
  EXPECT_EQ(message.member_attributes().client_urls(0), "http://c:1");
  executor_.advance(7000);  // nobody answers
  EXPECT_EQ(published_, 0);
  executor_.advance(1000);
  ASSERT_EQ(proposed_.size(), 2U);
  answer(proposed_[1]);
  EXPECT_EQ(published_, 1);
  executor_.advance(20'000);
  EXPECT_EQ(proposed_.size(), 2U);
}

TEST_F(KeeperTest, RaisesAnAlarmOnceHoweverOftenItIsAskedTo) {
  start();
  for (int i = 0; i < 10; ++i) keeper_->raise_no_space();
  executor_.run_until_idle();
  ASSERT_EQ(count(apply::Kind::kAlarm), 1U);
  etcdserverpb::AlarmRequest message;
  ASSERT_TRUE(message.ParseFromString(proposed_.back().body));
  EXPECT_EQ(message.action(), etcdserverpb::AlarmRequest::ACTIVATE);
  EXPECT_EQ(message.memberid(), 1U);
  EXPECT_EQ(message.alarm(), etcdserverpb::NOSPACE);
  keeper_->raise_corrupt();
  executor_.run_until_idle();
  EXPECT_EQ(count(apply::Kind::kAlarm), 2U) << "another alarm is another matter";
  // It is on.
  state_.alarms.activate(state_.backend->writer(), {1, alarm::kNoSpace});
  answer(proposed_[1]);
  keeper_->raise_no_space();
  executor_.run_until_idle();
  EXPECT_EQ(count(apply::Kind::kAlarm), 2U);
  // It is off again, and the database full again.
  state_.alarms.deactivate(state_.backend->writer(), {1, alarm::kNoSpace});
  keeper_->raise_no_space();
  executor_.run_until_idle();
  EXPECT_EQ(count(apply::Kind::kAlarm), 3U);
}

TEST_F(KeeperTest, AnAlarmThatWasLostIsRaisedAtTheNextWrite) {
  start();
  keeper_->raise_no_space();
  executor_.run_until_idle();
  ASSERT_EQ(count(apply::Kind::kAlarm), 1U);
  executor_.advance(7000);
  keeper_->raise_no_space();
  executor_.run_until_idle();
  EXPECT_EQ(count(apply::Kind::kAlarm), 2U);
}

TEST_F(KeeperTest, OnlyALeaderRevokesExpiredLeases) {
  start();
  ASSERT_TRUE(state_.lessor.grant(state_.backend->writer(), 5, 10).ok());
  executor_.advance(60'000);
  EXPECT_EQ(count(apply::Kind::kLeaseRevoke), 0U);
  keeper_->on_leading();
  executor_.advance(9'000);
  EXPECT_EQ(count(apply::Kind::kLeaseRevoke), 0U) << "a new leader gives leases their whole time";
  executor_.advance(4'000);
  EXPECT_EQ(count(apply::Kind::kLeaseRevoke), 1U);
  EXPECT_EQ(expired_, 1U);
  keeper_->on_not_leading();
  executor_.advance(60'000);
  EXPECT_EQ(count(apply::Kind::kLeaseRevoke), 1U);
}

TEST_F(KeeperTest, ALeaderSettlesTheClustersVersion) {
  lowest_.clear();
  start();
  keeper_->on_leading();
  executor_.advance(20'000);
  EXPECT_EQ(count(apply::Kind::kClusterVersionSet), 0U) << "not all members can be asked";
  lowest_ = "3.6.0";
  executor_.advance(4'000);
  ASSERT_EQ(count(apply::Kind::kClusterVersionSet), 1U);
  membershippb::ClusterVersionSetRequest message;
  const Proposed settled = last(apply::Kind::kClusterVersionSet);
  ASSERT_TRUE(message.ParseFromString(settled.body));
  EXPECT_EQ(message.ver(), "3.6.0");
  ASSERT_TRUE(state_.cluster.set_version(state_.backend->writer(), "3.6.0").ok());
  answer(settled);
  executor_.advance(20'000);
  EXPECT_EQ(count(apply::Kind::kClusterVersionSet), 1U) << "it is so";
  lowest_ = "3.7.0";
  executor_.advance(4'000);
  EXPECT_EQ(count(apply::Kind::kClusterVersionSet), 2U);
}

}  // namespace
}  // namespace gatehouse::replica
