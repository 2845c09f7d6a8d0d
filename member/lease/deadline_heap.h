// DeadlineHeap: which of many items is due next. Each item remembers its place in the heap, so that
// a new deadline or a removal costs O(log n) and no dead entries gather. Private to the room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gatehouse::lease {

inline constexpr uint32_t kNotInHeap = UINT32_MAX;

// `Position` is the member of Item where its place is kept; kNotInHeap while it is not in the heap.
template <typename Item, uint32_t Item::*Position>
class DeadlineHeap {
 public:
  struct Entry {
    uint64_t due_ms;
    Item* item;
  };

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  const Entry& top() const { return entries_.front(); }

  // Adds the item or gives it another deadline.
  void set(Item& item, uint64_t due_ms) {
    if (item.*Position == kNotInHeap) {
      item.*Position = static_cast<uint32_t>(entries_.size());
      entries_.push_back({due_ms, &item});
      sift_up(item.*Position);
      return;
    }
    const uint32_t at = item.*Position;
    const bool earlier = due_ms < entries_[at].due_ms;
    entries_[at].due_ms = due_ms;
    earlier ? sift_up(at) : sift_down(at);
  }

  void remove(Item& item) {
    const uint32_t at = item.*Position;
    if (at == kNotInHeap) return;
    item.*Position = kNotInHeap;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (at == entries_.size()) return;
    place(at, last);
    sift_up(at);
    sift_down(last.item->*Position);
  }

  // All at once, in rising order of deadlines.
  void assign(std::vector<Entry> sorted) {
    clear();
    entries_ = std::move(sorted);
    for (uint32_t at = 0; at < entries_.size(); ++at) entries_[at].item->*Position = at;
  }

  void clear() {
    for (const Entry& entry : entries_) entry.item->*Position = kNotInHeap;
    entries_.clear();
  }

 private:
  void place(uint32_t at, const Entry& entry) {
    entries_[at] = entry;
    entry.item->*Position = at;
  }

  void sift_up(uint32_t at) {
    const Entry moved = entries_[at];
    while (at > 0) {
      const uint32_t parent = (at - 1) / 2;
      if (entries_[parent].due_ms <= moved.due_ms) break;
      place(at, entries_[parent]);
      at = parent;
    }
    place(at, moved);
  }

  void sift_down(uint32_t at) {
    const Entry moved = entries_[at];
    for (;;) {
      uint32_t child = 2 * at + 1;
      if (child >= entries_.size()) break;
      if (child + 1 < entries_.size() && entries_[child + 1].due_ms < entries_[child].due_ms) {
        ++child;
      }
      if (entries_[child].due_ms >= moved.due_ms) break;
      place(at, entries_[child]);
      at = child;
    }
    place(at, moved);
  }

  std::vector<Entry> entries_;
};

}  // namespace gatehouse::lease
