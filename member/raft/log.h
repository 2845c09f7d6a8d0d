// Log: the entries a member holds in memory, and how far each of them has come.
//
//   snapshot/compacted | stable (on our disk) | handed out, being written | not yet handed out
//   ... offset         | ... stable_index     | ... handed_out_index      | ... last_index
//
// Independently of that: applied <= applying <= committed <= last. Entries are handed out for
// applying only when they are committed and stable, so that a state machine is never ahead of its
// own log after a crash.
//
// Writes are handed out in batches and acknowledged in order by number. A truncation caps the
// batches under way: an acknowledgement of bytes that were overwritten since never counts for their
// successors, even when index and term come back to the same values.
//
// Not thread-safe. Indexes passed in are the caller's duty and CHECKed; what comes from peers is
// checked by the core before it gets here.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "member/raft/types.h"

namespace gatehouse::raft {

struct LogPosition {
  uint64_t index = 0;
  uint64_t term = 0;

  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

class Log {
 public:
  // Everything given is on disk already. `entries` start at snapshot->index + 1; committed is
  // between snapshot index and last index, applied between snapshot index and committed.
  Log(std::shared_ptr<const Snapshot> snapshot, std::vector<Entry> entries, uint64_t committed,
      uint64_t applied);

  uint64_t first_index() const { return offset_.index + 1; }
  uint64_t last_index() const { return offset_.index + entries_.size(); }
  uint64_t last_term() const;
  uint64_t committed() const { return committed_; }
  uint64_t applying() const { return applying_; }
  uint64_t applied() const { return applied_; }
  uint64_t stable_index() const { return stable_; }

  // For offset (the last compacted index) to last_index; nothing outside.
  std::optional<uint64_t> term(uint64_t index) const;
  bool matches(uint64_t index, uint64_t term) const { return this->term(index) == term; }
  const Entry& at(uint64_t index) const;  // first_index..last_index, valid until the next change

  // Section 5.4.1: is a log that ends in `other` at least as up to date as this one?
  bool up_to_date(LogPosition other) const;

  // Appends to `out` the entries from `low` (>= first_index) to `high` inclusive whose encoded
  // sizes add up to at most `max_bytes`, and at least one if there is one.
  void slice(uint64_t low, uint64_t high, uint64_t max_bytes, std::vector<Entry>* out) const;

  // The first of these consecutive entries that is not in the log with its term; 0 if all are.
  uint64_t find_conflict(std::span<const Entry> entries) const;

  // The last position at or before `index` whose term is <= `term`: where a log that has `term` at
  // `index` may agree with this one at the earliest. Term 0: the position is compacted or unknown.
  LogPosition find_conflict_by_term(uint64_t index, uint64_t term) const;

  // Consecutive entries; the first may be anywhere in (committed, last_index + 1], and what was
  // there or after goes.
  void append(std::span<const Entry> entries);

  void commit_to(uint64_t index);  // never backwards, never beyond last_index

  // --- Persistence
  bool has_unwritten() const { return snapshot_unwritten_ || handed_out_ < last_index(); }
  // A snapshot from the leader is not durable yet.
  bool snapshot_pending() const { return stable_ < offset_.index; }
  uint64_t writes_under_way() const { return batches_.size(); }
  // Hands out all that is new; the batch ends at last_index. Sequence numbers are consecutive from
  // 1. `snapshot` is set to one that came from the leader and has to be written first.
  uint64_t hand_out_writes(std::vector<Entry>* entries, std::shared_ptr<const Snapshot>* snapshot);
  // All batches up to this one are durable.
  void writes_done(uint64_t sequence);

  // --- Application
  bool has_next_committed() const;
  void hand_out_committed(uint64_t max_bytes, std::vector<Entry>* out);
  void applied_to(uint64_t index);
  // Encoded bytes handed out for applying and not yet applied.
  uint64_t applying_bytes() const { return applying_bytes_; }

  // --- Snapshots
  // The newest snapshot that may be sent to a follower; index 0 when there is none.
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  // The application made one at an applied index. An older one than the present is ignored.
  void set_snapshot(std::shared_ptr<const Snapshot> snapshot);
  // Forgets entries up to `index`, at most the snapshot's. Earlier than first_index does nothing.
  void compact(uint64_t index);
  // From the leader: the log is now this snapshot and nothing else.
  void restore(std::shared_ptr<const Snapshot> snapshot);

 private:
  struct Batch {
    uint64_t sequence;
    uint64_t last;  // the highest index whose present content this and earlier batches wrote
  };

  void truncate_after(uint64_t index);

  LogPosition offset_;
  std::deque<Entry> entries_;
  std::shared_ptr<const Snapshot> snapshot_;
  bool snapshot_unwritten_ = false;

  uint64_t committed_;
  uint64_t applying_;
  uint64_t applied_;
  uint64_t applying_bytes_ = 0;

  uint64_t stable_;
  uint64_t handed_out_;
  uint64_t last_sequence_ = 0;
  // As many as the owner has writes under way; replica/ bounds those.
  std::deque<Batch> batches_;
};

}  // namespace gatehouse::raft
