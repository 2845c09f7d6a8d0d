// Checks: what has to hold between members at every step, and from one life of a member to the
// next.
//
//   election safety       at most one leader in a term
//   log matching          an index and a term name one entry and one predecessor, everywhere
//   leader completeness   a leader has all entries that were committed in earlier terms
//   state machine safety  members commit the same entry at an index; their states are equal where
//                         they have applied the same index
//   durability            a vote that was given, a log that was acknowledged are still there after
//                         a restart; what clients were told of is in every state in the end
//
// The first four are those of figure 3 of the Raft paper. What clients see: linearizability.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "member/membership/members.h"
#include "member/raft/core.h"
#include "member/raft/invariants.h"
#include "member/wal/writer.h"
#include "tests/sim/process.h"

namespace gatehouse::sim {

class Checks {
 public:
  // A member starts with this.
  void restored(raft::NodeId id, const raft::Restored& restored);
  // It gives a batch to its log.
  void writes(const wal::Batch& batch, const raft::Core& core);
  // It sends a message.
  void sends(raft::NodeId id, const raft::Message& message);
  // It has run.
  void look(raft::NodeId id, const Process& process);
  // Its power goes, maybe while it runs: what it has committed by now, it has.
  void last_look(raft::NodeId id, const raft::Core& core) {
    if (!failure_) look_at_commits(id, core, seen_[id]);
  }
  // Its members are these now.
  void members(const membership::Members& members);
  // A client was told that its change has this revision. Value 0: a deletion.
  void acknowledged(int64_t revision, const std::string& key, const std::string& value);
  // At the end: the member has everything that was acknowledged.
  void look_at_history(raft::NodeId id, const Process& process);

  void fail(std::string what) {
    if (!failure_) failure_ = std::move(what);
  }
  const std::optional<std::string>& failure() const { return failure_; }

  // Of all members, as far as any has applied.
  const membership::Members& newest_members() const { return members_; }
  uint64_t committed() const { return chosen_.size(); }
  struct Counts {
    uint64_t leaders = 0;
    uint64_t restarts = 0;
    uint64_t compared = 0;  // states that two members were compared in
    uint64_t conf_changes = 0;
  };
  const Counts& counts() const { return counts_; }

  // A member has become leader.
  std::function<void(raft::NodeId)> on_leader;

 private:
  struct Seen {  // of one life
    raft::Invariants invariants;
    uint64_t committed = 0;
    uint64_t applied = 0;
    bool leading = false;
  };
  struct Promised {  // of all lives
    uint64_t vote_term = 0;
    raft::NodeId vote = raft::kNoNode;
    uint64_t append_term = 0;
    uint64_t append_index = 0;
  };
  struct Chosen {
    uint64_t term;
    uint64_t commit_term;  // of the member that committed it first: its leader
    raft::Payload data;
  };

  void look_at_commits(raft::NodeId id, const raft::Core& core, Seen& seen);
  void look_at_leader(raft::NodeId id, const raft::Core& core);
  void look_at_state(raft::NodeId id, const Process& process, uint64_t applied);
  static uint64_t state_of(const Process& process);

  std::optional<std::string> failure_;
  std::map<raft::NodeId, Seen> seen_;
  std::map<raft::NodeId, Promised> promised_;
  std::map<uint64_t, raft::NodeId> leader_of_term_;
  std::vector<Chosen> chosen_;  // entry i + 1
  // (index, term) -> term of the entry before it, and the payload
  std::map<std::pair<uint64_t, uint64_t>, std::pair<uint64_t, raft::Payload>> written_;
  std::map<uint64_t, std::pair<raft::NodeId, uint64_t>> states_;  // by index: who saw it, and what
  std::map<int64_t, std::pair<std::string, std::string>> acknowledged_;
  membership::Members members_;
  Counts counts_;
};

}  // namespace gatehouse::sim
