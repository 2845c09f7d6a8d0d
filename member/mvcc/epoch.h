// Epoch: how long the memory of a published tree is kept. Private to the room.
//
//   epoch 1 ──> epoch 2 ──> epoch 3 (the index holds the last)
//     ^ views     ^ views
//
// An epoch is held by the views of its tree and by the epoch before. It keeps what its tree has and
// the next one's has not; when it goes, no view of it or of an older one is left that could look
// there. Views are released on any thread.
#pragma once

#include <atomic>
#include <cstdlib>
#include <utility>
#include <vector>

namespace gatehouse::mvcc {

using Garbage = std::vector<const void*>;  // each from malloc()

inline void free_garbage(const Garbage& garbage) {
  for (const void* memory : garbage) std::free(const_cast<void*>(memory));
}

class Epoch {
 public:
  // With one holder.
  Epoch() = default;
  Epoch(const Epoch&) = delete;
  Epoch& operator=(const Epoch&) = delete;

  void hold() { holders_.fetch_add(1, std::memory_order_relaxed); }

  static void release(Epoch* epoch) {
    // A loop, for a view that lived long has many epochs behind it.
    while (epoch != nullptr && epoch->holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      Epoch* next = epoch->next_;
      free_garbage(epoch->garbage_);
      delete epoch;
      epoch = next;
    }
  }

  // By the index, which holds this one: what the next tree no longer has. Holds `next`.
  void end(Garbage garbage, Epoch* next) {
    garbage_ = std::move(garbage);
    next_ = next;
    if (next != nullptr) next->hold();
  }

 private:
  ~Epoch() = default;

  std::atomic<uint64_t> holders_{1};
  Epoch* next_ = nullptr;
  Garbage garbage_;
};

}  // namespace gatehouse::mvcc
