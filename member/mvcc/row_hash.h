// RowHash: the checksum over the rows by which members are compared (Maintenance.HashKV, and the one
// that a compaction leaves). Private to the room.
//
// CRC-32C of "key", then key and value of each row, in order, of which
// - the revision is not above `revision`;
// - if it is not above `compacted`: the version would survive a compaction to `revision`, as far as
//   anything would;
// - it is not a deletion at `compacted`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/codec/crc32c.h"
#include "member/mvcc/reading.h"

namespace gatehouse::mvcc {

class RowHash {
 public:
  // `compaction`: computed by a compaction, for which deletions at `revision` survive, too.
  RowHash(int64_t revision, int64_t compacted, bool compaction)
      : revision_(revision), compacted_(compacted), compaction_(compaction) {}

  // Rows not above `revision`, in order. `key` is that of the record; `tree` may be a later one.
  void add(const Tree& tree, std::string_view row_key, Revision row, bool tombstone,
           std::string_view key, std::string_view record) {
    if (tombstone && row.main == compacted_) return;
    if (row.main <= compacted_ && !counts(tree, row, tombstone, key)) return;
    hash_ = codec::crc32c(record, codec::crc32c(row_key, hash_));
  }

  uint32_t value() const { return hash_; }

 private:
  bool counts(const Tree& tree, Revision row, bool tombstone, std::string_view key) {
    if (survives(tree, key, row, revision_) && (compaction_ || !tombstone)) return true;
    if (!any_) any_ = any_survives(tree, revision_, !compaction_);
    return !*any_;
  }

  const int64_t revision_;
  const int64_t compacted_;
  const bool compaction_;
  uint32_t hash_ = codec::crc32c("key");
  std::optional<bool> any_;
};

}  // namespace gatehouse::mvcc
