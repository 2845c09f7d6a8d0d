#include "member/raft/types.h"

namespace gatehouse::raft {
namespace {

uint64_t varint_size(uint64_t value) {
  const int bits = 64 - __builtin_clzll(value | 1);
  return static_cast<uint64_t>(bits + 6) / 7;
}

}  // namespace

uint64_t encoded_size(const Entry& entry) {
  uint64_t size = 3 + varint_size(static_cast<uint64_t>(entry.type)) + varint_size(entry.term) +
                  varint_size(entry.index);
  if (entry.data.present()) size += 1 + varint_size(entry.data.size()) + entry.data.size();
  return size;
}

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kFollower:
      return "follower";
    case Role::kPreCandidate:
      return "pre-candidate";
    case Role::kCandidate:
      return "candidate";
    case Role::kLeader:
      return "leader";
  }
  return "unknown";
}

std::string_view message_name(MessageType type) {
  return raftpb::MessageType_Name(static_cast<raftpb::MessageType>(type));
}

}  // namespace gatehouse::raft
