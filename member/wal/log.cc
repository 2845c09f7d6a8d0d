#include "member/wal/log.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "member/wal/spare.h"

namespace gatehouse::wal {

Log::Log(env::FileSystem& files, std::string directory, const Options& options,
         std::string metadata, std::deque<Segment> segments, uint64_t offset, uint32_t crc,
         const raft::HardState& state, uint64_t last_index)
    : files_(files),
      directory_(std::move(directory)),
      options_(options),
      metadata_(std::move(metadata)),
      segments_(std::move(segments)),
      offset_(offset),
      encoder_(crc),
      state_(state),
      last_index_(last_index),
      spares_(std::make_unique<SpareSegments>(files_, directory_, options_.segment_bytes,
                                              options_.prepare_ahead)) {
  CHECK(!segments_.empty());
}

Log::~Log() = default;

Status Log::failed(Status status) {
  if (!status.ok() && health_.ok()) health_ = status;
  return status;
}

Status Log::sync_file(env::File& file) {
  if (!options_.on_sync) return file.sync_data();
  const auto start = std::chrono::steady_clock::now();
  const Status status = file.sync_data();
  options_.on_sync(std::chrono::steady_clock::now() - start);
  return status;
}

void Log::stage(const raft::HardState* state, std::span<const raft::Entry> entries) {
  for (const raft::Entry& entry : entries) encoder_.add_entry(entry);
  if (!entries.empty()) last_index_ = entries.back().index;
  if (state == nullptr || *state == raft::HardState()) return;
  encoder_.add_state(*state);
  state_ = *state;
}

void Log::stage_snapshot(const SnapshotRecord& snapshot) {
  encoder_.add_snapshot(snapshot);
  last_index_ = std::max(last_index_, snapshot.index);
}

Status Log::write(bool must_sync) {
  GATEHOUSE_RETURN_IF_ERROR(health_);
  const std::string_view frames = encoder_.frames();
  if (!frames.empty()) {
    const auto start = std::chrono::steady_clock::now();
    const Status written = tail().write_at(offset_, frames);
    if (!written.ok()) {
      // A part of it may be there and, if it ends within a sector, would not look unfinished.
      static_cast<void>(tail().truncate(offset_));
      return failed(written);
    }
    offset_ += frames.size();
    unsynced_ = true;
    if (options_.on_write) {
      options_.on_write(frames.size(), std::chrono::steady_clock::now() - start);
    }
    encoder_.clear();
  }
  if (offset_ >= options_.segment_bytes) return failed(cut());
  return must_sync ? sync() : Status();
}

Status Log::append(const raft::HardState* state, std::span<const raft::Entry> entries,
                   bool must_sync) {
  stage(state, entries);
  return write(must_sync);
}

Status Log::append_snapshot(const SnapshotRecord& snapshot) {
  stage_snapshot(snapshot);
  return write(true);
}

Status Log::sync() {
  GATEHOUSE_RETURN_IF_ERROR(health_);
  if (!unsynced_) return Status();
  GATEHOUSE_RETURN_IF_ERROR(failed(sync_file(tail())));
  unsynced_ = false;
  return Status();
}

// The order makes the old segment whole before the new one has a name, and the new one's head whole
// before it has one.
Status Log::cut() {
  GATEHOUSE_RETURN_IF_ERROR(tail().truncate(offset_));
  GATEHOUSE_RETURN_IF_ERROR(sync_file(tail()));
  unsynced_ = false;

  Result<std::unique_ptr<env::File>> spare = spares_->take();
  GATEHOUSE_RETURN_IF_ERROR(spare.status());
  encoder_.add_crc();
  encoder_.add_metadata(metadata_);
  if (state_ != raft::HardState()) encoder_.add_state(state_);
  GATEHOUSE_RETURN_IF_ERROR((*spare)->write_at(0, encoder_.frames()));
  const uint64_t head_bytes = encoder_.frames().size();
  encoder_.clear();
  GATEHOUSE_RETURN_IF_ERROR(sync_file(**spare));

  Segment next{{segments_.back().name.sequence + 1, last_index_ + 1}, nullptr};
  const std::string path = env::join_path(directory_, to_string(next.name));
  GATEHOUSE_RETURN_IF_ERROR(files_.rename((*spare)->path(), path));
  GATEHOUSE_RETURN_IF_ERROR(files_.sync_directory(directory_));
  // Anew, so that errors name it as it is called now.
  Result<std::unique_ptr<env::File>> file = files_.open(path, env::OpenMode::kReadWrite);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  GATEHOUSE_RETURN_IF_ERROR((*file)->try_lock(env::File::LockKind::kOfd));
  next.file = *std::move(file);
  segments_.push_back(std::move(next));
  offset_ = head_bytes;
  return Status();
}

Status Log::release_before(uint64_t index) {
  GATEHOUSE_RETURN_IF_ERROR(health_);
  while (segments_.size() > 1 && segments_[1].name.first_index < index) segments_.pop_front();
  return Status();
}

}  // namespace gatehouse::wal
