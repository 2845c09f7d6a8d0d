#include "member/raft/tracker.h"

#include <algorithm>

namespace gatehouse::raft {

raftpb::ConfState Configuration::to_conf_state() const {
  raftpb::ConfState state;
  for (const NodeId id : voters.incoming.ids()) state.add_voters(id);
  for (const NodeId id : learners.ids()) state.add_learners(id);
  for (const NodeId id : voters.outgoing.ids()) state.add_voters_outgoing(id);
  for (const NodeId id : learners_next.ids()) state.add_learners_next(id);
  state.set_auto_leave(auto_leave);
  return state;
}

Progress* Tracker::find(NodeId id) { return const_cast<Progress*>(std::as_const(*this).find(id)); }

const Progress* Tracker::find(NodeId id) const {
  for (const Progress& member : members_) {
    if (member.id == id) return &member;
  }
  return nullptr;
}

void Tracker::install(Configuration config, uint64_t next) {
  config_ = std::move(config);
  std::vector<NodeId> ids = config_.voters.ids();
  ids.insert(ids.end(), config_.learners.ids().begin(), config_.learners.ids().end());
  std::sort(ids.begin(), ids.end());
  std::vector<Progress> members;
  members.reserve(ids.size());
  for (const NodeId id : ids) {
    if (Progress* known = find(id); known != nullptr) {
      members.push_back(std::move(*known));
    } else {
      members.emplace_back(id, next, Inflights(max_inflight_, max_inflight_bytes_));
      members.back().recent_active = true;
    }
    members.back().is_learner = config_.learners.contains(id);
  }
  members_ = std::move(members);
}

void Tracker::reset(uint64_t next) {
  for (Progress& member : members_) {
    const bool learner = member.is_learner;
    member = Progress(member.id, next, Inflights(max_inflight_, max_inflight_bytes_));
    member.is_learner = learner;
  }
  reset_votes();
}

uint64_t Tracker::committed() const {
  return config_.voters.committed([this](NodeId id) -> uint64_t { return find(id)->match; });
}

bool Tracker::quorum_active() const {
  return config_.voters.vote_result([this](NodeId id) -> std::optional<bool> {
    return find(id)->recent_active;
  }) == VoteResult::kWon;
}

void Tracker::record_vote(NodeId id, bool granted) {
  for (const auto& vote : votes_) {
    if (vote.first == id) return;
  }
  votes_.emplace_back(id, granted);
}

VoteResult Tracker::vote_result() const {
  return config_.voters.vote_result([this](NodeId id) -> std::optional<bool> {
    for (const auto& vote : votes_) {
      if (vote.first == id) return vote.second;
    }
    return std::nullopt;
  });
}

}  // namespace gatehouse::raft
