// The parts below the core: log, quorum, membership changes, window, wire.
#include <gtest/gtest.h>

#include "member/raft/conf_change.h"
#include "member/raft/core.h"
#include "member/raft/wire.h"

namespace gatehouse::raft {
namespace {

Entry entry(uint64_t term, uint64_t index) {
  return {term, index, EntryType::kNormal, Payload("x")};
}

uint64_t hand_out(Log* log) {
  std::vector<Entry> entries;
  std::shared_ptr<const Snapshot> snapshot;
  return log->hand_out_writes(&entries, &snapshot);
}

// Entry 1 is written with term 1, overwritten with term 2, and comes back with term 1. The first
// write's acknowledgement names the same index and term as the third's.
TEST(LogTest, AnAcknowledgementDoesNotCountForWhatOverwroteIt) {
  Log log(std::make_shared<const Snapshot>(), {}, 0, 0);
  log.append(std::vector{entry(1, 1)});
  const uint64_t first = hand_out(&log);
  log.append(std::vector{entry(2, 1)});
  const uint64_t second = hand_out(&log);
  log.append(std::vector{entry(1, 1)});
  const uint64_t third = hand_out(&log);
  log.writes_done(first);
  EXPECT_EQ(log.stable_index(), 0u);
  log.writes_done(second);
  EXPECT_EQ(log.stable_index(), 0u);
  log.writes_done(third);
  EXPECT_EQ(log.stable_index(), 1u);
}

TEST(LogTest, SlicesByBytesAndGivesOneAtLeast) {
  Log log(std::make_shared<const Snapshot>(), {entry(1, 1), entry(1, 2), entry(1, 3)}, 0, 0);
  const uint64_t size = encoded_size(log.at(1));
  EXPECT_EQ(size, to_proto(log.at(1)).ByteSizeLong());
  for (const auto& [bytes, count] : {std::pair<uint64_t, size_t>{0, 1},
                                     {size, 1},
                                     {2 * size, 2},
                                     {3 * size - 1, 2},
                                     {3 * size, 3}}) {
    std::vector<Entry> out;
    log.slice(1, 3, bytes, &out);
    EXPECT_EQ(out.size(), count) << bytes;
  }
}

TEST(LogTest, CompactionKeepsTheTermBeforeTheFirst) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->index = 2;
  snapshot->term = 2;
  Log log(std::make_shared<const Snapshot>(), {entry(1, 1), entry(2, 2), entry(2, 3)}, 2, 2);
  log.set_snapshot(snapshot);
  log.compact(2);
  EXPECT_EQ(log.first_index(), 3u);
  EXPECT_EQ(log.term(2), 2u);
  EXPECT_EQ(log.term(1), std::nullopt);
  EXPECT_EQ(log.at(3).term, 2u);
}

TEST(QuorumTest, JointNeedsBothMajorities) {
  JointQuorum quorum;
  for (const NodeId id : {1, 2, 3}) quorum.incoming.insert(id);
  for (const NodeId id : {3, 4, 5}) quorum.outgoing.insert(id);
  const auto acked = [](NodeId id) -> uint64_t { return id * 10; };
  EXPECT_EQ(quorum.incoming.committed(acked), 20u);
  EXPECT_EQ(quorum.outgoing.committed(acked), 40u);
  EXPECT_EQ(quorum.committed(acked), 20u);
  const auto only_incoming = [](NodeId id) -> std::optional<bool> { return id <= 3; };
  EXPECT_EQ(quorum.vote_result(only_incoming), VoteResult::kLost);
}

Configuration configuration(std::vector<NodeId> voters) {
  Configuration config;
  for (const NodeId id : voters) config.voters.incoming.insert(id);
  return config;
}

raftpb::ConfChangeV2 change(std::vector<std::pair<raftpb::ConfChangeType, NodeId>> singles) {
  raftpb::ConfChangeV2 result;
  for (const auto& [type, id] : singles) {
    raftpb::ConfChangeSingle* single = result.add_changes();
    single->set_type(type);
    single->set_node_id(id);
  }
  return result;
}

TEST(ConfChangeTest, AVoterThatBecomesALearnerWaitsForTheEndOfTheJointConfiguration) {
  const auto joint =
      apply_change(configuration({1, 2, 3}),
                   change({{raftpb::ConfChangeAddLearnerNode, 3}, {raftpb::ConfChangeAddNode, 4}}));
  ASSERT_TRUE(joint.ok());
  EXPECT_TRUE(joint->auto_leave);
  EXPECT_TRUE(joint->learners_next.contains(3));
  EXPECT_FALSE(joint->learners.contains(3));
  const auto left = apply_change(*joint, raftpb::ConfChangeV2());
  ASSERT_TRUE(left.ok());
  EXPECT_TRUE(left->learners.contains(3));
  EXPECT_EQ(left->voters.ids(), (std::vector<NodeId>{1, 2, 4}));
  EXPECT_EQ(from_conf_state(joint->to_conf_state()).value(), *joint);
}

TEST(ConfChangeTest, RefusesWhatDoesNotFit) {
  const Configuration one = configuration({1});
  EXPECT_FALSE(apply_change(one, change({{raftpb::ConfChangeRemoveNode, 1}})).ok());
  EXPECT_FALSE(apply_change(one, raftpb::ConfChangeV2()).ok());
  raftpb::ConfState state;
  state.add_voters(1);
  state.add_learners(1);
  EXPECT_FALSE(from_conf_state(state).ok());
}

TEST(InflightsTest, FullByCountAndByBytes) {
  Inflights window(3, 100);
  window.add(1, 10);
  window.add(2, 200);
  EXPECT_TRUE(window.full());
  window.free_to(2);
  for (uint64_t i = 3; i <= 5; ++i) window.add(i, 1);
  EXPECT_TRUE(window.full());
  window.free_to(3);
  EXPECT_EQ(window.count(), 2u);
  window.add(6, 1);
  window.free_to(5);
  EXPECT_EQ(window.count(), 1u);
  EXPECT_EQ(window.bytes(), 1u);
}

// A heartbeat as a 3.6 member writes it, but for its ids.
TEST(WireTest, EveryFieldIsPresent) {
  Message message;
  message.type = MessageType::kHeartbeat;
  message.to = 1;
  message.from = 2;
  message.term = 3;
  const std::string bytes = to_proto(message).SerializeAsString();
  const unsigned char expected[] = {0x08, 8, 0x10, 1, 0x18, 2, 0x20, 3, 0x28, 0,
                                    0x30, 0, 0x40, 0, 0x50, 0, 0x58, 0, 0x68, 0};
  EXPECT_EQ(bytes, std::string(reinterpret_cast<const char*>(expected), sizeof(expected)));
}

TEST(WireTest, LocalTypesAreRefused) {
  raftpb::Message message;
  message.set_type(raftpb::MsgHup);
  EXPECT_EQ(from_proto(message).status().code(), StatusCode::kInvalidArgument);
}

// The bootstrap entry of a captured etcd log: type, id and node id present, zero or not.
TEST(WireTest, ConfChangeBytes) {
  raftpb::ConfChange value;
  value.set_node_id(1);
  EXPECT_EQ(encode(value), std::string("\x08\x00\x10\x00\x18\x01", 6));
}

TEST(CoreTest, RefusesWhatDoesNotFitTogether) {
  const auto create = [](Restored restored) {
    Options options;
    options.id = 1;
    options.entropy = [] { return uint64_t{0}; };
    return Core::create(std::move(options), std::move(restored)).status().code();
  };
  Restored gap;
  gap.hard_state.term = 1;
  gap.entries = {entry(1, 1), entry(1, 3)};
  EXPECT_EQ(create(std::move(gap)), StatusCode::kDataLoss);
  Restored beyond;
  beyond.hard_state = {1, 0, 2};
  beyond.entries = {entry(1, 1)};
  EXPECT_EQ(create(std::move(beyond)), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace gatehouse::raft
