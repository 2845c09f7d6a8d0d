// Options of the core. Times are in ticks; the owner decides how long one is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/unique_function.h"
#include "member/raft/types.h"

namespace gatehouse::raft {

struct Options {
  NodeId id = kNoNode;  // required

  // An election begins after a number of ticks drawn from [election_ticks, 2 * election_ticks - 1].
  uint64_t election_ticks = 10;
  uint64_t heartbeat_ticks = 1;  // less than election_ticks

  // Dissertation 9.6: ask before disturbing. 6.2 and 4.2.3: a leader that a quorum does not answer
  // steps down, and members that hear from a leader refuse to vote.
  bool pre_vote = true;
  bool check_quorum = true;

  // Encoded bytes of entries in one append; one entry always goes.
  uint64_t max_append_bytes = 1024 * 1024;
  // Encoded bytes of entries handed out for applying and not yet applied; one always goes. Bounds
  // what a slow state machine can pile up in memory.
  uint64_t max_applying_bytes = 1024 * 1024;
  // Appends under way to one follower; bytes 0 is without bound. Bound what a slow follower costs.
  size_t max_inflight_appends = 512;
  uint64_t max_inflight_bytes = 0;
  // Payload bytes proposed and not committed; 0 is without bound. Answers a leader that has lost
  // its followers and would fill its memory with proposals.
  uint64_t max_uncommitted_bytes = 0;
  // Reads that wait for a quorum. Further ones are dropped, as lost messages would be; those who
  // asked ask again. Answers a flood of read requests at a leader that is cut off.
  size_t max_pending_reads = 16384;

  // A follower refuses proposals instead of passing them on.
  bool disable_proposal_forwarding = false;
  // A leader that applies its own removal (or its change into a learner) steps down at once. Else it
  // leads on, without taking proposals, until its owner hands over or stops it: the others may not
  // know yet that the removal is committed, and a voter that is behind could not win without it.
  bool step_down_on_removal = false;

  // Any 64 random bits. Election timeouts draw from it, nothing else. Required.
  UniqueFunction<uint64_t()> entropy;

  // One line at each change of role and at rare events; may be empty. Called from inside the core,
  // must not call it.
  UniqueFunction<void(const std::string&)> trace;
};

// What a member finds on its disk; all of it is durable. A new one finds nothing.
struct Restored {
  HardState hard_state;
  // The newest snapshot; null when there is none.
  std::shared_ptr<const Snapshot> snapshot;
  // The log after the snapshot (after index 0 without one), without a gap.
  std::vector<Entry> entries;
  // How far the state machine is, at least the snapshot's index; entries from here on are handed
  // out again.
  uint64_t applied = 0;
  // The configuration at `applied`.
  raftpb::ConfState conf_state;
};

}  // namespace gatehouse::raft
