// What a ReadTxn answers from a tree. Private to the room.
#pragma once

#include <cstdint>
#include <vector>

#include "member/mvcc/store.h"
#include "member/mvcc/tree.h"

namespace gatehouse::mvcc {

// At which moment a tree is read.
inline constexpr int64_t kNow = INT64_MAX;
// Every key.
inline const KeyRange kAllKeys("", std::string_view("\0", 1));

inline int64_t moment_of(int64_t at, int64_t revision) {
  return at <= 0 || at >= revision ? kNow : at;
}

int64_t count_keys(const Tree& tree, const KeyRange& range, int64_t moment);
void list_keys(const Tree& tree, const KeyRange& range, int64_t moment, int64_t limit,
               std::vector<Item>& out);

// Whether a compaction to `revision` leaves the version: the newest of its key that is not above
// `revision`, unless it is a deletion before it.
bool survives(const Tree& tree, std::string_view key, Revision version, int64_t revision);
// Whether any key has a version that survives; with `only_living` one that is no deletion.
bool any_survives(const Tree& tree, int64_t revision, bool only_living);

}  // namespace gatehouse::mvcc
