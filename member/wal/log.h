// The write-ahead log of a member: Raft's entries, its state and where its snapshots are, in etcd's
// files. The format, the order of syncs and what a crash leaves are in format.md.
//
//   create(files, dir, {node, cluster});                        // once
//   auto snapshots = valid_snapshots(files, dir);                // choose one whose .snap is there
//   auto opened = open(files, dir, chosen, {});
//   opened->log->append(&state, entries, must_sync);             // or a LogWriter, see writer.h
//
// Everything here blocks. Errors: DataLoss names file and offset of what is damaged, and nothing on
// the disk was changed; others are those of the file system.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/env/file_system.h"
#include "member/raft/types.h"
#include "member/wal/record.h"
#include "member/wal/segment.h"

namespace gatehouse::wal {

class SpareSegments;

struct Options {
  // A segment ends with the write that makes it this long. etcd's number; tests take smaller ones.
  uint64_t segment_bytes = 64'000'000;
  // A thread makes the next segment ahead, so that a cut need not wait for its blocks. Without it
  // the segment is made in the cut.
  bool prepare_ahead = true;
  // Told on the thread that writes: how long each sync took (etcd_disk_wal_fsync_duration_seconds),
  // and how many bytes each write had and how long it took (etcd_disk_wal_write_bytes_total,
  // etcd_disk_wal_write_duration_seconds). May be empty.
  std::function<void(std::chrono::nanoseconds)> on_sync;
  std::function<void(uint64_t bytes, std::chrono::nanoseconds took)> on_write;
};

// A log that can be appended to. One thread at a time.
//
// After a failed call the state of the disk is unknown: every later call returns the same error and
// the process should end. What an earlier call made durable is durable.
class Log {
 public:
  ~Log();  // gives up the locks; what was staged and not written is lost
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Entries, then the state when there is one (not all zero), in one write; durable on return if
  // must_sync. Entries continue the log or replace its end; that they do is the caller's business.
  Status append(const raft::HardState* state, std::span<const raft::Entry> entries, bool must_sync);
  // Durable on return. Its .snap must be durable already.
  Status append_snapshot(const SnapshotRecord& snapshot);
  // Makes durable what was appended before.
  Status sync();

  // The same in two steps, so that many appends become one write: encodes into memory …
  void stage(const raft::HardState* state, std::span<const raft::Entry> entries);
  void stage_snapshot(const SnapshotRecord& snapshot);
  // … and writes all that is staged. Begins a new segment when this one is full, which syncs too.
  Status write(bool must_sync);

  // Gives up the locks of segments that only hold entries before `index`, so that purge() may
  // remove them. The newest of those that begin before it stays.
  Status release_before(uint64_t index);

  // The first error, OK while there is none.
  const Status& health() const { return health_; }

 private:
  friend class Opener;
  struct Segment {
    SegmentName name;
    std::unique_ptr<env::File> file;  // locked
  };

  Log(env::FileSystem& files, std::string directory, const Options& options, std::string metadata,
      std::deque<Segment> segments, uint64_t offset, uint32_t crc, const raft::HardState& state,
      uint64_t last_index);

  Status failed(Status status);
  Status sync_file(env::File& file);
  Status cut();
  Status write_head(env::File& spare);
  env::File& tail() { return *segments_.back().file; }

  env::FileSystem& files_;
  const std::string directory_;
  const Options options_;
  const std::string metadata_;
  std::deque<Segment> segments_;  // the last is written to
  uint64_t offset_;               // in it, where the next frame goes
  FrameEncoder encoder_;
  raft::HardState state_;  // the last staged
  bool unsynced_ = false;  // something was written since the last sync
  uint64_t last_index_;    // the largest that a segment after this one need not have
  std::unique_ptr<SpareSegments> spares_;
  Status health_;
};

// Whether the directory holds a log. False, too, when it is not there.
Result<bool> exists(env::FileSystem& files, const std::string& directory);

// Makes an empty log, atomically and durably; the directory's parents are made if need be.
// AlreadyExists: there is a log. FailedPrecondition: something else is. What a creation that was cut
// short left is replaced.
Status create(env::FileSystem& files, const std::string& directory, const Identity& identity,
              const Options& options = {});

// The snapshots that a member may start from, in the order in which they were made; {0, 0} is the
// beginning of the log. Reads all segments, takes no lock, takes no notice of an unfinished write.
Result<std::vector<SnapshotRecord>> valid_snapshots(env::FileSystem& files,
                                                    const std::string& directory);

struct Contents {
  Identity identity;
  raft::HardState hard_state;              // all zero: none was written
  std::vector<raft::Entry> entries;        // start.index + 1, + 2, …
  std::vector<SnapshotRecord> snapshots;   // in the segments read, valid or not
  std::string torn;                        // where an unfinished write follows, "" if none does
};

// What a start at `start` (of valid_snapshots()) would find; changes nothing, takes no lock.
// NotFound: no log there, or it does not go back so far, or has no record of that snapshot.
Result<Contents> read(env::FileSystem& files, const std::string& directory,
                      const SnapshotRecord& start);

struct Opened {
  std::unique_ptr<Log> log;
  Identity identity;
  raft::HardState hard_state;
  std::vector<raft::Entry> entries;
  std::string repaired;  // what was unfinished and cut off, "" if nothing was
};

// Locks the log, reads it as read() does, repairs an unfinished write at its end, and makes what
// was read durable. FailedPrecondition: another process has it open.
// The file system must outlive the log.
Result<Opened> open(env::FileSystem& files, const std::string& directory,
                    const SnapshotRecord& start, const Options& options = {});

}  // namespace gatehouse::wal
