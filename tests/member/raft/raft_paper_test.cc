// "In Search of an Understandable Consensus Algorithm (Extended Version)", Ongaro and Ousterhout:
// each test quotes what it holds the core to. Member 1 is the one under test.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "member/raft/core.h"

namespace gatehouse::raft {
namespace {

class PaperTest : public testing::Test {
 protected:
  void start(uint64_t voters, HardState hard_state = {}, std::vector<Entry> entries = {}) {
    Options options;
    options.id = 1;
    options.pre_vote = false;
    options.check_quorum = false;
    options.entropy = [this] { return next_random_++; };
    Restored restored;
    restored.hard_state = hard_state;
    restored.entries = std::move(entries);
    for (NodeId id = 1; id <= voters; ++id) restored.conf_state.add_voters(id);
    core_ = std::move(Core::create(std::move(options), std::move(restored)).value());
  }

  // All that comes out, with disk and state machine keeping up.
  std::vector<Message> drain() {
    std::vector<Message> sent;
    while (core_->has_ready()) {
      Ready ready = core_->take_ready();
      for (Message& message : ready.messages) sent.push_back(std::move(message));
      for (Message& message : ready.after_persist) sent.push_back(std::move(message));
      for (const Entry& entry : ready.committed) applied_.push_back(entry.index);
      core_->advance(ready);
    }
    return sent;
  }

  std::vector<Message> step(MessageType type, NodeId from, uint64_t term,
                            const std::function<void(Message*)>& fill = nullptr) {
    Message message;
    message.type = type;
    message.from = from;
    message.to = 1;
    message.term = term;
    if (fill) fill(&message);
    EXPECT_TRUE(core_->step(std::move(message)).ok());
    return drain();
  }

  void lead(uint64_t voters, HardState hard_state = {}, std::vector<Entry> entries = {}) {
    start(voters, hard_state, std::move(entries));
    core_->campaign();
    drain();
    for (NodeId id = 2; id <= voters / 2 + 1; ++id) {
      step(MessageType::kVoteResponse, id, core_->term());
    }
    ASSERT_EQ(core_->role(), Role::kLeader);
  }

  std::vector<Message> acknowledge(NodeId from, uint64_t index) {
    return step(MessageType::kAppendResponse, from, core_->term(),
                [&](Message* message) { message->index = index; });
  }

  static std::vector<Entry> log(const std::vector<uint64_t>& terms) {
    std::vector<Entry> entries;
    for (const uint64_t term : terms) {
      entries.push_back({term, entries.size() + 1, EntryType::kNormal, Payload("x")});
    }
    return entries;
  }

  uint64_t next_random_ = 0;
  std::unique_ptr<Core> core_;
  std::vector<uint64_t> applied_;
};

// 5.1 "If one server's current term is smaller than the other's, then it updates its current term
// to the larger value. If a candidate or leader discovers that its term is out of date, it
// immediately reverts to follower state."
TEST_F(PaperTest, ALaterTermIsTakenAndMakesAFollower) {
  lead(3);
  step(MessageType::kAppend, 2, 5);
  EXPECT_EQ(core_->term(), 5u);
  EXPECT_EQ(core_->role(), Role::kFollower);
  EXPECT_EQ(core_->leader(), 2u);
}

// 5.1 "If a server receives a request with a stale term number, it rejects the request."
TEST_F(PaperTest, AStaleTermIsRejected) {
  start(3, {4, kNoNode, 0});
  EXPECT_TRUE(step(MessageType::kAppend, 2, 3).empty());
  EXPECT_EQ(core_->leader(), kNoNode);
}

// 5.2 "When servers start up, they begin as followers."
TEST_F(PaperTest, StartsAsFollower) {
  start(3);
  EXPECT_EQ(core_->role(), Role::kFollower);
}

// 5.2 "Leaders send periodic heartbeats ... to all followers in order to maintain their authority."
TEST_F(PaperTest, LeaderSendsHeartbeats) {
  lead(3);
  core_->tick();
  std::set<NodeId> reached;
  for (const Message& message : drain()) {
    if (message.type == MessageType::kHeartbeat) reached.insert(message.to);
  }
  EXPECT_EQ(reached, (std::set<NodeId>{2, 3}));
}

// 5.2 "To begin an election, a follower increments its current term and transitions to candidate
// state. It then votes for itself and issues RequestVote RPCs in parallel to each of the other
// servers in the cluster."
TEST_F(PaperTest, AnElectionBeginsWithItsOwnVoteAndRequestsToAll) {
  start(3, {2, kNoNode, 0});
  for (int i = 0; i < 20; ++i) core_->tick();
  const std::vector<Message> sent = drain();
  EXPECT_EQ(core_->role(), Role::kCandidate);
  EXPECT_EQ(core_->term(), 3u);
  EXPECT_EQ(core_->vote(), 1u);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].type, MessageType::kVote);
  EXPECT_EQ(sent[0].to, 2u);
  EXPECT_EQ(sent[1].to, 3u);
}

