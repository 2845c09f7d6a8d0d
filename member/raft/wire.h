// Between the structs of this room and the bytes etcd's members exchange.
//
// to_proto sets every field that etcd always writes, so that the bytes are the same; from_proto is
// for foreign messages.
#pragma once

#include "common/base/result.h"
#include "member/raft/types.h"

namespace gatehouse::raft {

raftpb::Entry to_proto(const Entry& entry);
raftpb::HardState to_proto(const HardState& state);
raftpb::Snapshot to_proto(const Snapshot& snapshot);
raftpb::Message to_proto(const Message& message);

Entry from_proto(const raftpb::Entry& entry);
Snapshot from_proto(const raftpb::Snapshot& snapshot);
HardState from_proto(const raftpb::HardState& state);
// kInvalidArgument: a type that never leaves a process, or none. Core::step checks the rest.
Result<Message> from_proto(const raftpb::Message& message);

}  // namespace gatehouse::raft
