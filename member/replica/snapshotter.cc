#include "member/replica/snapshotter.h"

#include <chrono>
#include <utility>

#include "member/snap/snap.h"
#include "member/wal/purge.h"

namespace gatehouse::replica {

Snapshotter::Snapshotter(env::FileSystem& files, backend::Backend& backend, const Options& options,
                         uint64_t last_index, Events events, log::Logger logger)
    : files_(files),
      backend_(backend),
      options_(options),
      events_(std::move(events)),
      logger_(std::move(logger)),
      last_index_(last_index) {
  if (options_.own_thread) thread_ = std::thread([this] { run(); });
}

Snapshotter::~Snapshotter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Snapshotter::on_batch(uint64_t index, const Describe& describe) {
  if (index <= last_index_ + options_.every) return;
  if (!options_.own_thread) {
    last_index_ = index;
    take(std::make_shared<const raft::Snapshot>(describe()));
    purge();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (busy_ || wanted_) return;  // a slow disk: the next batch asks again
    wanted_ = std::make_shared<const raft::Snapshot>(describe());
  }
  last_index_ = index;
  wake_.notify_one();
}

void Snapshotter::run() {
  const std::chrono::milliseconds interval(options_.purge_interval_ms);
  auto next_purge = std::chrono::steady_clock::now();  // what an earlier start left
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (wanted_) {
      const auto snapshot = std::exchange(wanted_, nullptr);
      busy_ = true;
      lock.unlock();
      take(snapshot);
      lock.lock();
      busy_ = false;
      continue;
    }
    if (std::chrono::steady_clock::now() >= next_purge) {
      lock.unlock();
      purge();
      lock.lock();
      next_purge = std::chrono::steady_clock::now() + interval;
      continue;
    }
    wake_.wait_until(lock, next_purge);
  }
}

void Snapshotter::take(const std::shared_ptr<const raft::Snapshot>& snapshot) {
  // The database has to be at the point before anything says that the log before it may go.
  Status status = backend_.commit();
  snap::SaveTimes times;
  if (status.ok()) status = snap::save(files_, options_.snap_directory, *snapshot, &times);
  if (!status.ok()) {
    events_.on_failed(status.with_context("saving a snapshot"));
    return;
  }
  if (options_.on_saved) options_.on_saved(times);
  LOG_INFO(logger_, "saved snapshot", {"snapshot-index", snapshot->index});
  const uint64_t compact_to = snapshot->index > options_.keep ? snapshot->index - options_.keep : 1;
  events_.on_snapshot(snapshot, compact_to);
}

void Snapshotter::purge() {
  struct Kind {
    const std::string& directory;
    const char* suffix;
    uint32_t keep;
  };
  for (const Kind& kind : {Kind{options_.wal_directory, ".wal", options_.max_wals},
                           Kind{options_.snap_directory, ".snap", options_.max_snapshots},
                           Kind{options_.snap_directory, ".snap.db", options_.max_snapshots}}) {
    if (kind.keep == 0) continue;
    const Result<std::vector<std::string>> removed =
        wal::purge(files_, kind.directory, kind.suffix, kind.keep);
    if (!removed.ok()) {
      LOG_WARN(logger_, "old files could not be removed", {"error", removed.status().message()});
      continue;
    }
    for (const std::string& path : *removed) LOG_INFO(logger_, "purged", {"path", path});
  }
}

}  // namespace gatehouse::replica
