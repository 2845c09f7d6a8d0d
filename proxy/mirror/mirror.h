// Mirror: a key range of the cluster kept here: the store, and what is known about how true it is.
// Mirrors: all of them.
//
// A Feed fills a mirror from one loop; services of every loop read it.
//
//   state      what a service does with a read of the range
//   kLoading   hands it on to a member: nothing here yet, or no whole list any more
//   kServing   answers it; also while the members are away, as long as max_stale lets it
//   kDenied    hands it on: the cluster has authentication, and who may read what only it knows
//   kTooLarge  hands it on: more than --mirror-max-bytes
//
// Thread: any, unless a comment says otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/metrics/metrics.h"
#include "proxy/mirror/store.h"
#include "proxy/mirror/wake.h"

namespace gatehouse::mirror {

enum class State : uint8_t { kLoading, kServing, kDenied, kTooLarge };

class Mirror {
 public:
  // Of a prefix; "" is the whole key space.
  explicit Mirror(std::string prefix);

  const std::string& prefix() const { return prefix_; }
  KeyRange range() const { return {key_, end_}; }
  bool whole() const { return prefix_.empty(); }

  Store store;

  State state() const { return state_.load(std::memory_order_acquire); }
  bool serving() const { return state() == State::kServing; }

  // From now on reads go to the members, until one of them has answered a question without
  // credentials that was asked after this: authentication may be on.
  void suspect();
  uint64_t suspicions() const { return suspicions_.load(std::memory_order_acquire); }

  // Appends a ResponseHeader as field 1, as of the member that told us last.
  void append_header(int64_t revision, std::string& out) const;
  uint64_t raft_term() const { return raft_term_.load(std::memory_order_relaxed); }

  // Executor::now_ms() of the last moment at which the mirror surely had all that was committed.
  uint64_t fresh_ms() const { return fresh_ms_.load(std::memory_order_acquire); }
  // All was committed up to `revision` when a member was asked at asked_ms.
  void confirm(int64_t revision, uint64_t asked_ms);

  // Members before 3.7 answer keys_only with leases.
  bool keys_only_with_lease() const { return keys_only_with_lease_.load(); }
  // Members before 3.4.31 and 3.5.13 answer a progress request before the events that it covers.
  bool progress_trusted() const { return progress_trusted_.load(); }
  // The range has a way to get to a revision that has no event in it.
  bool can_reach() const { return whole() || progress_trusted(); }
  // Periodic progress that the members have told: watchers who want it are told then, too.
  uint64_t ticks() const { return ticks_.load(std::memory_order_relaxed); }
  // Executor::now_ms() since which there is no watch; 0: there is one.
  uint64_t cut_off_since_ms() const { return cut_off_since_ms_.load(); }

  // Asks the feed to get to this revision soon: without events only progress tells.
  void want(int64_t revision);
  int64_t wanted() const { return wanted_.load(); }

  // Rung after each publish, and when the state changes.
  void listen(const std::shared_ptr<Wake>& wake);
  void forget(const std::shared_ptr<Wake>& wake);

  // --- For the feed, on its loop.
  void set_state(State state);
  // After a publish.
  void tell();
  void set_identity(uint64_t cluster_id, uint64_t member_id, uint64_t raft_term);
  uint64_t cluster_id() const { return cluster_id_.load(std::memory_order_relaxed); }
  void set_version(std::string_view version);
  void tick() { ticks_.fetch_add(1, std::memory_order_relaxed); }
  void set_cut_off(uint64_t since_ms) { cut_off_since_ms_.store(since_ms); }
  void set_feed(std::shared_ptr<Wake> feed);  // null: it goes

 private:
  const std::string prefix_;
  const std::string key_;
  const std::string end_;

  std::atomic<State> state_{State::kLoading};
  std::atomic<uint64_t> suspicions_{0};
  std::atomic<uint64_t> cluster_id_{0};
  std::atomic<uint64_t> member_id_{0};
  std::atomic<uint64_t> raft_term_{0};
  std::atomic<uint64_t> fresh_ms_{0};
  std::atomic<bool> keys_only_with_lease_{false};
  std::atomic<bool> progress_trusted_{false};
  std::atomic<uint64_t> ticks_{0};
  std::atomic<uint64_t> cut_off_since_ms_{0};
  std::atomic<int64_t> wanted_{0};

  std::mutex mutex_;
  std::vector<std::shared_ptr<Wake>> listeners_;  // under mutex_
  std::shared_ptr<Wake> feed_;                    // under mutex_
};

struct MirrorsOptions {
  std::vector<std::string> prefixes;
  size_t max_bytes = size_t{1} << 30;
  uint64_t max_stale_ms = 0;  // 0: however old
};

class Mirrors {
 public:
  explicit Mirrors(const MirrorsOptions& options);

  const MirrorsOptions& options() const { return options_; }
  bool empty() const { return mirrors_.empty(); }
  const std::vector<std::unique_ptr<Mirror>>& all() const { return mirrors_; }

  // One that has all of the range, whatever its state; null when none has.
  Mirror* find(const KeyRange& range) const;

  size_t bytes() const;
  void suspect();
  void compact(int64_t revision);

 private:
  const MirrorsOptions options_;
  std::vector<std::unique_ptr<Mirror>> mirrors_;
};

}  // namespace gatehouse::mirror
