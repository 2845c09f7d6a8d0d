// Payload: immutable bytes with a reference count, in one allocation.
//
// An entry lives in the log, in a write under way and in a message to each peer at the same time,
// on different threads; a copy here is one atomic increment. Thread-safe as a shared_ptr is: copies
// of one payload may be used and destroyed on any threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>
#include <utility>

namespace gatehouse::raft {

class Payload {
 public:
  // Absent: what the first entry of a leader carries. It is empty too, but encodes as no field.
  Payload() = default;
  explicit Payload(std::string_view bytes);

  Payload(const Payload& other) : block_(other.block_) { retain(); }
  Payload(Payload&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Payload& operator=(const Payload& other) {
    Payload copy(other);
    std::swap(block_, copy.block_);
    return *this;
  }
  Payload& operator=(Payload&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Payload() { release(); }

  bool present() const { return block_ != nullptr; }
  size_t size() const { return block_ == nullptr ? 0 : block_->size; }

  // Valid as long as any copy of this payload lives.
  std::string_view view() const {
    return block_ == nullptr ? std::string_view()
                             : std::string_view(reinterpret_cast<const char*>(block_ + 1), size());
  }

  friend bool operator==(const Payload& a, const Payload& b) {
    return a.block_ == b.block_ || (a.present() == b.present() && a.view() == b.view());
  }

 private:
  struct Block {
    std::atomic<size_t> references;
    size_t size;
  };

  void retain() const {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void release();

  Block* block_ = nullptr;
};

}  // namespace gatehouse::raft
