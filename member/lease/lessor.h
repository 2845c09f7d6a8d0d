// Lessor: leases, the keys under them, and when they end.
//
// What members agree on - which leases there are, their TTLs, which keys are theirs - changes by
// applied entries. When a lease ends is the leader's alone to know, and in its memory only: a new
// leader gives every lease its full time again (or what a checkpoint left of it).
//
//   deadlines, a heap:  (1050, lease 7) (1200, lease 3) (1900, lease 7) ...
//                        ^ looked at first; stale where the lease was renewed meanwhile
//
// A renewal only moves the lease's own deadline: its place in the heap is corrected when it comes up,
// so that keep-alives cost O(1) and nothing ever looks at all leases.
//
// Thread-safe: one mutex, held for one operation. grant, revoke, checkpoint, attach and detach come
// from the apply thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "member/backend/backend.h"
#include "member/lease/metrics.h"
#include "member/mvcc/key_leases.h"

namespace gatehouse::lease {

// Seconds; more is refused.
inline constexpr int64_t kMaxTtl = 9'000'000'000;

struct Options {
  int64_t min_ttl_s = 2;             // a shorter one is raised to it: 1.5 election timeouts
  uint64_t checkpoint_every_s = 300;  // of leases that have longer to live
  // An expired lease is handed out again when it is still there after so long.
  uint64_t revoke_retry_ms = 7000;
};

class Lessor final : public mvcc::KeyLeases {
 public:
  // `now_ms` is monotonic, any thread. Both outlive it; metrics may be null.
  Lessor(const Options& options, std::function<uint64_t()> now_ms, const Metrics* metrics);

  // Forgets everything and reads the rows. kDataLoss names the row that is no lease. Keys are told
  // by the store, which opens afterwards.
  Status open(const backend::Backend& backend);

  // --- Applied entries

  // The granted TTL. kNotFound (id 0), kFailedPrecondition (in use), kOutOfRange (too long).
  Result<int64_t> grant(backend::Writer& writer, int64_t id, int64_t ttl);
  // The keys must have been deleted. kNotFound.
  Status revoke(backend::Writer& writer, int64_t id);
  // What is left of its life, for the next leader; an unknown lease is passed over.
  void checkpoint(backend::Writer& writer, int64_t id, int64_t remaining_ttl);

  void attach(std::string_view key, int64_t lease) override;
  void detach(std::string_view key) override;
  int64_t lease_of(std::string_view key) const override;

  bool exists(int64_t id) const;
  // In their order.
  std::vector<std::string> keys(int64_t id) const;

  // --- The leader

  // This member decides from now on when leases end: after their full time and `extend_ms`.
  void promote(uint64_t extend_ms);
  void demote();
  bool is_primary() const;

  enum class Renewal : uint8_t {
    kRenewed,
    kNotFound,    // also one that expired and is being revoked
    kNotPrimary,  // the leader has to be asked
  };
  // The lease lives for its TTL from now on. `had_checkpoint`: its remaining TTL should be cleared
  // by a checkpoint of 0.
  Renewal renew(int64_t id, int64_t& ttl, bool& had_checkpoint);

  struct TimeToLive {
    bool found = false;
    int64_t granted_ttl = 0;
    int64_t ttl = 0;  // whole seconds left, not below 0; the granted one where this is no leader
    std::vector<std::string> keys;
  };
  TimeToLive time_to_live(int64_t id, bool with_keys) const;

  // All, those that end first first.
  std::vector<int64_t> leases() const;

  // Up to `limit` leases whose time is over, to be revoked. One that is handed out is not again
  // before revoke_retry_ms.
  std::vector<int64_t> expired(size_t limit);
  // Up to `limit` leases that have long to live and were not noted for a while, with the seconds
  // they have left.
  std::vector<std::pair<int64_t, int64_t>> due_checkpoints(size_t limit);

  size_t size() const;

 private:
  static constexpr uint64_t kForever = UINT64_MAX;
  // When so many expire together after a promotion, they are spread: this many a second.
  static constexpr size_t kSpreadAbove = 1000;
  static constexpr size_t kSpreadPerSecond = 750;

  struct Lease {
    int64_t ttl = 0;
    int64_t remaining_ttl = 0;
    uint64_t deadline_ms = kForever;
    std::unordered_set<std::string> keys;
  };
  struct Deadline {
    uint64_t ms;
    int64_t id;
    friend bool operator>(const Deadline& a, const Deadline& b) {
      return a.ms != b.ms ? a.ms > b.ms : a.id > b.id;
    }
  };
  using Heap = std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>>;
  // Looks keys up by view.
  struct ViewHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  using ByKey = std::unordered_map<std::string, int64_t, ViewHash, std::equal_to<>>;

  void detach_locked(ByKey::iterator found);

  const Options options_;
  const std::function<uint64_t()> now_ms_;
  const Metrics* const metrics_;

  mutable std::mutex mutex_;
  std::unordered_map<int64_t, Lease> leases_;
  ByKey by_key_;
  // So that puts need no lock while no key has a lease. Written under the mutex.
  std::atomic<size_t> attached_{0};
  bool primary_ = false;
  Heap deadlines_;    // primary: one at least for each lease, at or before its deadline
  Heap checkpoints_;  // primary: when to look at a lease next
};

}  // namespace gatehouse::lease
