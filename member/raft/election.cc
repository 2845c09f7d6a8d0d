// Elections: section 5.2 and 5.4.1 of the paper; PreVote, 9.6 of the dissertation.
#include <algorithm>
#include <utility>

#include "member/raft/core.h"

namespace gatehouse::raft {

void Core::tick_election() {
  ++election_elapsed_;
  if (election_elapsed_ >= randomized_election_ticks_ && promotable()) {
    election_elapsed_ = 0;
    hup(false);
  }
}

void Core::campaign() { hup(false); }

void Core::forget_leader() {
  if (role_ == Role::kFollower) leader_ = kNoNode;
}

void Core::leader_gone(NodeId id) {
  if (role_ != Role::kFollower || leader_ != id) return;
  election_elapsed_ = std::max(election_elapsed_, options_.election_ticks);
  forget_leader();
  trace("its leader " + std::to_string(id) + " is gone");
}

// A member that has not applied a committed change might count the wrong majority.
bool Core::unapplied_conf_change() const {
  uint64_t index = std::max(log_.applied() + 1, log_.first_index());
  for (; index <= log_.committed(); ++index) {
    if (log_.at(index).type != EntryType::kNormal) return true;
  }
  return false;
}

void Core::hup(bool transfer) {
  if (role_ == Role::kLeader || !promotable()) return;
  if (unapplied_conf_change()) {
    trace("does not campaign: a membership change is not applied yet");
    return;
  }
  start_campaign(transfer            ? Campaign::kTransfer
                 : options_.pre_vote ? Campaign::kPreVote
                                     : Campaign::kElection);
}

void Core::start_campaign(Campaign kind) {
  const bool pre = kind == Campaign::kPreVote;
  if (pre) {
    become_pre_candidate();
  } else {
    become_candidate();
    // Counted once it is durable: this member may promise its vote only once, crashes or not.
    own_vote_ = OwnVote{0, term_};
  }
  for (const NodeId voter : config().voters.ids()) {
    if (voter == id()) continue;
    Message request;
    request.type = pre ? MessageType::kPreVote : MessageType::kVote;
    request.to = voter;
    request.term = pre ? term_ + 1 : term_;
    request.index = log_.last_index();
    request.log_term = log_.last_term();
    if (kind == Campaign::kTransfer) request.context = kCampaignTransfer;
    send(std::move(request));
  }
  if (pre) count_vote(id(), true);
}

void Core::count_vote(NodeId from, bool granted) {
  if (tracker_.find(from) == nullptr) return;
  tracker_.record_vote(from, granted);
  switch (tracker_.vote_result()) {
    case VoteResult::kPending:
      return;
    case VoteResult::kLost:
      become_follower(term_, kNoNode);
      return;
    case VoteResult::kWon:
      break;
  }
  if (role_ == Role::kPreCandidate) {
    start_campaign(Campaign::kElection);
  } else {
    become_leader();
    broadcast_append();
  }
}

void Core::handle_vote_request(const Message& message) {
  const bool pre = message.type == MessageType::kPreVote;
  // Section 5.2: one vote a term. A pre-vote for a later term promises nothing.
  const bool free = vote_ == message.from || (vote_ == kNoNode && leader_ == kNoNode) ||
                    (pre && message.term > term_);
  const bool granted = free && log_.up_to_date({message.index, message.log_term});
  Message response;
  response.type = pre ? MessageType::kPreVoteResponse : MessageType::kVoteResponse;
  response.to = message.from;
  // A granted pre-vote answers in the term asked for; a refusal tells the present one.
  response.term = granted ? message.term : term_;
  response.reject = !granted;
  if (granted && !pre) {
    election_elapsed_ = 0;
    vote_ = message.from;
  }
  send(std::move(response));
}

}  // namespace gatehouse::raft
