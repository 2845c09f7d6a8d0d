// Lessor: the leases, the keys under each, and, on the leader, when each ends.
//
// What the log says (grant, revoke, checkpoint, attach, detach) is the same on every member and is
// applied by the writer's thread. When leases end is known to the primary alone, in memory only:
// a new one gives every lease its full time again, counted from its promotion. Elsewhere leases
// last for ever.
//
//   grant ──> lease row       expired() ──> the caller proposes a revoke ──> applied: keys(id)
//   put with lease ──> attach                   deleted in one transaction, then revoke(id)
//
// Threads: any, at any time; those marked "writer" only the writer's. One lock, held for O(log n),
// but for promote(), demote() and restore(), which touch every lease, leases() (O(n)), and keys()
// and time_to_live() (O(keys of the lease)). Callbacks run on the thread that caused them, with no
// lock held.
//
// Memory: measured, 231 bytes for a lease with one key of 20 bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "member/backend/backend.h"
#include "member/lease/deadline_heap.h"
#include "member/lease/metrics.h"
#include "member/mvcc/key_leases.h"

namespace gatehouse::lease {

using LeaseId = int64_t;
inline constexpr LeaseId kNoLease = 0;

// Seconds.
inline constexpr int64_t kMaxTtl = 9'000'000'000;

// How fast leases end: every kExpiryScanMs the primary's owner asks for kExpiredPerScan, so that
// the log never gets more than kRevokesPerSecond of them.
inline constexpr uint64_t kExpiryScanMs = 500;
inline constexpr size_t kRevokesPerSecond = 1000;
inline constexpr size_t kExpiredPerScan = kRevokesPerSecond / 2;
// Revokes proposed at once.
inline constexpr size_t kRevokesInFlight = 16;
// After a promotion at most so many leases end in any one second, which leaves room for those that
// would have ended anyway.
inline constexpr size_t kSpreadPerSecond = 750;

inline constexpr uint64_t kCheckpointIntervalMs = 5 * 60 * 1000;
inline constexpr size_t kCheckpointsPerEntry = 1000;

// Seconds: ceil(1.5 election timeouts), as every member computes it. Shorter leases would end
// before a new leader could be told of their renewal. Integer arithmetic as etcd's.
int64_t minimum_ttl(uint64_t election_ticks, uint64_t tick_ms);

struct Options {
  int64_t minimum_ttl = 2;  // seconds; smaller requests are raised to it
  // An expired lease is handed out again when it is still there after so long: the request timeout.
  uint64_t revoke_retry_ms = 7000;
  // 0: no checkpoints (the feature LeaseCheckpoint is off).
  uint64_t checkpoint_interval_ms = 0;
  Metrics metrics;
};

class Lessor final : public mvcc::KeyLeases {
 public:
  // Monotonic milliseconds, from any thread.
  using Clock = std::function<uint64_t()>;

  Lessor(Options options, Clock now_ms);
  ~Lessor();  // callbacks that still wait are destroyed without a call
  Lessor(const Lessor&) = delete;
  Lessor& operator=(const Lessor&) = delete;

  // Writer. Forgets everything and reads the rows: at the start, and again when a snapshot has
  // replaced the database. TTLs below the minimum are raised. Not primary afterwards; the keys come
  // back by attach(), from the store that is restored next. DataLoss when a row is none.
  Status restore(const backend::Reader& reader);

  // --- What the log says. Writer; rows become durable with the transaction that `writer` is in.

  // The TTL granted. Errors, as clients know them: NotFound for id 0, OutOfRange for a TTL above
  // kMaxTtl, FailedPrecondition for an id in use.
  Result<int64_t> grant(backend::Writer& writer, LeaseId id, int64_t ttl);

  // Removes the lease and its row; the caller has deleted keys(id), in the same transaction. Those
  // who wait for it (renew) are told. NotFound when there is none.
  Status revoke(backend::Writer& writer, LeaseId id);

  // The lease had so many seconds left; 0 after a renewal. In the row as well if `durable` (cluster
  // version 3.6 on). Nothing happens when there is no such lease.
  void checkpoint(backend::Writer& writer, LeaseId id, int64_t remaining, bool durable);

  // KeyLeases. A lease that is not there (rows of an old store) leaves the key under none.
  void attach(std::string_view key, LeaseId id) override;
  void detach(std::string_view key) override;
  LeaseId lease_of(std::string_view key) const override;

  // --- Questions.

