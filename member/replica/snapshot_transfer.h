// What becomes of a snapshot that travels: taken from the backend here, checked and put in place
// there.
//
//   leader    take_snapshot(): the committed database at one moment, and Raft's words for it
//   follower  IncomingSnapshot: piece by piece into a file; at the end the database is checked, then
//             durable as <index>.snap.db, then the .snap beside it
//             the core accepts it; the log gets its record, with the commit index
//             install_snapshot(): the file becomes "db", the state machine is read from it anew
//
// A crash at any point finds either no record in the log, and starts from what was before; or the
// record, and takes over the .snap.db that lies there (storage.cc); or the new "db".
//
// Everything here blocks; the thread is said with each.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/env/entropy.h"
#include "common/env/file_system.h"
#include "member/alarm/alarm_store.h"
#include "member/backend/backend.h"
#include "member/lease/lessor.h"
#include "member/membership/cluster.h"
#include "member/mvcc/store.h"
#include "member/raft/types.h"
#include "member/snap/snap.h"

namespace gatehouse::replica {

struct OutgoingSnapshot {
  // Index, term, configuration and members of the moment at which the database is.
  std::shared_ptr<const raft::Snapshot> snapshot;
  std::unique_ptr<backend::Copy> database;
};

// Any thread. kUnavailable: the disk. kFailedPrecondition: nothing is applied yet.
Result<OutgoingSnapshot> take_snapshot(backend::Backend& backend);

// One thread at a time; destroyed before the end, it leaves nothing behind.
class IncomingSnapshot {
 public:
  static Result<std::unique_ptr<IncomingSnapshot>> begin(
      env::FileSystem& files, std::string snap_directory, env::Entropy& entropy,
      std::shared_ptr<const raft::Snapshot> snapshot);

  // The database in order; an empty piece is its end, after which OK means that all is durable.
  // kDataLoss: it is no database, or one of another index.
  Status take(std::string_view piece);

  // After the end: how long it took from begin() on, and of it the database's sync.
  struct Took {
    std::chrono::nanoseconds all{0};
    std::chrono::nanoseconds database_sync{0};
  };
  const Took& took() const { return took_; }

 private:
  IncomingSnapshot(env::FileSystem& files, std::string snap_directory,
                   std::shared_ptr<const raft::Snapshot> snapshot)
      : files_(files), directory_(std::move(snap_directory)), snapshot_(std::move(snapshot)) {}

  Status finish();

  env::FileSystem& files_;
  const std::string directory_;
  const std::shared_ptr<const raft::Snapshot> snapshot_;
  std::unique_ptr<snap::DatabaseReceiver> receiver_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  Took took_;
};

// The index and term that a database says it has everything up to; zero where it does not say.
struct AppliedPosition {
  uint64_t index = 0;
  uint64_t term = 0;
};
AppliedPosition applied_position(const backend::Reader& rows);

// The state machine, for install_snapshot().
struct Installed {
  backend::Backend& backend;
  mvcc::Store& store;
  lease::Lessor& lessor;
  alarm::AlarmStore& alarms;
  membership::Cluster& cluster;
};

// The state machine is from now on the received one. On the writer's thread, or another while the
// writer rests; the record in the log is durable. An error means that this member cannot go on:
// parts of the state may be new and others old.
Status install_snapshot(env::FileSystem& files, const std::string& snap_directory,
                        const raft::Snapshot& snapshot, const Installed& state);

}  // namespace gatehouse::replica
