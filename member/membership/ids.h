// How members, clusters and requests get their numbers, as etcd computes them: members that join or
// replace each other must come to the same.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::membership {

// From the peer URLs (in any order) and the token. `unix_seconds` only for a member added to a
// running cluster, whose token is "": so that a URL may come back under another id.
uint64_t member_id(std::vector<std::string> peer_urls, std::string_view token,
                   std::optional<int64_t> unix_seconds = std::nullopt);

// From the ids (in any order) of the members that the cluster began with.
uint64_t cluster_id(std::vector<uint64_t> member_ids);

// Ids of requests: unique among members and across restarts, as long as a process makes fewer than
// 256 in each millisecond of its life. Any thread.
//
//   63..48  low 16 bits of the member's id
//   47..0   (low 40 bits of the milliseconds at the start, 00) + 1, + 2, …
class RequestIds {
 public:
  RequestIds(uint64_t member_id, uint64_t unix_ms)
      : prefix_(member_id << 48), suffix_((unix_ms & ((uint64_t{1} << 40) - 1)) << 8) {}

  uint64_t next() {
    const uint64_t suffix = suffix_.fetch_add(1, std::memory_order_relaxed) + 1;
    return prefix_ | (suffix & ((uint64_t{1} << 48) - 1));
  }
  // For a lease: positive.
  int64_t next_lease() { return static_cast<int64_t>(next() & INT64_MAX); }

 private:
  const uint64_t prefix_;
  std::atomic<uint64_t> suffix_;
};

}  // namespace gatehouse::membership
