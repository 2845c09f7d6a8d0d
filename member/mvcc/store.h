// Store: keys with all their revisions since the last compaction, on the backend.
//
//   apply thread                                   any thread
//   ------------                                   ----------
//   WriteTxn txn = store.write();                  std::shared_ptr<const View> view = store.view();
//   txn.put(key, value, lease);                    view->items(key, end, revision, limit, items);
//   txn.finish();                                  view->record(items[0].modified);
//   ... more transactions, other rooms' rows ...
//   store.publish();   <- what readers see changes here, whole transactions at a time
//
// The backend has a row for each change (schema/revision.h): the encoded mvccpb.KeyValue. The index
// in memory says for each key which revisions it has; it is an ordered tree with the number of
// living keys in each subtree, copied on write, so that a view is one pointer and never waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/log/log.h"
#include "member/backend/backend.h"
#include "member/mvcc/key_leases.h"
#include "member/schema/revision.h"

namespace gatehouse::mvcc {

using schema::Revision;

class Metrics;

// A living key at some revision, from the index alone.
struct Item {
  std::string_view key;
  Revision modified;
  int64_t created = 0;  // main revision of the first put since the key was last absent
  int64_t version = 0;  // puts since then
};

// Reading at one moment. `end` as in etcd's requests: "" is the single key, "\0" (one zero byte)
// all from `key` on, else [key, end), which is empty when end <= key.
class ReadTxn {
 public:
  // Of the last write that is seen; 1 for an empty store.
  virtual int64_t revision() const = 0;
  // Revisions below are gone; this one can be read. -1: never compacted.
  virtual int64_t compacted() const = 0;

  // kOutOfRange with etcd's texts when `at` cannot be read (compacted, future). at <= 0 always can.
  Status check_revision(int64_t at) const;

  // `at` <= 0: revision(). Else check_revision(at) held.
  virtual int64_t count(std::string_view key, std::string_view end, int64_t at) const = 0;
  // Appends the first `limit` (<= 0: all) in the order of keys. Their keys are valid as long as the
  // reading, and for a WriteTxn until its next change.
  virtual void items(std::string_view key, std::string_view end, int64_t at, int64_t limit,
                     std::vector<Item>& out) const = 0;
  // The encoded mvccpb.KeyValue of a put that items() has told of; valid as long as keys are.
  virtual std::string_view record(Revision put) const = 0;

 protected:
  ~ReadTxn() = default;
};

// What a View and a WriteTxn have in common for many readers: immutable, any thread. One view may be
// read by many threads at once. Keeps pages of the database from reuse: not for seconds.
class View : public ReadTxn {
 public:
  virtual ~View() = default;

  // Rows with first <= revision <= last in order, deletions too, until `visit` returns false. What
  // a watcher that is behind catches up from. Rows that compaction has removed are not there.
  struct Row {
    Revision revision;
    bool tombstone;
    std::string_view record;  // of a tombstone: only the key is set
  };
  virtual void history(int64_t first, int64_t last,
                       const std::function<bool(const Row&)>& visit) const = 0;
};

// One change of a finished transaction, for watchers.
struct Change {
  Revision revision;
  bool deleted = false;
  // Encoded mvccpb.KeyValue; of a deletion key and mod_revision, as watchers are told.
  std::string record;
  // Of key and value inside `record`.
  std::string_view key() const { return std::string_view(record).substr(key_offset, key_bytes); }
  uint32_t key_offset = 0;
  uint32_t key_bytes = 0;
  int64_t created = 0;  // of a put: create_revision; equal to revision.main for a creation
};

// One transaction; all its changes get revision() + 1 of the store before it, whatever their number.
class WriteTxn : public ReadTxn {
 public:
  virtual ~WriteTxn() = default;

  // What the changes of this transaction have: store revision before it, + 1.
  virtual int64_t next_revision() const = 0;
  virtual bool changed() const = 0;
  // revision() is next_revision() once something changed, as the headers in a transaction tell.