// 5.2 "A candidate wins an election if it receives votes from a majority of the servers in the full
// cluster for the same term."
TEST_F(PaperTest, AMajorityWins) {
  struct Case {
    uint64_t voters;
    std::vector<bool> grants;
    Role role;
  };
  const Case cases[] = {
      {1, {}, Role::kLeader},
      {3, {true}, Role::kLeader},
      {3, {}, Role::kCandidate},
      {3, {false}, Role::kCandidate},
      {3, {false, false}, Role::kFollower},
      {5, {true, true}, Role::kLeader},
      {5, {true, false}, Role::kCandidate},
      {5, {false, false, true, true}, Role::kLeader},
      {5, {false, false, true, false}, Role::kFollower},
  };
  for (const Case& test : cases) {
    start(test.voters);
    core_->campaign();
    drain();
    for (size_t i = 0; i < test.grants.size(); ++i) {
      step(MessageType::kVoteResponse, i + 2, 1,
           [&](Message* message) { message->reject = !test.grants[i]; });
    }
    EXPECT_EQ(core_->role(), test.role) << test.voters << " voters, " << test.grants.size();
  }
}

// 5.2 "Each server will vote for at most one candidate in a given term, on a
// first-come-first-served basis." And it stays so across a restart.
TEST_F(PaperTest, OneVoteATerm) {
  start(3, {1, 2, 0});
  const std::vector<Message> other = step(MessageType::kVote, 3, 1);
  ASSERT_EQ(other.size(), 1u);
  EXPECT_TRUE(other[0].reject);
  const std::vector<Message> same = step(MessageType::kVote, 2, 1);
  ASSERT_EQ(same.size(), 1u);
  EXPECT_FALSE(same[0].reject);
}

// 5.2 and figure 2, "Updated on stable storage before responding to RPCs": a vote leaves with the
// write that holds it.
TEST_F(PaperTest, AVoteWaitsForTheDisk) {
  start(3);
  Message request;
  request.type = MessageType::kVote;
  request.from = 2;
  request.to = 1;
  request.term = 7;
  ASSERT_TRUE(core_->step(std::move(request)).ok());
  const Ready ready = core_->take_ready();
  EXPECT_TRUE(ready.messages.empty());
  ASSERT_EQ(ready.after_persist.size(), 1u);
  EXPECT_TRUE(ready.must_sync);
  EXPECT_EQ(ready.hard_state, (HardState{7, 2, 0}));
  EXPECT_NE(ready.persist_sequence, 0u);
}

// 5.2 "If the leader's term (included in its RPC) is at least as large as the candidate's current
// term, then the candidate recognizes the leader as legitimate and returns to follower state."
TEST_F(PaperTest, ACandidateYieldsToTheLeaderOfItsTerm) {
  start(3);
  core_->campaign();
  drain();
  step(MessageType::kAppend, 2, 1);
  EXPECT_EQ(core_->role(), Role::kFollower);
  EXPECT_EQ(core_->leader(), 2u);
}

// 5.2 "Raft uses randomized election timeouts", chosen anew for each election, from a fixed
// interval.
TEST_F(PaperTest, ElectionTimeoutsAreDrawnFromTheirInterval) {
  start(3);
  std::set<uint64_t> drawn;
  for (uint64_t term = 1; term <= 50; ++term) {
    step(MessageType::kAppend, 2, term);
    drawn.insert(core_->randomized_election_ticks());
  }
  EXPECT_EQ(*drawn.begin(), 10u);
  EXPECT_EQ(*drawn.rbegin(), 19u);
  EXPECT_EQ(drawn.size(), 10u);
}

// 5.3 "When sending an AppendEntries RPC, the leader includes the index and term of the entry in
// its log that immediately precedes the new entries. If the follower does not find an entry in its
// log with the same index and term, then it refuses the new entries."
TEST_F(PaperTest, AppendsNameWhatPrecedesThem) {
  struct Case {
    uint64_t index, term;
    bool refused;
  };
  for (const Case& test : {Case{2, 2, false}, Case{2, 1, true}, Case{3, 3, true}}) {
    start(3, {2, kNoNode, 1}, log({1, 2}));
    const std::vector<Message> sent = step(MessageType::kAppend, 2, 3, [&](Message* message) {
      message->index = test.index;
      message->log_term = test.term;
    });
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].reject, test.refused) << test.index << "/" << test.term;
  }
}

