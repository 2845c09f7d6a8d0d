// raftpb.Message between structs and bytes, without protobuf objects for what is hot: the payload
// of an entry is copied once, from the log into the buffer that is sent, or from the buffer that
// came into the log.
//
// The bytes are those of raft::to_proto(message), which are etcd's: every scalar field is present.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "member/raft/types.h"

namespace gatehouse::transport {

size_t encoded_bytes(const raft::Message& message);
void append_message(std::string& out, const raft::Message& message);
// raft::encoded_size(entry) bytes.
void append_entry(std::string& out, const raft::Entry& entry);

// For foreign bytes. What they accept, protobuf accepts too and reads alike; beyond that they
// refuse groups, numbers of more than 64 bits, and messages whose type never leaves a process.
// kInvalidArgument says what is wrong. Memory: a small multiple of the bytes.
Result<raft::Message> decode_message(std::string_view bytes);
Result<raft::Entry> decode_entry(std::string_view bytes);

// What the ends of a message stream send each other so that the other's read does not time out.
inline bool is_link_heartbeat(const raft::Message& message) {
  return message.type == raft::MessageType::kHeartbeat && message.from == raft::kNoNode &&
         message.to == raft::kNoNode;
}

}  // namespace gatehouse::transport
