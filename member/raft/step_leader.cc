// Leader: appends, replicates, commits; hands over when asked; steps down when nobody answers.
#include <utility>

#include "common/base/check.h"
#include "member/raft/conf_change.h"
#include "member/raft/core.h"

namespace gatehouse::raft {

Status Core::propose(std::vector<Payload> payloads) {
  if (payloads.empty()) return invalid_argument("raft: nothing proposed");
  std::vector<Entry> entries(payloads.size());
  for (size_t i = 0; i < payloads.size(); ++i) entries[i].data = std::move(payloads[i]);
  return propose_entries(std::move(entries));
}

Status Core::propose_conf_change(const raftpb::ConfChange& change) {
  std::vector<Entry> entries(1);
  entries[0].type = EntryType::kConfChange;
  entries[0].data = Payload(encode(change));
  return propose_entries(std::move(entries));
}

Status Core::propose_conf_change(const raftpb::ConfChangeV2& change) {
  std::vector<Entry> entries(1);
  entries[0].type = EntryType::kConfChangeV2;
  entries[0].data = Payload(encode(change));
  return propose_entries(std::move(entries));
}

Status Core::propose_entries(std::vector<Entry> entries) {
  if (role_ == Role::kLeader) return handle_proposal(std::move(entries));
  Message message;
  message.type = MessageType::kPropose;
  message.entries = std::move(entries);
  return step_role(std::move(message));
}

Status Core::step_leader(Message message) {
  switch (message.type) {
    case MessageType::kPropose:
      return handle_proposal(std::move(message.entries));
    case MessageType::kReadIndex:
      return handle_read_index(std::move(message));
    case MessageType::kTransferLeader:
      handle_transfer(message.from);
      return Status();
    case MessageType::kAppend:
    case MessageType::kHeartbeat:
    case MessageType::kSnapshot:
      return Status(StatusCode::kDataLoss, "raft: member " + std::to_string(message.from) +
                                               " claims to lead term " + std::to_string(term_) +
                                               ", as this one does");
    default:
      break;
  }
  Progress* peer = tracker_.find(message.from);
  if (peer == nullptr) return Status();  // it left
  if (message.type == MessageType::kAppendResponse) {
    if (!message.reject && message.index > log_.last_index()) {
      return Status(StatusCode::kDataLoss,
                    "raft: member " + std::to_string(message.from) + " acknowledges entry " +
                        std::to_string(message.index) + ", beyond the log of its leader");
    }
    handle_append_response(peer, message);
  } else if (message.type == MessageType::kHeartbeatResponse) {
    handle_heartbeat_response(peer, message);
  }
  return Status();
}

bool Core::refuse_conf_change(const raftpb::ConfChangeV2& change) {
  // Dissertation 4.1: one at a time, the next only when the last is applied here.
  if (pending_conf_index_ > log_.applied()) return true;
  return config().voters.joint() != leaves_joint(change);
}

Status Core::handle_proposal(std::vector<Entry> entries) {
  if (tracker_.find(id()) == nullptr) return drop("this member was removed");
  if (transfer_target_ != kNoNode) return drop("leadership is being transferred");
  const uint64_t pending_before = pending_conf_index_;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].type == EntryType::kNormal) continue;
    const Result<raftpb::ConfChangeV2> change = decode_conf_change(entries[i]);
    if (!change.ok()) {
      pending_conf_index_ = pending_before;
      return change.status();
    }
    if (refuse_conf_change(*change)) {
      trace("refuses a membership change: " + change->ShortDebugString());
      entries[i] = Entry();
    } else {
      pending_conf_index_ = log_.last_index() + i + 1;
    }
  }
  if (!append_entries(std::move(entries))) {
    pending_conf_index_ = pending_before;
    return resource_exhausted("raft: dropped: " + std::to_string(uncommitted_bytes_) +
                              " bytes are proposed and not committed");
  }
  broadcast_append();
  return Status();
}

bool Core::append_entries(std::vector<Entry> entries) {
  uint64_t bytes = 0;
  uint64_t index = log_.last_index();
  for (Entry& entry : entries) {
    entry.term = term_;
    entry.index = ++index;
    bytes += entry.data.size();
  }
  // One proposal of any size passes when nothing waits; entries without payload always do, so that
  // a leader can begin its term and leave a joint configuration.
  if (options_.max_uncommitted_bytes != 0 && uncommitted_bytes_ > 0 && bytes > 0 &&
      uncommitted_bytes_ + bytes > options_.max_uncommitted_bytes) {
    return false;
  }
  uncommitted_bytes_ += bytes;
  log_.append(entries);
  return true;
}

void Core::own_log_grew() {
  Progress* self = tracker_.find(id());
  if (self == nullptr || !self->maybe_update(log_.stable_index())) return;
  if (maybe_commit()) broadcast_append();
}

