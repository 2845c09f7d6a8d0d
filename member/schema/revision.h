// Revisions, and the keys they have in the backend's "key" bucket.
//
// A row's key is 17 bytes, main and sub big-endian with '_' between them, so that rows lie in the
// order of changes; the row of a deletion has a 't' behind: 18 bytes.
//
//   0000000000000005 5f 0000000000000000       a put at revision 5
//   0000000000000005 5f 0000000000000001 74    a deletion, the second change of revision 5
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "common/codec/fixed.h"

namespace gatehouse::schema {

// main: the write (transaction), from 2 on; sub: the change within it, from 0 on.
struct Revision {
  int64_t main = 0;
  int64_t sub = 0;

  friend auto operator<=>(const Revision&, const Revision&) = default;
};

inline constexpr size_t kRevisionKeyBytes = 17;
inline constexpr size_t kTombstoneKeyBytes = 18;
inline constexpr char kTombstoneMark = 't';

// The key of a row, without allocation.
class RevisionKey {
 public:
  explicit RevisionKey(Revision revision, bool tombstone = false)
      : size_(tombstone ? kTombstoneKeyBytes : kRevisionKeyBytes) {
    codec::store_big_endian(bytes_, static_cast<uint64_t>(revision.main));
    bytes_[8] = '_';
    codec::store_big_endian(bytes_ + 9, static_cast<uint64_t>(revision.sub));
    bytes_[17] = kTombstoneMark;
  }
  std::string_view view() const { return {bytes_, size_}; }
  operator std::string_view() const { return view(); }  // NOLINT: it is one

 private:
  char bytes_[kTombstoneKeyBytes];
  size_t size_;
};

struct ParsedRevisionKey {
  Revision revision;
  bool tombstone = false;
};

// Nothing when the bytes are no row's key.
inline std::optional<ParsedRevisionKey> parse_revision_key(std::string_view key) {
  const bool tombstone = key.size() == kTombstoneKeyBytes && key[17] == kTombstoneMark;
  if ((key.size() != kRevisionKeyBytes && !tombstone) || key[8] != '_') return std::nullopt;
  return ParsedRevisionKey{{static_cast<int64_t>(codec::load_big_endian<uint64_t>(key.data())),
                            static_cast<int64_t>(codec::load_big_endian<uint64_t>(key.data() + 9))},
                           tombstone};
}

}  // namespace gatehouse::schema
