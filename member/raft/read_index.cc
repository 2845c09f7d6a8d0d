// Linearizable reads without a log entry: section 6.4 of the dissertation, section 8 of the paper.
#include <utility>

#include "member/raft/core.h"

namespace gatehouse::raft {

Status Core::read_index(std::string context) {
  if (role_ == Role::kLeader) {
    start_read({id(), std::move(context)});
    return Status();
  }
  if (leader_ == kNoNode) return drop("no leader");
  Message message;
  message.type = MessageType::kReadIndex;
  message.to = leader_;
  message.entries.resize(1);
  message.entries[0].data = Payload(context);
  send(std::move(message));
  return Status();
}

Status Core::handle_read_index(Message message) {
  start_read({message.from, std::string(message.entries[0].data.view())});
  return Status();
}

bool Core::is_sole_voter() const {
  return config().voters.singleton() && config().voters.contains(id());
}

bool Core::reads_need_no_quorum() const {
  return role_ == Role::kLeader && is_sole_voter() && committed_in_term();
}

bool Core::committed_in_term() const { return log_.matches(log_.committed(), term_); }

void Core::start_read(PendingRead read) {
  if (held_reads_.size() + reads_.size() >= options_.max_pending_reads) {
    trace("drops a read: too many are waiting");
    return;
  }
  if (!committed_in_term()) {
    // Until an entry of this term is committed, the commit index may be behind what the last leader
    // acknowledged. A sole voter is no exception: its commit index is written lazily.
    held_reads_.push_back(std::move(read));
    return;
  }
  read.index = log_.committed();
  if (is_sole_voter()) {
    answer_read(std::move(read));
    return;
  }
  broadcast_heartbeat(reads_.add(std::move(read)));
}

void Core::answer_read(PendingRead read) {
  if (read.from == id()) {
    read_states_.push_back({read.index, std::move(read.context)});
    return;
  }
  Message message;
  message.type = MessageType::kReadIndexResponse;
  message.to = read.from;
  message.index = read.index;
  message.entries.resize(1);
  message.entries[0].data = Payload(read.context);
  send(std::move(message));
}

void Core::release_held_reads() {
  if (held_reads_.empty() || !committed_in_term()) return;
  for (PendingRead& read : std::exchange(held_reads_, {})) start_read(std::move(read));
}

}  // namespace gatehouse::raft
