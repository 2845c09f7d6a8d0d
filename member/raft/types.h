// The words of the Raft room: ids, entries, messages and what is kept across a restart.
//
// Messages and numbers are those of raftpb; wire.h turns them into bytes and back. Here they are
// plain structs, so that an entry costs its payload and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "member/raft/payload.h"
#include "proto/raft.pb.h"

namespace gatehouse::raft {

using NodeId = uint64_t;
inline constexpr NodeId kNoNode = 0;

enum class EntryType : uint8_t { kNormal = 0, kConfChange = 1, kConfChangeV2 = 2 };

// Indexes start at 1; 0 is "before the first". Terms start at 1; 0 is "no term".
struct Entry {
  uint64_t term = 0;
  uint64_t index = 0;
  EntryType type = EntryType::kNormal;
  Payload data;

  friend bool operator==(const Entry&, const Entry&) = default;
};

// The size etcd counts against its limits: the encoded entry with every field present.
uint64_t encoded_size(const Entry& entry);

struct HardState {
  uint64_t term = 0;
  NodeId vote = kNoNode;
  uint64_t commit = 0;

  friend bool operator==(const HardState&, const HardState&) = default;
};

// Everything up to and including `index` in another form. `data` is the application's.
struct Snapshot {
  uint64_t index = 0;
  uint64_t term = 0;
  raftpb::ConfState conf_state;
  Payload data;
};

enum class Role : uint8_t { kFollower, kPreCandidate, kCandidate, kLeader };
std::string_view role_name(Role role);  // "follower", "pre-candidate", …

struct SoftState {
  NodeId leader = kNoNode;
  Role role = Role::kFollower;

  friend bool operator==(const SoftState&, const SoftState&) = default;
};

// A read whose request was `context` may be answered from a state that has applied `index`.
struct ReadState {
  uint64_t index = 0;
  std::string context;

  friend bool operator==(const ReadState&, const ReadState&) = default;
};

// Those that travel between members; the numbers are raftpb's.
enum class MessageType : uint8_t {
  kPropose = 2,
  kAppend = 3,
  kAppendResponse = 4,
  kVote = 5,
  kVoteResponse = 6,
  kSnapshot = 7,
  kHeartbeat = 8,
  kHeartbeatResponse = 9,
  kTransferLeader = 13,
  kTimeoutNow = 14,
  kReadIndex = 15,
  kReadIndexResponse = 16,
  kPreVote = 17,
  kPreVoteResponse = 18,
};
std::string_view message_name(MessageType type);  // raftpb's name: "MsgApp"

// Which fields a type uses: reference in raftpb and the table of the peer protocol. Unused ones are
// zero. Entries share their payloads with the sender's log.
struct Message {
  MessageType type = MessageType::kPropose;
  bool reject = false;
  NodeId to = kNoNode;
  NodeId from = kNoNode;
  uint64_t term = 0;  // 0 only for kPropose and kReadIndex
  uint64_t log_term = 0;
  uint64_t index = 0;
  uint64_t commit = 0;
  uint64_t reject_hint = 0;
  std::vector<Entry> entries;
  std::string context;
  std::shared_ptr<const Snapshot> snapshot;
};

// The context of a vote request that a leader asked for (leader transfer): voters grant it although
// they hear from a leader.
inline constexpr std::string_view kCampaignTransfer = "CampaignTransfer";

}  // namespace gatehouse::raft
