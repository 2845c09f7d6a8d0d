// Keys of the "meta" bucket and what is in them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/codec/fixed.h"

namespace gatehouse::schema {

// The index of the last entry whose effects are in the database, and its term: 8 bytes big-endian
// each, changed together with the effects. Neither is ever written as 0.
inline constexpr std::string_view kConsistentIndex = "consistent_index";
inline constexpr std::string_view kTerm = "term";
// raftpb.ConfState as JSON.
inline constexpr std::string_view kConfState = "confState";
// "3.7.0".
inline constexpr std::string_view kStorageVersion = "storageVersion";
// Revision keys (revision.h) with sub 0: the compaction that was last asked for and is to be
// finished after a restart, and the one that was last finished.
inline constexpr std::string_view kScheduledCompaction = "scheduledCompactRev";
inline constexpr std::string_view kFinishedCompaction = "finishedCompactRev";

// A key of the "auth" bucket: the revision of users and roles, a number.
inline constexpr std::string_view kAuthRevision = "authRevision";

// How numbers are written: 8 bytes, big-endian.
inline std::string encode_number(uint64_t number) {
  std::string bytes;
  codec::append_big_endian(bytes, number);
  return bytes;
}
// 0 when it is not 8 bytes.
inline uint64_t decode_number(std::string_view bytes) {
  return bytes.size() == 8 ? codec::load_big_endian<uint64_t>(bytes.data()) : 0;
}

}  // namespace gatehouse::schema
