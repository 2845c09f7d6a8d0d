// Snapshotter: points from which a restart need not go back in the log.
//
// Every `every` applied entries: the backend is committed, a .snap file says which point it is, the
// log gets a record of it, segments that only older points need are let go, and the core forgets
// the entries further back than followers are likely to be. In this order: what a step relies on is
// durable before it.
//
// Threads: on_batch() on the apply loop's; the work on a thread of its own (see own_thread).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <condition_variable>
#include <optional>
#include <string>
#include <thread>

#include "common/env/file_system.h"
#include "common/log/log.h"
#include "member/backend/backend.h"
#include "member/raft/types.h"
#include "member/snap/snap.h"

namespace gatehouse::replica {

class Snapshotter {
 public:
  struct Options {
    uint64_t every = 10'000;         // --snapshot-count
    uint64_t keep = 5'000;           // --snapshot-catchup-entries
    std::string snap_directory;
    std::string wal_directory;
    uint32_t max_snapshots = 5;      // files kept; 0: all
    uint32_t max_wals = 5;
    uint64_t purge_interval_ms = 30'000;
    // False: no thread, the work is done within on_batch(). For simulations, which must not have one.
    bool own_thread = true;
    std::function<void(const snap::SaveTimes&)> on_saved;  // on the snapshotter's thread; or empty
  };
  struct Events {
    // The snapshot is durable: records it in the log, and lets the core forget up to `compact_to`.
    // Any thread.
    std::function<void(std::shared_ptr<const raft::Snapshot>, uint64_t compact_to)> on_snapshot;
    // A disk that fails ends the member.
    std::function<void(const Status&)> on_failed;
  };

  Snapshotter(env::FileSystem& files, backend::Backend& backend, const Options& options,
              uint64_t last_index, Events events, log::Logger logger);
  ~Snapshotter();  // finishes the one under way

  // The state machine is at this point; `describe` makes the configuration and the members' JSON of
  // it, when a snapshot is due.
  using Describe = std::function<raft::Snapshot()>;
  void on_batch(uint64_t index, const Describe& describe);

  // The state machine came to this point by a snapshot from the leader, which is durable.
  void on_restored(uint64_t index) { last_index_ = index; }

  uint64_t last_index() const { return last_index_; }

 private:
  void run();
  void take(const std::shared_ptr<const raft::Snapshot>& snapshot);
  void purge();

  env::FileSystem& files_;
  backend::Backend& backend_;
  const Options options_;
  const Events events_;
  const log::Logger logger_;

  uint64_t last_index_;  // the apply loop's

  std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<const raft::Snapshot> wanted_;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gatehouse::replica
