#include "common/metrics/cell_pool.h"

#include "common/base/check.h"

namespace gatehouse::metrics {

CellRun CellPool::allocate(size_t count) {
  CHECK(count >= 1 && count <= kCellsPerShard);
  std::vector<CellRun>& free = free_[count];
  if (!free.empty()) {
    const CellRun run = free.back();
    free.pop_back();
    for (size_t shard = 0; shard < kShards; ++shard) {
      for (size_t i = 0; i < count; ++i) {
        std::atomic_ref<uint64_t>(run.base_[shard * kCellsPerShard + i])
            .store(0, std::memory_order_relaxed);
      }
    }
    return run;
  }
  if (used_in_last_ + count > kCellsPerShard) {
    chunks_.emplace_back(new (kCacheLine) uint64_t[size_t{kShards} * kCellsPerShard]());
    used_in_last_ = 0;
  }
  uint64_t* const base = chunks_.back().get() + used_in_last_;
  used_in_last_ += count;
  return CellRun(base);
}

void CellPool::release(CellRun run, size_t count) { free_[count].push_back(run); }

}  // namespace gatehouse::metrics
