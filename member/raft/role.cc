// Each role is installed in one place, which leaves everything that belongs to it consistent.
#include <utility>

#include "common/base/check.h"
#include "member/raft/core.h"

namespace gatehouse::raft {

void Core::trace(const std::string& line) {
  if (options_.trace) options_.trace(line);
}

void Core::reset(uint64_t term) {
  CHECK_MSG(term >= term_, "a term never goes back");
  if (term != term_) {
    term_ = term;
    vote_ = kNoNode;
  }
  leader_ = kNoNode;
  election_elapsed_ = 0;
  heartbeat_elapsed_ = 0;
  randomized_election_ticks_ =
      options_.election_ticks + options_.entropy() % options_.election_ticks;
  transfer_target_ = kNoNode;
  own_vote_.reset();
  tracker_.reset(log_.last_index() + 1);
  // Written entries only: the rest counts when it is durable.
  if (Progress* self = tracker_.find(id()); self != nullptr) self->match = log_.stable_index();
  pending_conf_index_ = 0;
  uncommitted_bytes_ = 0;
  reads_.clear();
  held_reads_.clear();
}

void Core::become_follower(uint64_t term, NodeId leader) {
  reset(term);
  leader_ = leader;
  role_ = Role::kFollower;
  trace("became follower at term " + std::to_string(term_) +
        (leader == kNoNode ? "" : " of leader " + std::to_string(leader)));
}

void Core::become_pre_candidate() {
  CHECK(role_ != Role::kLeader);
  // Neither term nor vote change: nothing is promised yet.
  tracker_.reset_votes();
  leader_ = kNoNode;
  role_ = Role::kPreCandidate;
  trace("became pre-candidate at term " + std::to_string(term_));
}

void Core::become_candidate() {
  CHECK(role_ != Role::kLeader);
  reset(term_ + 1);
  vote_ = id();
  role_ = Role::kCandidate;
  trace("became candidate at term " + std::to_string(term_));
}

void Core::become_leader() {
  CHECK(role_ == Role::kCandidate);
  reset(term_);
  leader_ = id();
  role_ = Role::kLeader;
  if (Progress* self = tracker_.find(id()); self != nullptr) {
    self->become_replicate();
    self->recent_active = true;
  }
  // Any of the entries before may be a membership change that is not applied: none other until
  // they all are.
  pending_conf_index_ = log_.last_index();
  trace("became leader at term " + std::to_string(term_));
  // Section 5.4.2 and 8: an entry of its own term, to commit those of earlier ones.
  std::vector<Entry> first(1);
  CHECK(append_entries(std::move(first)));
}

}  // namespace gatehouse::raft
