#include "common/metrics/cells.h"

#include <array>
#include <mutex>

namespace gatehouse::metrics {

constinit thread_local uint32_t t_shard = kUnassignedShard;

namespace {

// Which of the owned shards have a living thread. Trivial to destroy: threads may end after main.
struct Owners {
  std::mutex mutex;
  std::array<bool, kOwnedShards> taken{};
  uint32_t next_shared = 0;
  // So that a scrape sums only shards that were ever given out.
  std::atomic<uint32_t> owned_ever{0};
  std::atomic<bool> shared_ever{false};
};
Owners& owners() {
  static Owners& instance = *new Owners;
  return instance;
}

uint32_t next_shared_shard(Owners& all) {
  all.shared_ever.store(true, std::memory_order_relaxed);
  return kOwnedShards + all.next_shared++ % kSharedShards;
}

// Gives the shard back when its thread ends. What the thread still counts afterwards, in other
// destructors, goes to a shared shard.
struct Lease {
  uint32_t shard = kUnassignedShard;
  ~Lease() {
    Owners& all = owners();
    const std::lock_guard lock(all.mutex);
    all.taken[shard] = false;
    t_shard = next_shared_shard(all);
  }
};

}  // namespace

uint32_t assign_shard() {
  Owners& all = owners();
  {
    const std::lock_guard lock(all.mutex);
    for (uint32_t shard = 0; shard < kOwnedShards; ++shard) {
      if (all.taken[shard]) continue;
      all.taken[shard] = true;
      t_shard = shard;
      if (shard >= all.owned_ever.load(std::memory_order_relaxed)) {
        all.owned_ever.store(shard + 1, std::memory_order_relaxed);
      }
      break;
    }
    if (t_shard == kUnassignedShard) return t_shard = next_shared_shard(all);
  }
  // The mutex orders the last store of the shard's former owner before our first load.
  thread_local Lease lease;
  lease.shard = t_shard;
  return t_shard;
}

void CellRun::add_slow(size_t index, uint64_t n) const {
  if (t_shard == kUnassignedShard && assign_shard() < kOwnedShards) return add(index, n);
  std::atomic_ref<uint64_t>(base_[size_t{t_shard} * kCellsPerShard + index])
      .fetch_add(n, std::memory_order_relaxed);
}

void CellRun::add_double_slow(size_t index, double n) const {
  if (t_shard == kUnassignedShard && assign_shard() < kOwnedShards) return add_double(index, n);
  std::atomic_ref<uint64_t> cell(base_[size_t{t_shard} * kCellsPerShard + index]);
  uint64_t old = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(
      old, __builtin_bit_cast(uint64_t, __builtin_bit_cast(double, old) + n),
      std::memory_order_relaxed)) {
  }
}

namespace {

// Calls visit with the bits of the cell in every shard that was ever used. What this thread knows
// to have been added is seen: the shard was given out before.
template <typename Visit>
void for_each_shard(uint64_t* base, size_t index, Visit visit) {
  const auto visit_range = [&](uint32_t begin, uint32_t end) {
    for (uint32_t shard = begin; shard < end; ++shard) {
      visit(std::atomic_ref<uint64_t>(base[size_t{shard} * kCellsPerShard + index])
                .load(std::memory_order_relaxed));
    }
  };
  visit_range(0, owners().owned_ever.load(std::memory_order_relaxed));
  if (owners().shared_ever.load(std::memory_order_relaxed)) visit_range(kOwnedShards, kShards);
}

}  // namespace

uint64_t CellRun::sum(size_t index) const {
  uint64_t sum = 0;
  if (base_ != nullptr) for_each_shard(base_, index, [&](uint64_t bits) { sum += bits; });
  return sum;
}

double CellRun::sum_double(size_t index) const {
  double sum = 0;
  if (base_ != nullptr) {
    for_each_shard(base_, index, [&](uint64_t bits) { sum += __builtin_bit_cast(double, bits); });
  }
  return sum;
}

}  // namespace gatehouse::metrics
