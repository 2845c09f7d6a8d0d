// WatchFeed: the way of changes from the apply thread to the event loops that have watchers.
//
//   store.publish() -> feed.publish(changes, revision) -> one immutable batch, posted to each loop
//                                                         whose WatchGroup listens
//
// A batch says which revisions it covers, (base, last]. A group that finds base above what it knows
// has missed something and reads that from the store; so a batch may be left out at any time, and
// memory stays bounded when a loop does not keep up.
//
// No change is lost to a group that begins to listen meanwhile. The group first says that it
// listens, then takes store.view(); the publisher first makes the store's view new, then asks who
// listens. Saying and asking are under one mutex, so one of them comes first:
//   - asking first: what store.publish() did happened before the group's store.view(), which thus
//     has the changes; the group takes the view's revision for what it knows;
//   - saying first: the batch is posted. Should the view have had its changes too, the group skips
//     the batch, for it is not above what it knows.
// The mutex is held for a few instructions per batch and never while events are matched or sent.
//
// Thread: publish() by one thread; the rest is for WatchGroup, on its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "common/env/executor.h"
#include "member/mvcc/store.h"
#include "member/mvcc/watch_metrics.h"

namespace gatehouse::mvcc {

class WatchGroup;

class WatchFeed {
 public:
  // Bytes of changes that may wait for one loop. Above, its group is only told how far the store
  // is, and reads the changes from there: against a loop that hangs while writes go on.
  static constexpr size_t kMaxQueuedBytes = 64 * 1024 * 1024;

  // `revision`: of the store now. Metrics may be null, else they outlive the feed.
  explicit WatchFeed(int64_t revision, const WatchMetrics* metrics = nullptr);
  ~WatchFeed();  // after all groups
  WatchFeed(const WatchFeed&) = delete;
  WatchFeed& operator=(const WatchFeed&) = delete;

  // After each Store::publish(), with what it returned and the revision of the store's view now.
  // Also after Store::restore(), with no changes: watchers then read from the new store what they
  // have not had.
  void publish(std::vector<Change> changes, int64_t revision);

  // --- For WatchGroup.

  struct Batch {
    int64_t base = 0;  // all up to here came before
    int64_t last = 0;
    std::vector<Change> changes;  // empty with base == last: they were left out
    size_t bytes = 0;
  };

  struct Link {
    env::Executor* executor = nullptr;
    WatchGroup* group = nullptr;  // only on the executor's thread
    bool listening = false;       // under the feed's mutex
    std::atomic<size_t> queued_bytes{0};
  };

  // The group is told of batches on its executor, by WatchGroup::on_batch, while it listens and
  // until detach() has returned.
  std::shared_ptr<Link> attach(env::Executor& executor, WatchGroup& group);
  void detach(const std::shared_ptr<Link>& link);
  void listen(Link& link, bool on);

 private:
  void post(const std::shared_ptr<Link>& link, std::shared_ptr<const Batch> batch);

  const WatchMetrics metrics_;
  int64_t revision_;  // the publisher's
  std::mutex mutex_;
  std::vector<std::shared_ptr<Link>> links_;  // under mutex_
};

}  // namespace gatehouse::mvcc
