// Bytes accepted for sending, in order: appended at the back, taken from the front.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/check.h"

namespace gatehouse::http {

class SendBuffer {
 public:
  void append(std::string_view bytes) { bytes_.append(bytes); }
  size_t size() const { return bytes_.size() - taken_; }
  bool empty() const { return size() == 0; }
  std::string_view front(size_t count) const {
    return std::string_view(bytes_).substr(taken_, count);
  }

  void drop(size_t count) {
    CHECK(count <= size());
    taken_ += count;
    if (taken_ == bytes_.size()) {
      bytes_.clear();
      taken_ = 0;
      if (bytes_.capacity() > kTooMuchToKeep) bytes_.shrink_to_fit();
    } else if (taken_ >= kWorthMoving && taken_ >= bytes_.size() / 2) {
      bytes_.erase(0, taken_);  // moves no more than was dropped since the last time
      taken_ = 0;
    }
  }

  // For reuse: empty, and without the memory of an unusually large body.
  void reset() {
    taken_ = 0;
    bytes_.clear();
    if (bytes_.capacity() > kWorthKeeping) bytes_.shrink_to_fit();
  }

 private:
  static constexpr size_t kWorthMoving = 64 * 1024;
  static constexpr size_t kWorthKeeping = 16 * 1024;
  // Even for a stream that lives on: a watch keeps no memory of its largest answer.
  static constexpr size_t kTooMuchToKeep = 1024 * 1024;

  std::string bytes_;
  size_t taken_ = 0;
};

}  // namespace gatehouse::http
