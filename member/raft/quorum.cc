#include "member/raft/quorum.h"

#include <algorithm>

namespace gatehouse::raft {

bool Majority::contains(NodeId id) const {
  return std::binary_search(ids_.begin(), ids_.end(), id);
}

void Majority::insert(NodeId id) {
  const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (at == ids_.end() || *at != id) ids_.insert(at, id);
}

void Majority::erase(NodeId id) {
  const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (at != ids_.end() && *at == id) ids_.erase(at);
}

uint64_t Majority::committed(const AckedIndex& acked) const {
  if (ids_.empty()) return UINT64_MAX;
  // Clusters are small: up to 7 the indexes stay on the stack.
  constexpr size_t kUsual = 7;
  uint64_t few[kUsual];
  std::vector<uint64_t> many;
  uint64_t* indexes = few;
  if (ids_.size() > kUsual) {
    many.resize(ids_.size());
    indexes = many.data();
  }
  for (size_t i = 0; i < ids_.size(); ++i) indexes[i] = acked(ids_[i]);
  std::sort(indexes, indexes + ids_.size());
  return indexes[ids_.size() - (ids_.size() / 2 + 1)];
}

VoteResult Majority::vote_result(const VoteOf& vote) const {
  if (ids_.empty()) return VoteResult::kWon;
  size_t yes = 0;
  size_t missing = 0;
  for (const NodeId id : ids_) {
    const std::optional<bool> answer = vote(id);
    if (!answer.has_value()) {
      ++missing;
    } else if (*answer) {
      ++yes;
    }
  }
  const size_t needed = ids_.size() / 2 + 1;
  if (yes >= needed) return VoteResult::kWon;
  return yes + missing >= needed ? VoteResult::kPending : VoteResult::kLost;
}

std::vector<NodeId> JointQuorum::ids() const {
  std::vector<NodeId> all;
  all.reserve(incoming.size() + outgoing.size());
  std::set_union(incoming.ids().begin(), incoming.ids().end(), outgoing.ids().begin(),
                 outgoing.ids().end(), std::back_inserter(all));
  return all;
}

uint64_t JointQuorum::committed(const AckedIndex& acked) const {
  return std::min(incoming.committed(acked), outgoing.committed(acked));
}

VoteResult JointQuorum::vote_result(const VoteOf& vote) const {
  const VoteResult one = incoming.vote_result(vote);
  const VoteResult other = outgoing.vote_result(vote);
  if (one == other) return one;
  if (one == VoteResult::kLost || other == VoteResult::kLost) return VoteResult::kLost;
  return VoteResult::kPending;
}

}  // namespace gatehouse::raft
