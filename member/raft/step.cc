// What arrives from other members: its shape, its term, then the role's own rules.
#include <utility>

#include "member/raft/core.h"

namespace gatehouse::raft {
namespace {

// No cluster gets here by counting. A peer that says more would push a counter over its end.
constexpr uint64_t kMaxTermOrIndex = uint64_t{1} << 62;

bool carries_no_term(MessageType type) {
  return type == MessageType::kPropose || type == MessageType::kReadIndex;
}

// Followers pass these on under the name of who asked: one may come back, after elections, to the
// member that sent it.
bool passed_on(MessageType type) {
  return carries_no_term(type) || type == MessageType::kTransferLeader;
}

bool from_leader(MessageType type) {
  return type == MessageType::kAppend || type == MessageType::kHeartbeat ||
         type == MessageType::kSnapshot;
}

Status bad(const Message& message, const std::string& what) {
  return invalid_argument("raft: " + std::string(message_name(message.type)) + " from " +
                          std::to_string(message.from) + ": " + what);
}

Status check_entries(const Message& message) {
  uint64_t index = message.index;
  uint64_t term = message.log_term;
  for (const Entry& entry : message.entries) {
    if (entry.index != ++index) return bad(message, "entries are not consecutive");
    if (entry.term < term || entry.term == 0 || entry.term > message.term) {
      return bad(message, "terms of entries go back or beyond the leader's");
    }
    term = entry.term;
  }
  return Status();
}

}  // namespace

Status Core::drop(std::string reason) const {
  return unavailable("raft: dropped: " + std::move(reason));
}

Status Core::check_shape(const Message& message) const {
  if (message.from == kNoNode) return bad(message, "no sender");
  if (message.from == id() && !passed_on(message.type)) return bad(message, "from this member");
  if (message.to != id()) return bad(message, "not for this member");
  for (const uint64_t number : {message.term, message.index, message.log_term, message.commit}) {
    if (number > kMaxTermOrIndex) return bad(message, "a number out of range");
  }
  if (message.term == 0 && !carries_no_term(message.type)) return bad(message, "no term");
  switch (message.type) {
    case MessageType::kAppend:
      return check_entries(message);
    case MessageType::kSnapshot:
      if (message.snapshot == nullptr || message.snapshot->index == 0 ||
          message.snapshot->index > kMaxTermOrIndex || message.snapshot->term > message.term) {
        return bad(message, "no usable snapshot");
      }
      return Status();
    case MessageType::kReadIndex:
    case MessageType::kReadIndexResponse:
      if (message.entries.size() != 1) return bad(message, "no request context");
      return Status();
    case MessageType::kPropose:
      if (message.entries.empty()) return bad(message, "no entries");
      return Status();
    default:
      return Status();
  }
}

bool Core::settle_term(const Message& message) {
  if (carries_no_term(message.type) || message.term == term_) return true;
  const bool asks_vote =
      message.type == MessageType::kVote || message.type == MessageType::kPreVote;
  if (message.term < term_) {
    if ((options_.check_quorum || options_.pre_vote) &&
        (message.type == MessageType::kAppend || message.type == MessageType::kHeartbeat)) {
      // A leader that was cut off, or a cluster whose members would not vote while they hear from
      // it: the higher term frees both.
      Message response;
      response.type = MessageType::kAppendResponse;
      response.to = message.from;
      send(std::move(response));
    } else if (message.type == MessageType::kPreVote) {
      // The sender may be behind by terms, and would ask for ever if it did not learn.
      Message response;
      response.type = MessageType::kPreVoteResponse;
      response.to = message.from;
      response.term = term_;
      response.reject = true;
      send(std::move(response));
    }
    return false;
  }
  if (asks_vote && message.context != kCampaignTransfer && options_.check_quorum &&
      leader_ != kNoNode && election_elapsed_ < options_.election_ticks) {
    // Dissertation 4.2.3: whoever heard from a leader within the minimum election timeout neither
    // votes nor takes the term, so that a removed or cut-off member disturbs nobody.
    return false;
  }
  if (message.type == MessageType::kPreVote) return true;
  if (message.type == MessageType::kPreVoteResponse && !message.reject) return true;
  become_follower(message.term, from_leader(message.type) ? message.from : kNoNode);
  return true;
}

Status Core::step(Message message) {
  GATEHOUSE_RETURN_IF_ERROR(check_shape(message));
  if (!settle_term(message)) return Status();
  if (message.type == MessageType::kVote || message.type == MessageType::kPreVote) {
    handle_vote_request(message);
    return Status();
  }
  return step_role(std::move(message));
}

Status Core::step_role(Message message) {
  switch (role_) {
    case Role::kFollower:
      return step_follower(std::move(message));
    case Role::kPreCandidate:
    case Role::kCandidate:
      return step_candidate(std::move(message));
    case Role::kLeader:
      return step_leader(std::move(message));
  }
  return Status();
}

Status Core::step_candidate(Message message) {
  switch (message.type) {
    case MessageType::kPropose:
      return drop("no leader");
    case MessageType::kAppend:
    case MessageType::kHeartbeat:
    case MessageType::kSnapshot:
      // Section 5.2: somebody else has won this term.
      become_follower(term_, message.from);
      return step_follower(std::move(message));
    case MessageType::kVoteResponse:
      if (role_ == Role::kCandidate) count_vote(message.from, !message.reject);
      return Status();
    case MessageType::kPreVoteResponse:
      // A grant names the term that was asked for; an older one was for another campaign.
      if (role_ == Role::kPreCandidate && (message.reject || message.term == term_ + 1)) {
        count_vote(message.from, !message.reject);
      }
      return Status();
    default:
      return Status();
  }
}

}  // namespace gatehouse::raft
