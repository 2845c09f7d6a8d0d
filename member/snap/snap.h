// Files beside the database: snapshots of Raft (`.snap`), and databases received from a leader
// (`.snap.db`). Names, grammar and what a crash leaves are in format.md.
//
// Everything blocks. Errors are those of the file system. What is in a snapshot's data is the
// caller's: bytes here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/env/entropy.h"
#include "common/env/file_system.h"
#include "member/raft/types.h"
#include "member/wal/record.h"

namespace gatehouse::snap {

// "<term>-<index>.snap", 16 hexadecimal digits each.
std::string file_name(uint64_t term, uint64_t index);
// "<directory>/<index>.snap.db".
std::string database_path(const std::string& directory, uint64_t index);

// The bytes of a .snap file. Its data must not be absent or empty altogether: index > 0.
std::string encode(const raft::Snapshot& snapshot);
// DataLoss: what is wrong with them.
Result<raft::Snapshot> decode(std::string_view bytes);

// What a save took; for metrics.
struct SaveTimes {
  std::chrono::nanoseconds marshalling{0};
  std::chrono::nanoseconds fsync{0};
  std::chrono::nanoseconds total{0};
};
// Whole and durable on return, or not there; replaces one of the same term and index. index > 0.
// `times` is set on success.
Status save(env::FileSystem& files, const std::string& directory, const raft::Snapshot& snapshot,
            SaveTimes* times = nullptr);

// DataLoss: "<path>: <what is wrong>".
Result<raft::Snapshot> load(env::FileSystem& files, const std::string& path);

struct Loaded {
  std::optional<raft::Snapshot> snapshot;
  std::vector<std::string> warnings;  // files that could not be read; they are called .broken now
};
// The newest whose term and index are those of a record of wal::valid_snapshots(). None: start at
// the beginning of the log.
Result<Loaded> load_newest_matching(env::FileSystem& files, const std::string& directory,
                                    std::span<const wal::SnapshotRecord> records);

// Takes a database piece by piece, into a file that has no name yet by which it could be taken for
// a whole one. One thread at a time.
class DatabaseReceiver {
 public:
  static Result<std::unique_ptr<DatabaseReceiver>> begin(env::FileSystem& files,
                                                         const std::string& directory,
                                                         env::Entropy& entropy);
  ~DatabaseReceiver();  // not finished: the file is removed
  DatabaseReceiver(const DatabaseReceiver&) = delete;
  DatabaseReceiver& operator=(const DatabaseReceiver&) = delete;

  Status write(std::string_view piece);
  uint64_t bytes() const { return bytes_; }
  // Of the file as long as it has no name of its own: to be looked at before finish().
  const std::string& path() const { return file_->path(); }
  // All has come: durable under database_path(index). One that is there already stays, and what
  // came is dropped: it may be about to become the database. Once; write() is over.
  Status finish(uint64_t index);

 private:
  DatabaseReceiver(env::FileSystem& files, std::string directory,
                   std::unique_ptr<env::File> file);

  env::FileSystem& files_;
  const std::string directory_;
  std::unique_ptr<env::File> file_;
  uint64_t bytes_ = 0;
  bool finished_ = false;
};

// At start, before anything else: what was in the making. Returns the names removed.
Result<std::vector<std::string>> remove_unfinished(env::FileSystem& files,
                                                   const std::string& directory);
// Received databases of snapshots before `index`. Returns the names removed.
Result<std::vector<std::string>> remove_databases_before(env::FileSystem& files,
                                                         const std::string& directory,
                                                         uint64_t index);

}  // namespace gatehouse::snap
