#include "member/raft/wire.h"

#include <string>
#include <utility>

namespace gatehouse::raft {
namespace {

bool travels(raftpb::MessageType type) {
  switch (type) {
    case raftpb::MsgProp:
    case raftpb::MsgApp:
    case raftpb::MsgAppResp:
    case raftpb::MsgVote:
    case raftpb::MsgVoteResp:
    case raftpb::MsgSnap:
    case raftpb::MsgHeartbeat:
    case raftpb::MsgHeartbeatResp:
    case raftpb::MsgTransferLeader:
    case raftpb::MsgTimeoutNow:
    case raftpb::MsgReadIndex:
    case raftpb::MsgReadIndexResp:
    case raftpb::MsgPreVote:
    case raftpb::MsgPreVoteResp:
      return true;
    default:
      return false;
  }
}

}  // namespace

raftpb::Entry to_proto(const Entry& entry) {
  raftpb::Entry proto;
  proto.set_type(static_cast<raftpb::EntryType>(entry.type));
  proto.set_term(entry.term);
  proto.set_index(entry.index);
  if (entry.data.present()) proto.set_data(std::string(entry.data.view()));
  return proto;
}

raftpb::HardState to_proto(const HardState& state) {
  raftpb::HardState proto;
  proto.set_term(state.term);
  proto.set_vote(state.vote);
  proto.set_commit(state.commit);
  return proto;
}

raftpb::Snapshot to_proto(const Snapshot& snapshot) {
  raftpb::Snapshot proto;
  if (snapshot.data.present()) proto.set_data(std::string(snapshot.data.view()));
  raftpb::SnapshotMetadata* metadata = proto.mutable_metadata();
  *metadata->mutable_conf_state() = snapshot.conf_state;
  metadata->mutable_conf_state()->set_auto_leave(snapshot.conf_state.auto_leave());
  metadata->set_index(snapshot.index);
  metadata->set_term(snapshot.term);
  return proto;
}

raftpb::Message to_proto(const Message& message) {
  raftpb::Message proto;
  proto.set_type(static_cast<raftpb::MessageType>(message.type));
  proto.set_to(message.to);
  proto.set_from(message.from);
  proto.set_term(message.term);
  proto.set_logterm(message.log_term);
  proto.set_index(message.index);
  for (const Entry& entry : message.entries) *proto.add_entries() = to_proto(entry);
  proto.set_commit(message.commit);
  if (message.snapshot != nullptr) *proto.mutable_snapshot() = to_proto(*message.snapshot);
  proto.set_reject(message.reject);
  proto.set_rejecthint(message.reject_hint);
  if (!message.context.empty()) proto.set_context(message.context);
  proto.set_vote(0);
  return proto;
}

Entry from_proto(const raftpb::Entry& entry) {
  // An enum of proto2 cannot hold a number it does not know: those are the default.
  Entry result;
  result.term = entry.term();
  result.index = entry.index();
  result.type = static_cast<EntryType>(entry.type());
  if (entry.has_data()) result.data = Payload(entry.data());
  return result;
}

Snapshot from_proto(const raftpb::Snapshot& snapshot) {
  Snapshot result;
  result.index = snapshot.metadata().index();
  result.term = snapshot.metadata().term();
  result.conf_state = snapshot.metadata().conf_state();
  if (snapshot.has_data()) result.data = Payload(snapshot.data());
  return result;
}

HardState from_proto(const raftpb::HardState& state) {
  return {state.term(), state.vote(), state.commit()};
}

Result<Message> from_proto(const raftpb::Message& message) {
  if (!message.has_type() || !travels(message.type())) {
    return invalid_argument("raft message: type does not travel between members");
  }
  Message result;
  result.type = static_cast<MessageType>(message.type());
  result.to = message.to();
  result.from = message.from();
  result.term = message.term();
  result.log_term = message.logterm();
  result.index = message.index();
  result.entries.reserve(static_cast<size_t>(message.entries_size()));
  for (const raftpb::Entry& entry : message.entries()) {
    result.entries.push_back(from_proto(entry));
  }
  result.commit = message.commit();
  // Members up to 3.5 write an empty snapshot into every message.
  if (message.has_snapshot() && message.snapshot().metadata().index() != 0) {
    result.snapshot = std::make_shared<const Snapshot>(from_proto(message.snapshot()));
  }
  result.reject = message.reject();
  result.reject_hint = message.rejecthint();
  result.context = message.context();
  return result;
}

}  // namespace gatehouse::raft
