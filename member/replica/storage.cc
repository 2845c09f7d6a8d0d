#include "member/replica/storage.h"

#include <algorithm>
#include <utility>

#include "member/membership/ids.h"
#include "member/replica/snapshot_transfer.h"
#include "member/schema/member_json.h"
#include "member/schema/meta.h"
#include "member/snap/snap.h"

namespace gatehouse::replica {

namespace {

Status failed_precondition(std::string text) {
  return Status(StatusCode::kFailedPrecondition, std::move(text));
}

// A directory that is not writable is told before anything is made in it.
Status make_directory(env::FileSystem& files, const std::string& path) {
  GATEHOUSE_RETURN_IF_ERROR(env::create_directories_durably(files, path));
  const std::string probe = env::join_path(path, ".touch");
  const auto file = files.open(probe, env::OpenMode::kCreate);
  if (!file.ok()) return file.status();
  return files.remove_file(probe);
}

Status check_data_directory(env::FileSystem& files, const std::string& path,
                            const log::Logger& logger) {
  const auto entries = files.list(path);
  if (!entries.ok()) return entries.status();
  const auto is_ours = [](const env::DirectoryEntry& entry) {
    // fixtures: certificates of --auto-tls; lost+found: the root of a file system.
    return entry.name == "member" || entry.name == "fixtures" || entry.name == "lost+found" ||
           entry.name.starts_with('.');
  };
  const bool member_there =
      std::any_of(entries->begin(), entries->end(),
                  [](const env::DirectoryEntry& entry) { return entry.name == "member"; });
  for (const env::DirectoryEntry& entry : *entries) {
    // A first start makes its files nowhere but where it is alone.
    if (!member_there && !is_ours(entry)) {
      return failed_precondition(env::join_path(path, entry.name) +
                                 ": the data directory holds what is no member's, and no member");
    }
    if (entry.name == "proxy") {
      return failed_precondition(path + ": holds the data of a v2 proxy, which cannot be a member");
    }
    if (!is_ours(entry)) {
      LOG_WARN(logger, "found invalid file under data directory", {"filename", entry.name},
               {"data-dir", path});
    }
  }
  return Status();
}

Result<std::unique_ptr<backend::Backend>> open_backend(env::FileSystem& files,
                                                       const std::string& directory,
                                                       const StorageOptions& options,
                                                       const log::Logger& logger) {
  const std::string path = env::join_path(directory, "db");
  backend::Options backend_options = options.backend;
  backend_options.on_wait = [&logger, path] {
    LOG_INFO(logger, "db file is flocked by another process, or taking too long", {"path", path});
  };
  return backend::Backend::open(files, path, backend_options);
}

class Opener {
 public:
  Opener(env::FileSystem& files, const StorageOptions& options, const log::Logger& logger)
      : files_(files), options_(options), logger_(logger) {}

  Result<Storage> open() {
    GATEHOUSE_RETURN_IF_ERROR(make_directory(files_, options_.data_directory));
    GATEHOUSE_RETURN_IF_ERROR(check_data_directory(files_, options_.data_directory, logger_));
    const std::string member = env::join_path(options_.data_directory, "member");
    storage_.snap_directory = env::join_path(member, "snap");
    storage_.wal_directory = options_.wal_directory.empty() ? env::join_path(member, "wal")
                                                            : options_.wal_directory;
    GATEHOUSE_RETURN_IF_ERROR(make_directory(files_, storage_.snap_directory));
    const auto unfinished = snap::remove_unfinished(files_, storage_.snap_directory);
    if (!unfinished.ok()) return unfinished.status();
    const Result<bool> restart = wal::exists(files_, storage_.wal_directory);
    if (!restart.ok()) return restart.status();
    GATEHOUSE_RETURN_IF_ERROR(*restart ? open_old() : make_new());
    return std::move(storage_);
  }

 private:
  // --- First start

  Status make_new() {
    const Result<bool> database =
        files_.exists(env::join_path(storage_.snap_directory, "db"));
    if (!database.ok()) return database.status();
    if (*database) {
      return failed_precondition(
          storage_.snap_directory +
          "/db: there is a database, but no write-ahead log to go with it");
    }
    std::vector<uint64_t> ids;
    const membership::Member* self = nullptr;
    for (const membership::Member& member : options_.initial_members) {
      ids.push_back(member.id);
      if (member.name == options_.name) self = &member;
    }
    CHECK_MSG(self != nullptr, "the initial cluster was not checked");
    storage_.identity = {self->id, options_.joined_cluster != 0
                                       ? options_.joined_cluster
                                       : membership::cluster_id(std::move(ids))};
    // The log before the database: a crash in between is a restart with an empty log, whereas a
    // database without a log is somebody's mistake.
    GATEHOUSE_RETURN_IF_ERROR(
        wal::create(files_, storage_.wal_directory, storage_.identity, options_.wal));
    fresh_ = true;
    return open_old();
  }

  // All initial members begin with the same entries.
  void bootstrap() {
    storage_.first_start = true;
    if (options_.joined_cluster != 0) return;  // the leader tells
    for (const membership::Member& member : options_.initial_members) {
      storage_.bootstrap.push_back({member.id, schema::member_json(member)});
    }
  }

  // --- Restart

  Status open_old() {
    Result<std::vector<wal::SnapshotRecord>> records =
        wal::valid_snapshots(files_, storage_.wal_directory);
    if (!records.ok()) return records.status();
    if (records->empty()) {
      return Status(StatusCode::kDataLoss,
                    storage_.wal_directory + ": the log has no snapshot record");
    }
    const wal::SnapshotRecord start = records->back();
    GATEHOUSE_RETURN_IF_ERROR(open_database(start));
    auto opened = wal::open(files_, storage_.wal_directory, start, options_.wal);
    if (!opened.ok()) return opened.status();
    if (!opened->repaired.empty()) {
      LOG_WARN(logger_, "repaired the write-ahead log", {"repair", opened->repaired});
    }
    storage_.log = std::move(opened->log);
    storage_.identity = opened->identity;
    return restore(start, std::move(*opened));
  }