void Core::leave_joint_if_due() {
  if (role_ != Role::kLeader || !config().auto_leave || transfer_target_ != kNoNode ||
      log_.applied() < pending_conf_index_) {
    return;
  }
  std::vector<Entry> leave(1);
  leave[0].type = EntryType::kConfChangeV2;
  pending_conf_index_ = log_.last_index() + 1;
  CHECK(append_entries(std::move(leave)));
  broadcast_append();
}

void Core::handle_append_response(Progress* peer, const Message& message) {
  peer->recent_active = true;
  if (message.reject) {
    // The follower named the last place its log may agree, with its term there. Where this log has
    // higher terms before that place, it cannot agree either.
    uint64_t hint = message.reject_hint;
    if (message.log_term > 0) {
      hint = log_.find_conflict_by_term(hint, message.log_term).index;
    }
    if (peer->maybe_decrease_to(message.index, hint)) {
      if (peer->state == ProgressState::kReplicate) peer->become_probe();
      send_append(peer, true);
    }
    return;
  }
  const bool news = peer->maybe_update(message.index);
  if (!news && !(peer->match == message.index && peer->state == ProgressState::kProbe)) return;
  switch (peer->state) {
    case ProgressState::kProbe:
      peer->become_replicate();
      break;
    case ProgressState::kSnapshot:
      // It can be served from the log again, be it by the snapshot that was sent or by another way.
      if (peer->match + 1 >= log_.first_index()) {
        peer->become_probe();
        peer->become_replicate();
      }
      break;
    case ProgressState::kReplicate:
      peer->inflights.free_to(message.index);
      break;
  }
  if (maybe_commit()) {
    broadcast_append();
  } else if (peer->can_bump_commit(log_.committed())) {
    send_append(peer, true);
  }
  // Whatever the window has room for again.
  while (send_append(peer, false)) {
  }
  if (peer->id == transfer_target_ && peer->match == log_.last_index()) send_timeout_now(peer->id);
}

void Core::handle_heartbeat_response(Progress* peer, const Message& message) {
  peer->recent_active = true;
  // It lives: whatever was lost may be sent again. A full window gets an empty append, whose answer
  // frees or corrects it.
  peer->append_paused = false;
  if (peer->match < log_.last_index() || peer->state == ProgressState::kProbe) {
    send_append(peer, true);
  }
  if (message.context.empty() || !reads_.acknowledge(peer->id, message.context)) return;
  for (PendingRead& read : reads_.confirmed(config().voters, id())) answer_read(std::move(read));
}

void Core::transfer_leader(NodeId to) {
  if (role_ == Role::kLeader) {
    handle_transfer(to);
  } else if (leader_ != kNoNode) {
    Message message;
    message.type = MessageType::kTransferLeader;
    message.from = to;
    message.to = leader_;
    send(std::move(message));
  }
}

void Core::handle_transfer(NodeId to) {
  Progress* target = tracker_.find(to);
  if (target == nullptr || target->is_learner || transfer_target_ == to) return;
  transfer_target_ = kNoNode;  // a later wish replaces an earlier one
  if (to == id()) return;
  // Dissertation 3.10: given up after one election timeout.
  election_elapsed_ = 0;
  transfer_target_ = to;
  trace("transfers leadership to " + std::to_string(to));
  if (target->match == log_.last_index()) {
    send_timeout_now(to);
  } else {
    target->append_paused = false;
    send_append(target, true);
  }
}

void Core::report_unreachable(NodeId id) {
  Progress* peer = tracker_.find(id);
  if (role_ != Role::kLeader || peer == nullptr) return;
  // What was sent optimistically is probably lost.
  if (peer->state == ProgressState::kReplicate) peer->become_probe();
}

void Core::report_snapshot(NodeId id, bool arrived) {
  Progress* peer = tracker_.find(id);
  if (role_ != Role::kLeader || peer == nullptr || peer->state != ProgressState::kSnapshot) return;
  if (!arrived) peer->pending_snapshot = 0;
  peer->become_probe();
  // It goes on at the follower's acknowledgement, or after a heartbeat if that is lost.
  peer->append_paused = true;
}

void Core::check_quorum() {
  if (Progress* self = tracker_.find(id()); self != nullptr) self->recent_active = true;
  if (!tracker_.quorum_active()) {
    trace("steps down: a quorum does not answer");
    become_follower(term_, kNoNode);
    return;
  }
  for (Progress& member : tracker_.members()) {
    if (member.id != id()) member.recent_active = false;
  }
}

void Core::tick_heartbeat() {
  ++heartbeat_elapsed_;
  ++election_elapsed_;
  if (election_elapsed_ >= options_.election_ticks) {
    election_elapsed_ = 0;
    if (options_.check_quorum) check_quorum();
    if (role_ != Role::kLeader) return;
    transfer_target_ = kNoNode;
  }
  leave_joint_if_due();
  if (heartbeat_elapsed_ >= options_.heartbeat_ticks) {
    heartbeat_elapsed_ = 0;
    broadcast_heartbeat(reads_.latest());
  }
}

}  // namespace gatehouse::raft