// 5.3 "If an existing entry conflicts with a new one (same index but different terms), delete the
// existing entry and all that follow it"; what does not conflict stays, so that a late append takes
// nothing back.
TEST_F(PaperTest, OnlyConflictsAreDeleted) {
  start(3, {3, kNoNode, 0}, log({1, 1, 1}));
  step(MessageType::kAppend, 2, 3, [](Message* message) {
    message->index = 1;
    message->log_term = 1;
    message->entries = {{1, 2, EntryType::kNormal, Payload("x")}};
  });
  EXPECT_EQ(core_->log().last_index(), 3u);
  step(MessageType::kAppend, 2, 3, [](Message* message) {
    message->index = 1;
    message->log_term = 1;
    message->entries = {{2, 2, EntryType::kNormal, Payload("y")}};
  });
  EXPECT_EQ(core_->log().last_index(), 2u);
  EXPECT_EQ(core_->log().last_term(), 2u);
}

// 5.3 "A log entry is committed once the leader that created the entry has replicated it on a
// majority of the servers", and figure 2: "if leaderCommit > commitIndex, set commitIndex =
// min(leaderCommit, index of last new entry)".
TEST_F(PaperTest, CommitIsByMajorityAndReachesFollowers) {
  lead(3);
  ASSERT_TRUE(core_->propose({Payload("a")}).ok());
  drain();
  EXPECT_EQ(core_->log().committed(), 0u);
  const std::vector<Message> sent = acknowledge(2, 2);
  EXPECT_EQ(core_->log().committed(), 2u);
  EXPECT_EQ(applied_, (std::vector<uint64_t>{1, 2}));
  EXPECT_TRUE(std::any_of(sent.begin(), sent.end(), [](const Message& message) {
    return message.type == MessageType::kAppend && message.commit == 2;
  }));

  start(3, {1, kNoNode, 0}, log({1, 1, 1}));
  step(MessageType::kAppend, 2, 1, [](Message* message) {
    message->index = 2;
    message->log_term = 1;
    message->commit = 3;
  });
  EXPECT_EQ(core_->log().committed(), 2u);
}

// 5.4.1 "the voter denies its vote if its own log is more up-to-date than that of the candidate":
// the later last term, then the longer log.
TEST_F(PaperTest, VotesGoToLogsThatAreUpToDate) {
  struct Case {
    uint64_t index, term;
    bool granted;
  };
  for (const Case& test : {Case{2, 2, true}, Case{3, 2, true}, Case{1, 3, true}, Case{1, 2, false},
                           Case{9, 1, false}}) {
    start(3, {2, kNoNode, 0}, log({1, 2}));
    const std::vector<Message> sent = step(MessageType::kVote, 2, 3, [&](Message* message) {
      message->index = test.index;
      message->log_term = test.term;
    });
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(!sent[0].reject, test.granted) << test.index << "/" << test.term;
  }
}

// 5.4.2 "Raft never commits log entries from previous terms by counting replicas. Only log entries
// from the leader's current term are committed by counting replicas."
TEST_F(PaperTest, Figure8) {
  lead(3, {2, kNoNode, 0}, log({1, 2}));
  ASSERT_EQ(core_->log().last_index(), 3u);  // its own first entry, of term 3
  acknowledge(2, 2);
  EXPECT_EQ(core_->log().committed(), 0u);
  acknowledge(2, 3);
  EXPECT_EQ(core_->log().committed(), 3u);
}

// 8 "it needs to commit a blank no-op entry into the log at the start of its term."
TEST_F(PaperTest, ALeaderBeginsWithAnEmptyEntry) {
  lead(3);
  ASSERT_EQ(core_->log().last_index(), 1u);
  EXPECT_FALSE(core_->log().at(1).data.present());
}

// 5.5 "Raft RPCs are idempotent": an append that comes twice is answered twice and changes nothing.
TEST_F(PaperTest, AppendsMayComeTwice) {
  start(3);
  for (int i = 0; i < 2; ++i) {
    const std::vector<Message> sent = step(MessageType::kAppend, 2, 1, [](Message* message) {
      message->entries = {{1, 1, EntryType::kNormal, Payload("a")}};
      message->commit = 1;
    });
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].index, 1u);
  }
  EXPECT_EQ(applied_, std::vector<uint64_t>{1});
}

}  // namespace
}  // namespace gatehouse::raft