  Status open_database(const wal::SnapshotRecord& start) {
    const std::string path = env::join_path(storage_.snap_directory, "db");
    const Result<bool> there = files_.exists(path);
    if (!there.ok()) return there.status();
    if (!*there && !fresh_) {
      LOG_WARN(logger_, "the database is not there: it is made again from the log",
               {"path", path});
    }
    GATEHOUSE_RETURN_IF_ERROR(open_backend_here());
    uint64_t index = applied_position(*storage_.backend->read()).index;
    if (index < start.index) {
      // A snapshot that came from the leader, recorded in the log but not yet put in place.
      const Result<bool> adopted = adopt_received_database(start.index, path);
      if (!adopted.ok()) return adopted.status();
      if (*adopted) index = applied_position(*storage_.backend->read()).index;
    }
    GATEHOUSE_RETURN_IF_ERROR(defragment(*storage_.backend));
    if (index < start.index) {
      return Status(StatusCode::kDataLoss,
                    path + ": holds everything up to index " + std::to_string(index) +
                        ", but the log begins after the snapshot at " +
                        std::to_string(start.index));
    }
    std::string_view version;
    const auto reader = storage_.backend->read();
    if (reader->get(backend::Bucket::kMeta, schema::kStorageVersion, version)) {
      storage_.storage_version = version;
    }
    return Status();
  }

  Status defragment(backend::Backend& database) const {
    if (options_.defragment_from_bytes == 0) return Status();
    const uint64_t size = database.size_bytes();
    const uint64_t in_use = database.size_in_use_bytes();
    const bool worth_it = size - in_use >= options_.defragment_from_bytes;
    LOG_INFO(logger_, worth_it ? "defragmenting the database" : "skipping defragmentation",
             {"current-db-size-bytes", size}, {"current-db-size-in-use-bytes", in_use},
             {"bootstrap-defrag-threshold-bytes", options_.defragment_from_bytes});
    return worth_it ? database.defragment() : Status();
  }

  Status open_backend_here() {
    auto backend = open_backend(files_, storage_.snap_directory, options_, logger_);
    if (!backend.ok()) return backend.status();
    storage_.backend = std::move(*backend);
    return Status();
  }

  // False when there is none.
  Result<bool> adopt_received_database(uint64_t index, const std::string& path) {
    const std::string received = snap::database_path(storage_.snap_directory, index);
    const Result<bool> there = files_.exists(received);
    if (!there.ok() || !*there) return there;
    LOG_INFO(logger_, "applying the snapshot database that was received", {"path", received});
    storage_.backend.reset();  // lets go of the file
    GATEHOUSE_RETURN_IF_ERROR(files_.rename(received, path));
    GATEHOUSE_RETURN_IF_ERROR(files_.sync_directory(storage_.snap_directory));
    GATEHOUSE_RETURN_IF_ERROR(open_backend_here());
    return true;
  }

  Status restore(const wal::SnapshotRecord& start, wal::Opened opened) {
    raft::Restored& restored = storage_.restored;
    restored.hard_state = opened.hard_state;
    restored.entries = std::move(opened.entries);
    // Entries and the state behind them are one write, of which a power loss may leave only the
    // front. No state of that term is durable, so nothing was promised in it, and no vote given.
    if (!restored.entries.empty() && restored.entries.back().term > restored.hard_state.term) {
      restored.hard_state.term = restored.entries.back().term;
      restored.hard_state.vote = raft::kNoNode;
    }
    restored.applied = applied_position(*storage_.backend->read()).index;
    const uint64_t last = start.index + restored.entries.size();
    if (restored.applied > last) {
      return Status(StatusCode::kDataLoss,
                    storage_.wal_directory + ": the log ends at index " + std::to_string(last) +
                        ", but the database holds " + std::to_string(restored.applied));
    }
    // What is applied was committed, whatever was last written of it.
    restored.hard_state.commit =
        std::max({restored.hard_state.commit, restored.applied, start.index});
    const bool empty = last == 0 && restored.hard_state.term == 0;
    if (empty && !options_.initial_members.empty()) bootstrap();
    if (start.index > 0) {
      auto snapshot = std::make_shared<raft::Snapshot>();
      snapshot->index = start.index;
      snapshot->term = start.term;
      if (start.conf_state) snapshot->conf_state = *start.conf_state;
      restored.snapshot = std::move(snapshot);
    }
    return Status();
  }

  env::FileSystem& files_;
  const StorageOptions& options_;
  const log::Logger& logger_;
  Storage storage_;
  bool fresh_ = false;  // the log was made by this start
};

}  // namespace

Result<Storage> open_storage(env::FileSystem& files, const StorageOptions& options,
                             const log::Logger& logger) {
  return Opener(files, options, logger).open();
}

void set_configuration(Storage& storage, const membership::Members& members) {
  storage.restored.conf_state = members.conf_state();
  const auto& snapshot = storage.restored.snapshot;
  if (snapshot == nullptr || snapshot->conf_state.voters_size() > 0) return;
  // Records of before 3.5 do not say it.
  auto with_configuration = std::make_shared<raft::Snapshot>(*snapshot);
  with_configuration->conf_state = storage.restored.conf_state;
  storage.restored.snapshot = std::move(with_configuration);
}

}  // namespace gatehouse::replica
