// LogWriter: appends to a Log without waiting for the disk, and tells when it is done. All that has
// arrived meanwhile is written together and shares one sync.
//
//   owner ──append(batch, 7)──> queue ──> one write, one fdatasync ──on_durable(9)──> owner
//           append(batch, 8)
//           append(batch, 9)
//
// ThreadWriter has a thread for the disk, and writes a lone small batch without it; InlineWriter runs on an executor, for simulations that
// must not have one. The queue has no bound of its own: what waits is bounded by what the owner may
// have in flight (Raft's limit of uncommitted bytes).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "common/base/status.h"
#include "common/env/executor.h"
#include "member/raft/types.h"
#include "member/wal/log.h"

namespace gatehouse::wal {

// One step of Raft. Written in the order of the fields.
struct Batch {
  std::vector<SnapshotRecord> snapshots;  // their .snap is durable already
  std::vector<raft::Entry> entries;
  std::optional<raft::HardState> state;
  // Entries, a vote or a term: what others are told only once it is durable. Snapshots always are.
  bool must_sync = false;
  // Once this is durable, segments of entries before it may be purged. 0: none.
  uint64_t release_before = 0;
};

// Called on the writer's thread (ThreadWriter) or in a task of the executor (InlineWriter), never
// from within append().
struct WriterCallbacks {
  // Batches up to and with this one are written, and durable if one of them had to be.
  std::function<void(uint64_t sequence)> on_durable;
  // Once: the disk failed. on_durable is not called any more, what comes later is dropped, and the
  // owner is to end the process: nobody knows what the disk holds.
  std::function<void(const Status& status)> on_failed;
};

class LogWriter {
 public:
  virtual ~LogWriter() = default;
  // From one thread. Sequences go up. True: this and all before it is durable already, and nothing
  // more will be told of it.
  [[nodiscard]] virtual bool append(Batch batch, uint64_t sequence) = 0;
};

class ThreadWriter final : public LogWriter {
 public:
  // A batch that finds the thread idle is written by who appends it, if it is as small as this and
  // the last syncs took no longer: two threads to wake up take as long as a fast disk, and a second
  // batch that could share the sync is not in sight. On a disk that stalls the owner waits once.
  static constexpr size_t kDirectEntries = 2;
  static constexpr size_t kDirectBytes = 16 * 1024;
  static constexpr int64_t kDirectSyncUs = 500;

  ThreadWriter(std::unique_ptr<Log> log, WriterCallbacks callbacks);
  // Writes what waits, then ends; callbacks may still come until it returns.
  ~ThreadWriter() override;

  bool append(Batch batch, uint64_t sequence) override;

 private:
  void run();
  bool idle();
  bool may_write_directly(const Batch& batch) const;
  Status write(std::span<const Batch> batches);

  const std::unique_ptr<Log> log_;  // the thread's while it is busy, else the owner's
  const WriterCallbacks callbacks_;

  std::mutex mutex_;
  std::vector<Batch> waiting_;
  uint64_t waiting_sequence_ = 0;  // of the last in waiting_
  bool busy_ = false;              // the thread has batches; else the log is the owner's
  uint64_t appended_sequence_ = 0;  // the owner's
  std::atomic<int64_t> usual_sync_us_{0};  // of the last ones, the newest counting an eighth
  // Changes with each append into an empty queue, and at the end: the thread waits on it.
  std::atomic<int> signal_{0};
  std::atomic<bool> stopping_{false};

  std::thread thread_;
};

class InlineWriter final : public LogWriter {
 public:
  // Both outlive the writer.
  InlineWriter(Log& log, env::Executor& executor, WriterCallbacks callbacks);
  ~InlineWriter() override;  // what waits is not written: a crash, as a simulation wants it

  bool append(Batch batch, uint64_t sequence) override;  // false

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace gatehouse::wal
