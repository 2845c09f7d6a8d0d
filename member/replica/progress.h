// Progress: where this member is, told to all threads.
#pragma once

#include <atomic>
#include <cstdint>

namespace gatehouse::replica {

// Each value on its own is right; two read one after the other may be of different moments.
struct Progress {
  std::atomic<uint64_t> committed{0};
  std::atomic<uint64_t> applied{0};
  std::atomic<uint64_t> term{0};
  std::atomic<uint64_t> leader{0};  // 0: none known
  std::atomic<bool> is_leader{false};
  std::atomic<bool> is_learner{false};
  // Core::reads_need_no_quorum(). It goes before another member has a vote.
  std::atomic<bool> leads_alone{false};
  // Executor::now_ms() of the replica when the leader was last lost; 0: never.
  std::atomic<uint64_t> leader_lost_ms{0};
};

// etcd's bound on what is committed and not yet applied: beyond it proposals are refused.
inline constexpr uint64_t kMaxApplyBacklog = 5000;

}  // namespace gatehouse::replica
