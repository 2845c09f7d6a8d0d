// ReadOnly: linearizable reads that wait for a quorum to confirm that this is still the leader.
//
// Section 6.4 of the dissertation. The leader notes its commit index when a read arrives and asks
// for one round of heartbeats; acknowledgements of a later round confirm all reads before it. A
// round is named by a counter, eight bytes little-endian in the heartbeat's context, which
// followers echo.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "member/raft/quorum.h"
#include "member/raft/types.h"

namespace gatehouse::raft {

struct PendingRead {
  NodeId from;  // where the answer goes; this member itself for its own
  std::string context;
  uint64_t index = 0;  // the commit index when it arrived
};

class ReadOnly {
 public:
  // Returns the heartbeat context that confirms this read.
  std::string add(PendingRead read);

  // The context of the newest round, for heartbeats that go out anyway; empty if nobody waits.
  std::string latest() const;

  // `from` echoed this context. False when it is none of ours.
  bool acknowledge(NodeId from, std::string_view context);

  // Takes out the reads that a quorum has confirmed, in order. `self` always confirms.
  std::vector<PendingRead> confirmed(const JointQuorum& voters, NodeId self);

  void clear();
  size_t size() const { return reads_.size(); }

 private:
  uint64_t first_ = 1;  // the round of reads_.front()
  // Bounded by the limit on reads under way of those who ask: each member has one batch out.
  std::deque<PendingRead> reads_;
  std::map<NodeId, uint64_t> acknowledged_;  // the newest round each member echoed
};

}  // namespace gatehouse::raft
