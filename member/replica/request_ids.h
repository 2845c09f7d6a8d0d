// RequestIds: numbers by which proposers know their requests again.
//
// As etcd makes them: 16 bits of the member's id, then 48 bits that start at the unix time in
// milliseconds, shifted by 8, and count up: unique in the cluster and after restarts. Each lane (a
// thread that proposes) counts by the number of lanes, so that lanes need no lock and an id tells
// whose it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/check.h"

namespace gatehouse::replica {

class RequestIds {
 public:
  RequestIds(uint64_t member_id, uint64_t unix_ms, size_t lanes)
      : prefix_(member_id << kSuffixBits), start_((unix_ms << 8) & kSuffixMask), lanes_(lanes) {
    CHECK(!lanes_.empty());
    for (size_t i = 0; i < lanes; ++i) lanes_[i].next = i;
  }

  // On the lane's thread.
  uint64_t next(size_t lane) {
    uint64_t& count = lanes_[lane].next;
    const uint64_t id = prefix_ | ((start_ + 1 + count) & kSuffixMask);
    count += lanes_.size();
    return id;
  }

  // Any thread. Nothing for ids of other members and of earlier starts.
  std::optional<size_t> lane_of(uint64_t id) const {
    if ((id & ~kSuffixMask) != prefix_) return std::nullopt;
    const uint64_t count = ((id & kSuffixMask) - start_ - 1) & kSuffixMask;
    // Half of the numbers lie behind the start: those of earlier starts are there.
    if (count >> (kSuffixBits - 1) != 0) return std::nullopt;
    return count % lanes_.size();
  }

 private:
  static constexpr unsigned kSuffixBits = 48;
  static constexpr uint64_t kSuffixMask = (uint64_t{1} << kSuffixBits) - 1;

  struct alignas(64) Lane {  // a cache line each
    uint64_t next = 0;
  };

  const uint64_t prefix_;
  const uint64_t start_;
  std::vector<Lane> lanes_;
};

}  // namespace gatehouse::replica
