// Tracker: the configuration in force and the progress of each of its members.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "member/raft/progress.h"
#include "member/raft/quorum.h"
#include "member/raft/types.h"

namespace gatehouse::raft {

// Voters and learners are disjoint. `learners_next` are outgoing voters that become learners when
// the joint configuration is left. `auto_leave`: the leader leaves it as soon as it may.
struct Configuration {
  JointQuorum voters;
  Majority learners;
  Majority learners_next;
  bool auto_leave = false;

  raftpb::ConfState to_conf_state() const;

  friend bool operator==(const Configuration&, const Configuration&) = default;
};

class Tracker {
 public:
  Tracker(size_t max_inflight, uint64_t max_inflight_bytes)
      : max_inflight_(max_inflight), max_inflight_bytes_(max_inflight_bytes) {}

  const Configuration& config() const { return config_; }

  // The members in the order of their ids. References hold until the configuration changes.
  std::vector<Progress>& members() { return members_; }
  const std::vector<Progress>& members() const { return members_; }
  Progress* find(NodeId id);
  const Progress* find(NodeId id) const;

  // Members that stay keep their progress; those that come start to be probed at `next`. New ones
  // count as active, else a quorum check could depose the leader that added them.
  void install(Configuration config, uint64_t next);

  // Fresh progress for all, as a new term begins.
  void reset(uint64_t next);

  uint64_t committed() const;

  // Of voters heard from since the last check.
  bool quorum_active() const;

  void reset_votes() { votes_.clear(); }
  // The first answer of each voter counts.
  void record_vote(NodeId id, bool granted);
  VoteResult vote_result() const;

 private:
  size_t max_inflight_;
  uint64_t max_inflight_bytes_;
  Configuration config_;
  std::vector<Progress> members_;
  std::vector<std::pair<NodeId, bool>> votes_;
};

}  // namespace gatehouse::raft
