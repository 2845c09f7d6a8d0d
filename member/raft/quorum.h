// Quorum: what a majority, or both majorities of a joint configuration, have agreed on.
//
// Section 6 of the Raft paper: in a joint configuration agreement needs separate majorities of the
// old and of the new voters. An empty majority agrees to everything, so that a configuration that
// is not joint is a joint one with nobody on the outgoing side.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "member/raft/types.h"

namespace gatehouse::raft {

enum class VoteResult : uint8_t { kPending, kLost, kWon };

// Answers for each voter; called once or more for each.
using AckedIndex = std::function<uint64_t(NodeId)>;
using VoteOf = std::function<std::optional<bool>(NodeId)>;

// Sorted, without repeats.
class Majority {
 public:
  bool contains(NodeId id) const;
  void insert(NodeId id);
  void erase(NodeId id);
  void clear() { ids_.clear(); }
  bool empty() const { return ids_.empty(); }
  size_t size() const { return ids_.size(); }
  const std::vector<NodeId>& ids() const { return ids_; }

  // The highest index that a majority has; UINT64_MAX when empty.
  uint64_t committed(const AckedIndex& acked) const;
  VoteResult vote_result(const VoteOf& vote) const;

  friend bool operator==(const Majority&, const Majority&) = default;

 private:
  std::vector<NodeId> ids_;
};

struct JointQuorum {
  Majority incoming;
  Majority outgoing;

  bool contains(NodeId id) const { return incoming.contains(id) || outgoing.contains(id); }
  bool joint() const { return !outgoing.empty(); }
  std::vector<NodeId> ids() const;  // of both sides, sorted, once each
  // One voter and no other side: what it says is decided.
  bool singleton() const { return incoming.size() == 1 && outgoing.empty(); }

  uint64_t committed(const AckedIndex& acked) const;
  VoteResult vote_result(const VoteOf& vote) const;

  friend bool operator==(const JointQuorum&, const JointQuorum&) = default;
};

}  // namespace gatehouse::raft
