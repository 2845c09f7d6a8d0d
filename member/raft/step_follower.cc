// Follower: takes the leader's log as its own (section 5.3), passes requests on.
#include <algorithm>
#include <utility>

#include "member/raft/conf_change.h"
#include "member/raft/core.h"

namespace gatehouse::raft {
namespace {

Status contradiction(const Message& message, const std::string& what) {
  return Status(StatusCode::kDataLoss, "raft: " + std::string(message_name(message.type)) +
                                           " from " + std::to_string(message.from) + ": " + what);
}

}  // namespace

Status Core::step_follower(Message message) {
  switch (message.type) {
    case MessageType::kAppend:
    case MessageType::kHeartbeat:
    case MessageType::kSnapshot:
      if (leader_ != kNoNode && leader_ != message.from) {
        return contradiction(message, "term " + std::to_string(term_) + " has leader " +
                                          std::to_string(leader_) + " already");
      }
      election_elapsed_ = 0;
      leader_ = message.from;
      if (message.type == MessageType::kAppend) return handle_append(message);
      if (message.type == MessageType::kHeartbeat) return handle_heartbeat(message);
      return handle_snapshot(message);
    case MessageType::kPropose:
      if (leader_ == kNoNode) return drop("no leader");
      if (options_.disable_proposal_forwarding) return drop("proposals are not forwarded");
      message.to = leader_;
      send(std::move(message));
      return Status();
    case MessageType::kTransferLeader:
    case MessageType::kReadIndex:
      if (leader_ == kNoNode) return drop("no leader");
      message.to = leader_;
      send(std::move(message));
      return Status();
    case MessageType::kTimeoutNow:
      // Dissertation 3.10: the leader wants this member to take over, without a pre-vote.
      hup(true);
      return Status();
    case MessageType::kReadIndexResponse:
      read_states_.push_back({message.index, std::string(message.entries[0].data.view())});
      return Status();
    default:
      return Status();
  }
}

Status Core::handle_append(const Message& message) {
  Message response;
  response.type = MessageType::kAppendResponse;
  response.to = message.from;
  if (message.index < log_.committed()) {
    // Late, or sent by a leader that does not know yet what is here: committed entries agree.
    response.index = log_.committed();
    send(std::move(response));
    return Status();
  }
  if (!log_.matches(message.index, message.log_term)) {
    // Tell the leader the last place where the logs may agree, whole terms at a time: entries with
    // a term above the leader's at its position cannot.
    const LogPosition hint =
        log_.find_conflict_by_term(std::min(message.index, log_.last_index()), message.log_term);
    response.index = message.index;
    response.reject = true;
    response.reject_hint = hint.index;
    response.log_term = hint.term;
    send(std::move(response));
    return Status();
  }
  const uint64_t last_new = message.index + message.entries.size();
  const uint64_t conflict = log_.find_conflict(message.entries);
  if (conflict != 0) {
    if (conflict <= log_.committed()) {
      return contradiction(message,
                           "entry " + std::to_string(conflict) + " differs from the committed one");
    }
    log_.append(std::span(message.entries).subspan(conflict - message.index - 1));
  }
  log_.commit_to(std::min(message.commit, last_new));
  response.index = last_new;
  send(std::move(response));
  return Status();
}

Status Core::handle_heartbeat(const Message& message) {
  if (message.commit > log_.last_index()) {
    return contradiction(message, "commit index " + std::to_string(message.commit) +
                                      " is beyond this log, which ends at " +
                                      std::to_string(log_.last_index()) + "; has it lost data?");
  }
  log_.commit_to(message.commit);
  Message response;
  response.type = MessageType::kHeartbeatResponse;
  response.to = message.from;
  response.context = message.context;
  send(std::move(response));
  return Status();
}

Status Core::handle_snapshot(const Message& message) {
  Result<Configuration> config = from_conf_state(message.snapshot->conf_state);
  if (!config.ok()) return config.status().with_context("raft: MsgSnap");
  Message response;
  response.type = MessageType::kAppendResponse;
  response.to = message.from;
  response.index =
      restore(message.snapshot, std::move(*config)) ? log_.last_index() : log_.committed();
  send(std::move(response));
  return Status();
}

bool Core::restore(const std::shared_ptr<const Snapshot>& snapshot, Configuration config) {
  if (snapshot->index <= log_.committed()) return false;
  if (!config.voters.contains(id()) && !config.learners.contains(id())) {
    trace("ignores a snapshot at " + std::to_string(snapshot->index) +
          " that does not name this member");
    return false;
  }
  if (log_.matches(snapshot->index, snapshot->term)) {
    // The log has all of it: keep the entries, learn that they are committed.
    log_.commit_to(snapshot->index);
    return false;
  }
  log_.restore(snapshot);
  tracker_.install(std::move(config), log_.last_index() + 1);
  tracker_.reset(log_.last_index() + 1);
  trace("restores a snapshot at " + std::to_string(snapshot->index) + " of term " +
        std::to_string(snapshot->term));
  return true;
}

}  // namespace gatehouse::raft
