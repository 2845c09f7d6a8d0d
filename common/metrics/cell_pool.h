// CellPool: hands out runs of sharded cells. Private to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <vector>

#include "common/metrics/cells.h"

namespace gatehouse::metrics {

// Not thread-safe. Chunks are kept until the pool dies, so that a stale handle never writes to
// memory that is not the pool's.
class CellPool {
 public:
  // count cells (1..kCellsPerShard), side by side, all zero.
  CellRun allocate(size_t count);
  // The run must come from allocate(count) with the same count.
  void release(CellRun run, size_t count);

  size_t chunk_count() const { return chunks_.size(); }

 private:
  static constexpr std::align_val_t kCacheLine{64};
  struct Delete {
    void operator()(uint64_t* cells) const { ::operator delete[](cells, kCacheLine); }
  };
  std::vector<std::unique_ptr<uint64_t[], Delete>> chunks_;
  size_t used_in_last_ = kCellsPerShard;
  std::map<size_t, std::vector<CellRun>> free_;  // by count
};

}  // namespace gatehouse::metrics