  virtual void put(std::string_view key, std::string_view value, int64_t lease) = 0;
  // How many keys were deleted.
  virtual int64_t delete_range(std::string_view key, std::string_view end) = 0;
  // Exactly once, last. What was done counts from here on: the store's revision, its changes.
  virtual void finish() = 0;
};

struct HashResult {
  uint32_t hash = 0;
  int64_t compact_revision = 0;  // -1: never
  int64_t revision = 0;          // at which it was computed
};

struct StoreOptions {
  int64_t compaction_batch = 1000;    // rows removed in a step
  uint64_t compaction_sleep_ms = 10;  // between steps
  KeyLeases* leases = nullptr;        // outlives the store
  const Metrics* metrics = nullptr;   // outlives the store
  log::Logger logger;
  // Called on the store's thread, which has found rows to remove: the owner is to call
  // run_writer_tasks() and publish() on the writer's thread, soon. Without it they wait for the next
  // publish(). Not called any more once the store is being destroyed; must not wait for the writer.
  std::function<void()> wake_writer;
};

class Store {
 public:
  // Rebuilds the index from the rows (and tells `leases` of the keys under a lease), and goes on
  // with a compaction that was not finished. kDataLoss names the row that makes no sense.
  static Result<std::unique_ptr<Store>> open(backend::Backend& backend, const StoreOptions& options);
  // Stops a compaction that runs; it is resumed by the next open. On the writer's thread, with
  // nothing unpublished (the store's thread may be waiting for a commit, which waits for that).
  virtual ~Store() = default;

  // --- The writer: one thread.
  virtual std::unique_ptr<WriteTxn> write() = 0;
  // Shows finished transactions to view(), with all else that was put into the backend's writer:
  // calls its end(). Returns the changes since the last publish, in order; empty when none. With
  // nothing to show it makes view() let go of the pages it keeps (after a defragmentation).
  virtual std::vector<Change> publish() = 0;
  // Does what the store's own thread asks of the writer: removes one step of rows that a compaction
  // took away, some 1 ms of work. Between transactions. False when there was nothing to do; else a
  // publish() is to follow. publish() does it itself when there is no wake_writer.
  virtual bool run_writer_tasks() = 0;
  // The state to be read by the writer itself, all finished transactions included.
  virtual const ReadTxn& read() const = 0;

  // Makes revisions below `revision` unreadable, at the next publish(); rows are removed on a thread
  // of the store's own, which calls `done` when the last is gone and that is durable (never, when
  // the store is destroyed before). kOutOfRange with etcd's texts: already compacted, or in the
  // future. 0 is taken once, as etcd does.
  virtual Status compact(int64_t revision, UniqueFunction<void()> done) = 0;

  // The store is now what is in this other backend (a snapshot from the leader was put in place of
  // the old one); its leases are told anew. Views made before stay as they are, as long as the
  // backend they are of. Nothing is unpublished in the old one. A compaction under way ends without
  // effect; who waits for it is told when what the new contents have scheduled is done. An error
  // leaves the store as it was. As open() otherwise.
  virtual Status restore(backend::Backend& backend) = 0;

  // --- Any thread.
  virtual std::shared_ptr<const View> view() const = 0;

  // Over the rows up to `revision` (<= 0: the current one); equal on all members at the same
  // (revision, compact_revision). Reads all of them. kOutOfRange as check_revision.
  virtual Result<HashResult> hash_kv(int64_t revision) const = 0;

  // The newest results that compactions left (compact-hash check), newest first, at most 10.
  virtual std::vector<HashResult> compaction_hashes() const = 0;

  // For etcd_mvcc_range_total: who answers ranges from a view or a transaction says so. Any thread.
  virtual void count_ranges(uint64_t) const {}
};

// Status objects of this room, with etcd's texts.
Status compacted_error();        // kOutOfRange
Status future_revision_error();  // kOutOfRange

}  // namespace gatehouse::mvcc
