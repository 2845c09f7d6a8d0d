// SnapshotPort: snapshots between the replica, which makes and takes them, and the transport, which
// carries them. Work that blocks runs on threads of its own.
//
// Thread: that of the replica's loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "common/env/entropy.h"
#include "common/env/executor.h"
#include "common/env/file_system.h"
#include "member/backend/backend.h"
#include "member/cluster_metrics.h"
#include "member/replica/aside.h"
#include "member/transport/snapshot.h"

namespace gatehouse::member {

class SnapshotPort {
 public:
  // All outlive it.
  SnapshotPort(env::Executor& executor, env::FileSystem& files, backend::Backend& backend,
               std::string snap_directory, const ClusterMetrics& metrics)
      : executor_(executor),
        files_(files),
        backend_(backend),
        directory_(std::move(snap_directory)),
        metrics_(metrics) {}

  // transport::Handler::open_snapshot: the state as it is now, whatever Raft chose.
  void open(raft::Message message,
            UniqueFunction<void(Result<transport::OutgoingSnapshot>)> ready);
  // transport::Handler::accept_snapshot. kFailedPrecondition: one of the same index is coming.
  Result<std::unique_ptr<transport::SnapshotSink>> accept(const raft::Message& message);

 private:
  env::Executor& executor_;
  env::FileSystem& files_;
  backend::Backend& backend_;
  const std::string directory_;
  const ClusterMetrics& metrics_;
  env::SystemEntropy entropy_;
  // By index; held by the sink. Two of one index would be in each other's way on the disk.
  std::map<uint64_t, std::weak_ptr<int>> coming_;
  replica::Aside aside_;
};

}  // namespace gatehouse::member
