// HeartbeatWatch: whether a leader's heartbeats leave in time. They do not where its loop is held up,
// as by a disk or a CPU that is too slow.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "member/raft/types.h"

namespace gatehouse::member {

class HeartbeatWatch {
 public:
  // Milliseconds from one to the next that are too many, as etcd: two heartbeat intervals.
  explicit HeartbeatWatch(uint64_t heartbeat_ms) : limit_ms_(2 * heartbeat_ms) {}

  // One leaves. By how much it is late: 0 if it is not.
  uint64_t on_heartbeat(raft::NodeId to, uint64_t now_ms) {
    const auto [last, first] = last_ms_.try_emplace(to, now_ms);
    const uint64_t since = now_ms - last->second;
    last->second = now_ms;
    return first || since <= limit_ms_ ? 0 : since - limit_ms_;
  }
  // The leadership began or ended.
  void reset() { last_ms_.clear(); }

 private:
  const uint64_t limit_ms_;
  std::unordered_map<raft::NodeId, uint64_t> last_ms_;
};

}  // namespace gatehouse::member
