// Arena: bytes that live until all of them go. For one thread; what was written before a pointer is
// handed to another thread may be read there.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace gatehouse::backend {

class Arena {
 public:
  // Small enough for malloc to serve from its heap rather than with a mapping of its own, whose
  // pages would fault in anew each time.
  static constexpr size_t kBlockBytes = 64 << 10;

  // Aligned for anything.
  char* allocate(size_t bytes) {
    bytes = (bytes + kAlignment - 1) & ~(kAlignment - 1);
    if (bytes > kBlockBytes / 4) return block(bytes);
    if (bytes > left_) {
      next_ = block(kBlockBytes);
      left_ = kBlockBytes;
    }
    char* result = next_;
    next_ += bytes;
    left_ -= bytes;
    return result;
  }

  // Of all blocks.
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kAlignment = alignof(std::max_align_t);

  char* block(size_t bytes) {
    blocks_.push_back(std::unique_ptr<char[]>(new char[bytes]));
    bytes_ += bytes;
    return blocks_.back().get();
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

}  // namespace gatehouse::backend
