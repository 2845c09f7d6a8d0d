// WatchGroup: the watchers of one event loop, and what brings them their events.
//
//   batch from the feed ──> synced watchers, at once                (live: once per turn, all batches)
//   store.view()->history() ──> cohorts of watchers that are behind (a step per turn, bounded)
//
// The group knows a revision L: all batches up to L are delivered. A watcher is
//   synced   in the index `synced_`: it had all up to L. So is one that begins in the future.
//   behind   in a cohort: watchers that had all up to the same revision, with one index. A step reads
//            up to kStepRevisions for all of a cohort in one scan and takes up the cohorts it passes;
//            with the last step up to L they become synced. Cohorts take turns, so that one which is
//            far behind does not hold up one that nearly has it.
//   parked   with its stream, whose client takes no more now (WatchSink::can_send): it holds only its
//            place, no event. When the client reads again it goes to the cohort of its place.
// So nobody waits for a slow client, and what is queued for one client is its send window and one
// pass of events at most.
//
// A cohort whose place was compacted gives its watchers the cancel frame with compact_revision.
//
// Thread: the executor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "common/env/entropy.h"
#include "common/env/executor.h"
#include "member/mvcc/store.h"
#include "member/mvcc/watch_feed.h"
#include "member/mvcc/watch_frame.h"
#include "member/mvcc/watch_index.h"
#include "member/mvcc/watch_metrics.h"
#include "member/mvcc/watch_pass.h"

namespace gatehouse::mvcc {

class WatchStream;

struct WatchGroupOptions {
  WatchIdentity identity;
  std::function<uint64_t()> term;  // for headers; called on the loop's thread
  // Responses of watchers that ask for fragments are kept below: max-request-bytes + 512 KiB.
  size_t fragment_bytes = 2 * 1024 * 1024;
  // Of periodic progress; each stream adds up to a tenth. At least 100 ms is used.
  uint64_t progress_interval_ms = 10 * 60 * 1000;
  env::Entropy* entropy = nullptr;        // for that; outlives the group
  const WatchMetrics* metrics = nullptr;  // may be null, else outlives the group
};

class WatchGroup final : private env::TurnEndHook {
 public:
  // Bounds of one step of catching up, and of one response of several revisions. A revision is
  // never split: a transaction larger than that goes whole.
  static constexpr int64_t kStepRevisions = 1000;
  static constexpr size_t kPassBytes = 256 * 1024;        // of events that someone wants
  static constexpr size_t kScanBytes = 4 * 1024 * 1024;   // of rows read
  static constexpr size_t kResumedPerStep = 512;          // watchers of a stream that can send again

  // All outlive the group.
  WatchGroup(env::Executor& executor, WatchFeed& feed, const Store& store,
             WatchGroupOptions options);
  ~WatchGroup() override;  // after all its streams
  WatchGroup(const WatchGroup&) = delete;
  WatchGroup& operator=(const WatchGroup&) = delete;

  size_t watchers() const { return watchers_; }
  size_t synced_watchers() const { return synced_->size(); }
  const WatchGroupOptions& options() const { return options_; }
  env::Executor& executor() { return executor_; }

  // --- For WatchFeed.
  void on_batch(std::shared_ptr<const WatchFeed::Batch> batch);

  // --- For WatchStream.

  // Of the store, now. At least what the group has delivered.
  int64_t store_revision() const;
  // L, above. 0 while there is no watcher.
  int64_t known_revision() const { return known_; }
  bool synced(const Watcher& watcher) const { return watcher.index == synced_.get(); }

  // A new watcher; its start is set. Sets its `next` and returns the revision for its created
  // frame: of the store, no event above it is missed and with start 0 none below it is seen.
  // Sends nothing.
  int64_t add(Watcher& watcher);
  // A watcher that was added and goes for good. It is parked or in an index.
  void remove(Watcher& watcher);
  // A parked watcher's client takes events again: the stream has taken it off its list.
  void unpark(Watcher& watcher);
  // The stream has parked watchers and can send: it is asked to resume() in the steps that follow.
  void resume_later(WatchStream& stream);
  // Tells the stream by on_progress_due() when L has reached `revision`.
  void await(WatchStream& stream, int64_t revision);
  void forget(WatchStream& stream);

 private:
  struct Waiting {
    WatchStream* stream;
    int64_t revision;
  };
  using Index = std::unique_ptr<WatchIndex>;

  // Live.
  void on_turn_end() override;
  void deliver_live(const WatchFeed::Batch& batch);
  void flush_live();
  void all_fall_behind(int64_t known);
  void tell_waiting();

  // Catching up.
  void step();
  void resume_streams();
  void catch_up(int64_t from, Index cohort);
  void take_up_cohorts(int64_t from, int64_t to, WatchIndex& cohort);
  void cancel_compacted(const View& view, WatchIndex& cohort, int64_t from);
  void settle(int64_t next, Index cohort);
  void want_step();

  env::Executor& executor_;
  WatchFeed& feed_;
  const Store& store_;
  const WatchGroupOptions options_;
  const WatchMetrics metrics_;
  const std::shared_ptr<WatchFeed::Link> link_;

  size_t watchers_ = 0;
  int64_t known_ = 0;
  Index synced_;
  std::map<int64_t, Index> cohorts_;  // by the revision they read next, <= known_
  int64_t turn_ = 0;                  // the cohort from here on has its step next

  std::vector<std::shared_ptr<const WatchFeed::Batch>> batches_;  // of this turn
  WatchPass pass_;
  std::vector<Waiting> waiting_;
  std::list<WatchStream*> resuming_;
  env::Timer step_timer_;
};

}  // namespace gatehouse::mvcc