  bool exists(LeaseId id) const;
  size_t size() const;
  // Of the lease, in byte order: the order in which a revoke deletes them. None for an unknown one.
  std::vector<std::string> keys(LeaseId id) const;

  struct TimeToLive {
    // Whole seconds left, rounded towards zero: negative when the end is more than a second ago;
    // kForever on a member that is not primary.
    int64_t remaining = 0;
    int64_t granted = 0;
    std::vector<std::string> keys;  // sorted, if asked for
  };
  static constexpr int64_t kForever = INT64_MAX;
  // NotFound. Answers of a member that is not primary are worth nothing to clients.
  Result<TimeToLive> time_to_live(LeaseId id, bool want_keys) const;

  // By the time they end, then by id (on a member that is not primary: by id).
  std::vector<LeaseId> leases() const;

  // --- The primary.

  // Every lease ends `extend_ms` (an election timeout) and its TTL, or what a checkpoint left of
  // it, from now. With kRevokesPerSecond leases or more, ends are put off until no more than
  // kSpreadPerSecond are in any second.
  void promote(uint64_t extend_ms);
  // Leases last for ever; those who wait in renew() are told kNotPrimary.
  void demote();
  bool primary() const;

  enum class Renewal : uint8_t {
    kRenewed,
    kNotFound,    // the answer to the client is TTL 0
    kNotPrimary,  // ask the leader
    kExpired,     // its revoke is under way: the callback tells kNotFound or kNotPrimary
  };
  struct Renewed {
    Renewal state;
    int64_t ttl = 0;  // kRenewed: seconds, as granted
    // kRenewed: a checkpoint says less. Propose one that says 0, and answer the client only when it
    // is applied: the next leader must not go by the old one.
    bool clear_checkpoint = false;
  };
  using OnEnd = UniqueFunction<void(Renewal)>;
  // `on_end` is kept, and called exactly once, only for kExpired. It may be called (from another
  // thread) before this returns.
  Renewed renew(LeaseId id, OnEnd on_end);

  // Up to `limit` leases whose time is over, the earliest first; each is left out for
  // revoke_retry_ms then. None unless primary.
  std::vector<LeaseId> expired(size_t limit);

  struct Checkpoint {
    LeaseId id = kNoLease;
    int64_t remaining = 0;  // seconds, rounded up

    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
  };
  // Up to `limit` leases that have longer to live than the checkpoint interval and whose last
  // checkpoint is that long ago: for one LeaseCheckpoint entry (kCheckpointsPerEntry).
  std::vector<Checkpoint> due_checkpoints(size_t limit);

 private:
  struct Lease;
  struct Attachment {
    Lease* lease;
    // The other keys of the lease.
    std::pair<const std::string, Attachment>* next;
    std::pair<const std::string, Attachment>* previous;
  };
  using KeyNode = std::pair<const std::string, Attachment>;

  struct Lease {
    LeaseId id = kNoLease;
    int64_t ttl = 0;
    int64_t checkpointed = 0;          // seconds left at the last checkpoint; 0: none
    uint64_t end_ms = kNever;          // when it ends
    uint32_t expiry_at = kNotInHeap;   // in expiries_
    uint32_t checkpoint_at = kNotInHeap;
    KeyNode* keys = nullptr;

    int64_t seconds() const { return checkpointed > 0 ? checkpointed : ttl; }
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  static constexpr uint64_t kNever = UINT64_MAX;

  // All with the lock held.
  void detach_locked(std::string_view key);
  void unlink(KeyNode& node);
  void schedule_checkpoint(Lease& lease, uint64_t now);
  std::vector<KeyNode*> nodes_of(const Lease& lease) const;
  std::vector<std::string> keys_of(const Lease& lease) const;
  std::vector<OnEnd> take_all_waiting();

  const Options options_;
  const Clock now_ms_;

  mutable std::mutex mutex_;
  bool primary_ = false;
  std::unordered_map<LeaseId, Lease> leases_;
  std::unordered_map<std::string, Attachment, KeyHash, std::equal_to<>> keys_;
  // So that a put costs no lock while no key is under a lease. Changed by the writer's thread only,
  // which is also the one that asks.
  std::atomic<size_t> attached_{0};
  // By the end, or by when an expired one is handed out again.
  DeadlineHeap<Lease, &Lease::expiry_at> expiries_;
  DeadlineHeap<Lease, &Lease::checkpoint_at> checkpoints_;
  std::unordered_map<LeaseId, std::vector<OnEnd>> waiting_;  // for the revoke
};

}  // namespace gatehouse::lease
