// What the records of a log add up to, and whether they can have been written by one member in that
// order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "member/raft/types.h"
#include "member/wal/reader.h"
#include "member/wal/record.h"

namespace gatehouse::wal {

struct Replay {
  SnapshotRecord start;  // as given
  bool start_found = false;
  uint64_t term_at_start = 0;  // of the entry at start.index as read so far; 0: not known
  std::string metadata;
  Identity identity;
  raft::HardState state;  // all zero: none was written
  std::vector<SnapshotRecord> snapshots;
  std::vector<raft::Entry> entries;  // start.index + 1, + 2, …
  uint64_t last_index = 0;           // of the last entry or snapshot that was read

  // Those that may be started from: at most the state's commit.
  std::vector<SnapshotRecord> valid_snapshots() const;
};

// Reads to the end. `start`: entries after it are kept. Without one no entry is, and their order
// is not checked. DataLoss: damage.
Result<Replay> replay(LogReader& reader, const SnapshotRecord* start);

}  // namespace gatehouse::wal
