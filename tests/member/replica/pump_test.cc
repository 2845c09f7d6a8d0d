#include "member/replica/pump.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/env/sim_executor.h"

namespace gatehouse::replica {
namespace {

constexpr raft::NodeId kSelf = 1;
constexpr raft::NodeId kOther = 2;

// What the pump does, in the order in which it does it.
class PumpTest : public ::testing::Test,
                 public wal::LogWriter,
                 public PeerSender,
                 public CommitSink {
 protected:
  void start(std::vector<raft::NodeId> voters) {
    raft::Options options;
    options.id = kSelf;
    options.pre_vote = false;
    options.entropy = [] { return uint64_t{7}; };
    raft::Restored restored;
    restored.hard_state.term = 1;
    for (const raft::NodeId id : voters) restored.conf_state.add_voters(id);
    auto core = raft::Core::create(std::move(options), std::move(restored));
    ASSERT_TRUE(core.ok()) << core.status().to_string();
    Pump::Events events;
    events.on_tick = [this] { ++ticks_; };
    pump_ = std::make_unique<Pump>(
        executor_, Pump::Options{.max_held_proposals = 3, .slow_read_indexes = {}},
        std::move(*core), *this, *this, *this, progress_,
        [this](size_t lane, uint64_t ticket) {
          order_.push_back("read " + std::to_string(lane) + "/" + std::to_string(ticket));
        },
        std::move(events), log::Logger());
    pump_->start();
    executor_.run_until_idle();
  }

  void become_leader_of_one() {
    start({kSelf});  // who is alone campaigns at once
    finish_writes();
    ASSERT_TRUE(progress_.is_leader);
    finish_writes();
    order_.clear();
  }

  bool append(wal::Batch batch, uint64_t sequence) override {
    std::string line = "write";
    for (const raft::Entry& entry : batch.entries) line += " " + std::to_string(entry.index);
    if (batch.state) line += " state " + std::to_string(batch.state->term);
    order_.push_back(line);
    unwritten_.push_back(sequence);
    return false;  // later
  }
  void send(std::vector<raft::Message> messages) override {
    for (const raft::Message& message : messages) {
      order_.push_back("send " + std::to_string(message.to));
      sent_.push_back(message);
    }
  }
  void on_committed(std::shared_ptr<const raft::Snapshot>,
                    std::vector<raft::Entry> entries) override {
    std::string line = "apply";
    for (const raft::Entry& entry : entries) line += " " + std::to_string(entry.index);
    order_.push_back(line);
    if (!entries.empty()) to_apply_ = entries.back().index;
  }

  // The disk is done with all that it was given, and the state machine with all that it was.
  void finish_writes() {
    while (!unwritten_.empty() || to_apply_ > progress_.applied) {
      if (!unwritten_.empty()) {
        const uint64_t last = unwritten_.back();
        unwritten_.clear();
        pump_->on_durable(last);
        executor_.run_until_idle();
      }
      if (to_apply_ > progress_.applied) {
        progress_.applied = to_apply_;
        pump_->on_applied(to_apply_);
        executor_.run_until_idle();
      }
    }
  }

  void propose(std::initializer_list<const char*> texts) {
    LaneBatch batch;
    for (const char* text : texts) batch.proposals.emplace_back(std::string(text));
    pump_->submit(std::move(batch));
  }
  void read(size_t lane, uint64_t ticket) {
    LaneBatch batch;
    batch.lane = lane;
    batch.read_ticket = ticket;
    pump_->submit(std::move(batch));
  }

  env::SimExecutor executor_;
  Progress progress_;
  std::vector<std::string> order_;
  std::vector<raft::Message> sent_;
  std::deque<uint64_t> unwritten_;
  uint64_t to_apply_ = 0;
  uint64_t ticks_ = 0;
  std::unique_ptr<Pump> pump_;
};

using Lines = std::vector<std::string>;

// The commit index of what went before rides along with each write ("state").

TEST_F(PumpTest, NothingIsAppliedBeforeItIsDurable) {
  become_leader_of_one();
  propose({"a", "b"});
  executor_.run_until_idle();
  EXPECT_EQ(order_, (Lines{"write 2 3 state 2"}));
  finish_writes();
  EXPECT_EQ(order_, (Lines{"write 2 3 state 2", "apply 2 3"}));
  EXPECT_EQ(progress_.committed, 3U);
}

TEST_F(PumpTest, WhatATurnBringsIsOneWrite) {
  become_leader_of_one();
  propose({"a"});
  propose({"b"});
  propose({"c"});
  executor_.run_until_idle();
  EXPECT_EQ(order_, (Lines{"write 2 3 4 state 2"}));
}

TEST_F(PumpTest, AVoteIsToldOnlyWhenItIsDurable) {
  start({kSelf, kOther});
  order_.clear();
  raft::Message ask;
  ask.type = raft::MessageType::kVote;
  ask.from = kOther;
  ask.to = kSelf;
  ask.term = 2;
  ask.index = 5;
  ask.log_term = 1;
  pump_->step(ask);
  executor_.run_until_idle();
  EXPECT_EQ(order_, (Lines{"write state 2"}));
  finish_writes();
  EXPECT_EQ(order_, (Lines{"write state 2", "send 2"}));
  EXPECT_EQ(sent_.back().type, raft::MessageType::kVoteResponse);
  EXPECT_FALSE(sent_.back().reject);
}

TEST_F(PumpTest, ProposalsWaitForALeaderUpToABound) {
  start({kSelf});
  order_.clear();
  propose({"a", "b", "c", "one too many"});
  executor_.run_until_idle();
  EXPECT_TRUE(order_.empty());
  EXPECT_EQ(pump_->held_proposals(), 3U);
  pump_->campaign();
  executor_.run_until_idle();
  finish_writes();
  EXPECT_EQ(pump_->held_proposals(), 0U);
  EXPECT_EQ(pump_->core().log().last_index(), 4U) << "the term's first entry, and three";
  EXPECT_EQ(progress_.committed, 4U);
}

TEST_F(PumpTest, ReadsOfATurnAreAskedForOnceAndWaitForTheStateMachine) {
  become_leader_of_one();
  read(0, 5);
  read(1, 9);
  executor_.run_until_idle();
  EXPECT_EQ(order_, (Lines{"read 0/5", "read 1/9"})) << "all that is committed is applied";
  order_.clear();
  propose({"a"});
  executor_.run_until_idle();
  pump_->on_durable(unwritten_.back());  // committed, not applied
  unwritten_.clear();
  executor_.run_until_idle();
  read(0, 6);
  executor_.run_until_idle();
  EXPECT_EQ(order_, (Lines{"write 2 state 2", "apply 2"}));
  finish_writes();
  EXPECT_EQ(order_, (Lines{"write 2 state 2", "apply 2", "read 0/6"}));
}

TEST_F(PumpTest, AReadWithoutALeaderIsAskedForWhenThereIsOne) {
  start({kSelf});
  order_.clear();
  read(0, 1);
  executor_.run_until_idle();
  executor_.advance(150);
  EXPECT_TRUE(order_.empty());
  pump_->campaign();
  executor_.run_until_idle();
  finish_writes();
  executor_.advance(100);
  EXPECT_EQ(std::count(order_.begin(), order_.end(), "read 0/1"), 1);
}

TEST_F(PumpTest, ALostReadIndexIsAskedForAgain) {
  start({kSelf, kOther});
  raft::Message heartbeat;
  heartbeat.type = raft::MessageType::kHeartbeat;
  heartbeat.from = kOther;
  heartbeat.to = kSelf;
  heartbeat.term = 2;
  pump_->step(heartbeat);
  executor_.run_until_idle();
  finish_writes();
  ASSERT_EQ(progress_.leader, kOther);
  const auto asked = [this] {
    std::vector<std::string> contexts;
    for (const raft::Message& message : sent_) {
      if (message.type == raft::MessageType::kReadIndex) {
        contexts.emplace_back(message.entries.at(0).data.view());
      }
    }
    return contexts;
  };
  read(0, 1);
  executor_.run_until_idle();
  ASSERT_EQ(asked().size(), 1U);
  // The leader answers heartbeats, so it stays the leader, but the question was lost.
  for (int i = 0; i < 5; ++i) {
    pump_->step(heartbeat);
    executor_.advance(100);
  }
  ASSERT_EQ(asked().size(), 2U);
  EXPECT_NE(asked()[0], asked()[1]);
  // The late answer to the first is nobody's; the second's is taken.
  order_.clear();
  raft::Message answer;
  answer.type = raft::MessageType::kReadIndexResponse;
  answer.from = kOther;
  answer.to = kSelf;
  answer.term = 2;
  answer.index = 0;
  for (const std::string& context : asked()) {
    EXPECT_EQ(order_, Lines{});
    raft::Entry entry;
    entry.data = raft::Payload(context);
    answer.entries = {entry};
    pump_->step(answer);
    executor_.run_until_idle();
  }
  EXPECT_EQ(order_, (Lines{"read 0/1"}));
}

TEST_F(PumpTest, TicksKeepTheirGrid) {
  start({kSelf, kOther});
  ticks_ = 0;
  executor_.advance(1000);
  EXPECT_EQ(ticks_, 10U);
  executor_.advance(99);
  EXPECT_EQ(ticks_, 10U);
  executor_.advance(1);
  EXPECT_EQ(ticks_, 11U);
}

TEST_F(PumpTest, ALostLeaderIsTold) {
  start({kSelf, kOther});
  raft::Message heartbeat;
  heartbeat.type = raft::MessageType::kHeartbeat;
  heartbeat.from = kOther;
  heartbeat.to = kSelf;
  heartbeat.term = 2;
  pump_->step(heartbeat);
  executor_.run_until_idle();
  EXPECT_EQ(progress_.leader, kOther);
  EXPECT_EQ(progress_.leader_lost_ms, 0U);
  executor_.advance(3000);
  EXPECT_EQ(progress_.leader, raft::kNoNode);
  EXPECT_GT(progress_.leader_lost_ms, 1000U);
}

}  // namespace
}  // namespace gatehouse::replica
