#include "member/raft/inflights.h"

#include <algorithm>

#include "common/base/check.h"

namespace gatehouse::raft {

void Inflights::add(uint64_t index, uint64_t bytes) {
  CHECK_MSG(!full(), "an append was sent past the window");
  if (count_ == ring_.size()) {
    std::rotate(ring_.begin(), ring_.begin() + static_cast<ptrdiff_t>(start_), ring_.end());
    start_ = 0;
    ring_.resize(std::min(max_messages_, std::max<size_t>(4, ring_.size() * 2)));
  }
  ring_[(start_ + count_) % ring_.size()] = {index, bytes};
  ++count_;
  bytes_ += bytes;
}

void Inflights::free_to(uint64_t index) {
  while (count_ > 0 && ring_[start_].index <= index) {
    bytes_ -= ring_[start_].bytes;
    start_ = (start_ + 1) % ring_.size();
    --count_;
  }
}

void Inflights::reset() {
  start_ = 0;
  count_ = 0;
  bytes_ = 0;
}

}  // namespace gatehouse::raft
