// Sharded 64-bit cells: the storage under counters and histograms.
//
// A chunk holds kShards x kCellsPerShard cells; shard s of a chunk is one contiguous, cache-line
// aligned run. The same cell of all shards together is one number. A thread writes its own shard
// only, so no two threads write one cache line, and all cells of a thread lie side by side.
//
// The first kOwnedShards living threads own a shard each and add with a relaxed load and store;
// later threads share the remaining shards and add with an atomic read-modify-write. A thread that
// ends gives its shard, with what it counted, to the next one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace gatehouse::metrics {

inline constexpr uint32_t kOwnedShards = 56;
inline constexpr uint32_t kSharedShards = 8;
inline constexpr uint32_t kShards = kOwnedShards + kSharedShards;
inline constexpr uint32_t kCellsPerShard = 256;

inline constexpr uint32_t kUnassignedShard = UINT32_MAX;

// The shard of this thread. Constant-initialised: reading it needs no guard.
extern constinit thread_local uint32_t t_shard;

// Gives this thread a shard on its first use. Returns the new t_shard.
uint32_t assign_shard();

// A number, or several side by side (index 0, 1, …), over all shards. A view of cells that a
// CellPool owns; default-made it discards and sums to 0.
class CellRun {
 public:
  CellRun() = default;
  explicit CellRun(uint64_t* base) : base_(base) {}

  void add(size_t index, uint64_t n) const {
    if (base_ == nullptr) return;
    const uint32_t shard = t_shard;
    if (shard >= kOwnedShards) [[unlikely]] {
      add_slow(index, n);
      return;
    }
    std::atomic_ref<uint64_t> cell(base_[size_t{shard} * kCellsPerShard + index]);
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  // The cell holds the bits of a double.
  void add_double(size_t index, double n) const {
    if (base_ == nullptr) return;
    const uint32_t shard = t_shard;
    if (shard >= kOwnedShards) [[unlikely]] {
      add_double_slow(index, n);
      return;
    }
    std::atomic_ref<uint64_t> cell(base_[size_t{shard} * kCellsPerShard + index]);
    const double sum = __builtin_bit_cast(double, cell.load(std::memory_order_relaxed)) + n;
    cell.store(__builtin_bit_cast(uint64_t, sum), std::memory_order_relaxed);
  }

  // Modulo 2^64.
  uint64_t sum(size_t index) const;
  double sum_double(size_t index) const;

 private:
  friend class CellPool;
  void add_slow(size_t index, uint64_t n) const;
  void add_double_slow(size_t index, double n) const;

  uint64_t* base_ = nullptr;  // the first cell in shard 0
};

}  // namespace gatehouse::metrics
