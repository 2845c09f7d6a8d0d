// What a follower does when the transport knows that its leader does not run.
#include <gtest/gtest.h>

#include "member/raft/core.h"

namespace gatehouse::raft {
namespace {

class LeaderGoneTest : public testing::Test {
 protected:
  LeaderGoneTest() {
    Options options;
    options.id = 1;
    options.pre_vote = true;
    options.check_quorum = true;
    options.entropy = [] { return uint64_t{5}; };
    Restored restored;
    for (NodeId id = 1; id <= 3; ++id) restored.conf_state.add_voters(id);
    core_ = std::move(Core::create(std::move(options), std::move(restored)).value());
    step(MessageType::kHeartbeat, 2, 7);
  }

  std::vector<Message> step(MessageType type, NodeId from, uint64_t term) {
    Message message;
    message.type = type;
    message.from = from;
    message.to = 1;
    message.term = term;
    EXPECT_TRUE(core_->step(std::move(message)).ok());
    return drain();
  }

  std::vector<Message> drain() {
    std::vector<Message> sent;
    while (core_->has_ready()) {
      Ready ready = core_->take_ready();
      for (Message& message : ready.messages) sent.push_back(std::move(message));
      for (Message& message : ready.after_persist) sent.push_back(std::move(message));
      core_->advance(ready);
    }
    return sent;
  }

  // Ticks until it campaigns.
  uint64_t ticks_to_campaign() {
    for (uint64_t ticks = 1;; ++ticks) {
      core_->tick();
      drain();
      if (core_->role() != Role::kFollower) return ticks;
    }
  }

  std::unique_ptr<Core> core_;
};

TEST_F(LeaderGoneTest, OnlyTheRandomPartOfTheTimeoutIsWaitedFor) {
  ASSERT_EQ(core_->leader(), 2u);
  core_->leader_gone(2);
  EXPECT_EQ(core_->leader(), kNoNode);
  EXPECT_EQ(ticks_to_campaign(), core_->randomized_election_ticks() - core_->options().election_ticks);
  EXPECT_EQ(core_->role(), Role::kPreCandidate);
  EXPECT_EQ(core_->term(), 7u);
}

TEST_F(LeaderGoneTest, OthersPreVotesAreGranted) {
  std::vector<Message> sent = step(MessageType::kPreVote, 3, 8);
  EXPECT_TRUE(sent.empty()) << "a leader is alive";
  core_->leader_gone(2);
  sent = step(MessageType::kPreVote, 3, 8);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_FALSE(sent[0].reject);
}

TEST_F(LeaderGoneTest, AnyOtherMemberMayGo) {
  core_->leader_gone(3);
  EXPECT_EQ(core_->leader(), 2u);
  EXPECT_EQ(ticks_to_campaign(), core_->randomized_election_ticks());
}

TEST_F(LeaderGoneTest, TheLeadersNextMessageMendsIt) {
  core_->leader_gone(2);
  step(MessageType::kHeartbeat, 2, 7);
  EXPECT_EQ(core_->leader(), 2u);
  EXPECT_EQ(ticks_to_campaign(), core_->randomized_election_ticks());
}

}  // namespace
}  // namespace gatehouse::raft
