// Store: one mirror's copy of a key range: the tree at its revision, and a window of the steps that
// led there. One thread feeds it, all loops read it.
//
//   feed's loop                                    any loop
//   -----------                                    --------
//   store.reset(tree, revision)                    store.view()->tree     a whole tree, immutable
//   store.apply(step of one revision) ...          store.at(revision)     an older one, in the window
//   store.publish()    <- readers see it           store.steps(from, ...) what watchers are told
//
// Why so, and no lock for a reader's whole read: a reader that lists a thousand keys must not hold
// up the feed, and loops that read should share nothing they write. A view is taken once a turn of a
// loop (ViewCache) for a mutex and one reference; reading it costs neither.
//
// The window is bounded by kMaxSteps and kMaxWindowBytes; the oldest step goes first.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/mirror/tree.h"

namespace gatehouse::mirror {

// One change of a revision, as watchers are told it.
struct Change {
  bool deleted = false;
  EntryRef entry;     // of a deletion: key and mod_revision
  // The pair as it was at the revision before, whatever else the revision does to the key. Null for a
  // creation, and where there was none.
  EntryRef previous;
};

// All changes of one revision, and the tree with them.
struct Step {
  int64_t revision = 0;
  std::vector<Change> changes;
  Tree tree;
  size_t replaced_bytes = 0;  // of entries that the tree before had, or an earlier change of this one
};

struct View {
  int64_t revision = 0;  // 0: never filled
  Tree tree;
};

class Store {
 public:
  static constexpr size_t kMaxSteps = 8192;
  static constexpr size_t kMaxWindowBytes = 64 * 1024 * 1024;

  Store() : view_(std::make_shared<const View>()) {}
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // --- The feed's thread.

  // All anew: a list at one revision. The window begins there.
  void reset(Tree tree, int64_t revision);
  // An event of a revision above revision(); those of one revision come one after the other. A
  // deletion of what is not there changes nothing.
  void put(int64_t revision, EntryRef entry);
  void erase(int64_t revision, EntryRef tombstone);
  // Readers see what was applied, which is all up to `revision`.
  void publish(int64_t revision);

  // --- Any thread.

  std::shared_ptr<const View> view() const;
  // Of view(), without taking it.
  int64_t revision() const { return revision_.load(std::memory_order_acquire); }

  // The window begins behind this revision: watchers may begin at the one after it.
  int64_t oldest() const;
  // The tree at an older revision; nothing where the window does not reach, or what was compacted.
  std::optional<Tree> at(int64_t revision) const;
  // Appends the steps of revisions >= from, at most `limit`, in order. False when some may be
  // missing: `from` is not above oldest().
  bool steps(int64_t from, size_t limit, std::vector<std::shared_ptr<const Step>>& out) const;
  // The cluster was compacted: what is older is not told here either.
  void compact(int64_t revision);
  // The last of these since reset(). What was before an event is not told where that is older.
  int64_t compacted() const;

  // Of records and nodes of the newest tree and of the window.
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  Step& pending(int64_t revision);
  // What a change of the pending step that replaces `replaced` tells as the pair before.
  EntryRef before_step(const Step& step, std::string_view key, const EntryRef& replaced) const;
  void trim();  // under mutex_

  // The feed's.
  Tree tree_;
  size_t record_bytes_ = 0;
  std::vector<std::shared_ptr<Step>> pending_;

  std::atomic<int64_t> revision_{0};
  std::atomic<size_t> bytes_{0};
  mutable std::mutex mutex_;
  // Under it:
  std::shared_ptr<const View> view_;
  std::deque<std::shared_ptr<const Step>> steps_;
  size_t window_bytes_ = 0;
  int64_t oldest_ = 0;
  Tree oldest_tree_;
  int64_t compacted_ = 0;  // the least that can be read, where that is more than oldest_
};

// The encoded pair that a deletion event has.
EntryRef make_tombstone(std::string_view key, int64_t revision);

}  // namespace gatehouse::mirror
