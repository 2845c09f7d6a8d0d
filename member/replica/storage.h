// Storage: what a member has on its disk, opened or made.
//
//   <data-dir>/member/wal/   the write-ahead log (or --wal-dir)
//   <data-dir>/member/snap/  snapshots, and "db": the backend
//
// A restart goes from the last snapshot record of the log: the backend holds everything up to its
// consistent index, which is at or after the snapshot; the log's entries after that are applied
// again. The configuration is the members' bucket of the backend, which changes together with the
// consistent index.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/env/file_system.h"
#include "common/log/log.h"
#include "member/backend/backend.h"
#include "member/membership/members.h"
#include "member/raft/core.h"
#include "member/wal/log.h"

namespace gatehouse::replica {

struct StorageOptions {
  std::string data_directory;
  std::string wal_directory;  // "" : below the data directory
  std::string name;
  // For a first start: the members it begins with, by id; this one is among them.
  std::vector<membership::Member> initial_members;
  // For a first start: the running cluster that it joins, whose members those are now. 0: all of
  // them begin a new one.
  uint64_t joined_cluster = 0;
  backend::Options backend;
  uint64_t defragment_from_bytes = 0;  // at the start, when so much of it is free; 0: never
  wal::Options wal;
};

struct Storage {
  std::string snap_directory;
  std::string wal_directory;
  std::unique_ptr<backend::Backend> backend;
  std::unique_ptr<wal::Log> log;
  wal::Identity identity;
  raft::Restored restored;
  bool first_start = false;
  // The first start of a new cluster: all members begin with these.
  std::vector<raft::Core::Peer> bootstrap;
  // The version the database was last written by; "" where it does not say.
  std::string storage_version;
};

// Errors name the file: kDataLoss, kFailedPrecondition (in use, or
// no directory of ours), kUnavailable (the disk). Nothing is overwritten then.
Result<Storage> open_storage(env::FileSystem& files, const StorageOptions& options,
                             const log::Logger& logger);

// What the database says of the configuration, for `storage.restored` (its bucket of members, at the
// index it has).
void set_configuration(Storage& storage, const membership::Members& members);

}  // namespace gatehouse::replica
