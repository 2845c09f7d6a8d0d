// What goes out: appends, snapshots, heartbeats; and the commit rule that decides when.
#include <algorithm>
#include <utility>

#include "member/raft/core.h"

namespace gatehouse::raft {

void Core::send(Message message) {
  if (message.from == kNoNode) message.from = id();
  switch (message.type) {
    case MessageType::kPropose:
    case MessageType::kReadIndex:
      message.term = 0;
      messages_.push_back(std::move(message));
      return;
    case MessageType::kPreVote:
    case MessageType::kPreVoteResponse:
      // A pre-vote promises nothing.
      messages_.push_back(std::move(message));
      return;
    case MessageType::kVote:
    case MessageType::kVoteResponse:
      // The term and the vote they speak of have to be durable. Requests too: a candidate that
      // forgot its term in a crash could ask again in it, and count grants that were given to
      // another log.
      after_persist_.push_back(std::move(message));
      return;
    case MessageType::kAppendResponse:
      message.term = term_;
      after_persist_.push_back(std::move(message));
      return;
    default:
      message.term = term_;
      messages_.push_back(std::move(message));
      return;
  }
}

bool Core::send_append(Progress* to, bool even_if_empty) {
  if (to->paused()) return false;
  const uint64_t previous = to->next - 1;
  const std::optional<uint64_t> previous_term = log_.term(previous);
  if (!previous_term.has_value()) return send_snapshot(to);

  Message message;
  message.type = MessageType::kAppend;
  // With a full window only empty appends go, which carry the commit index.
  if (to->state != ProgressState::kReplicate || !to->inflights.full()) {
    log_.slice(to->next, log_.last_index(), options_.max_append_bytes, &message.entries);
  }
  if (message.entries.empty() && !even_if_empty) return false;
  message.to = to->id;
  message.index = previous;
  message.log_term = *previous_term;
  message.commit = log_.committed();
  uint64_t bytes = 0;
  for (const Entry& entry : message.entries) bytes += encoded_size(entry);
  to->sent_append(message.entries.size(), bytes, message.commit);
  send(std::move(message));
  return true;
}

bool Core::send_snapshot(Progress* to) {
  // A member that does not answer would not take it either.
  if (!to->recent_active) return false;
  const std::shared_ptr<const Snapshot>& snapshot = log_.snapshot();
  if (snapshot->index == 0) return false;
  trace("sends snapshot at " + std::to_string(snapshot->index) + " to " + std::to_string(to->id));
  to->become_snapshot(snapshot->index);
  Message message;
  message.type = MessageType::kSnapshot;
  message.to = to->id;
  message.snapshot = snapshot;
  send(std::move(message));
  return true;
}

void Core::send_heartbeat(Progress* to, const std::string& context) {
  Message message;
  message.type = MessageType::kHeartbeat;
  message.to = to->id;
  // No further than what is known to be there: its log may differ beyond.
  message.commit = std::min(to->match, log_.committed());
  message.context = context;
  to->sent_commit = std::max(to->sent_commit, message.commit);
  send(std::move(message));
}

void Core::send_timeout_now(NodeId to) {
  Message message;
  message.type = MessageType::kTimeoutNow;
  message.to = to;
  send(std::move(message));
}

void Core::broadcast_append() {
  for (Progress& member : tracker_.members()) {
    if (member.id != id()) send_append(&member, true);
  }
}

void Core::broadcast_heartbeat(const std::string& context) {
  for (Progress& member : tracker_.members()) {
    if (member.id != id()) send_heartbeat(&member, context);
  }
}

bool Core::maybe_commit() {
  const uint64_t index = std::min(tracker_.committed(), log_.last_index());
  // Section 5.4.2, figure 8: only entries of the own term are committed by counting, and those
  // before with them.
  if (index <= log_.committed() || !log_.matches(index, term_)) return false;
  if (uncommitted_bytes_ > 0) {
    for (uint64_t i = log_.committed() + 1; i <= index; ++i) {
      // Entries of earlier terms were not counted when they came.
      uncommitted_bytes_ -= std::min<uint64_t>(uncommitted_bytes_, log_.at(i).data.size());
    }
  }
  log_.commit_to(index);
  release_held_reads();
  return true;
}

}  // namespace gatehouse::raft
