#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "member/wal/log.h"
#include "member/wal/reader.h"
#include "member/wal/replay.h"

namespace gatehouse::wal {
namespace {

constexpr size_t kCopyBytes = size_t{1} << 20;

using Files = std::vector<std::unique_ptr<env::File>>;

Result<Files> open_all(env::FileSystem& files, const std::string& directory,
                       const std::vector<SegmentName>& names, bool writing) {
  Files opened;
  for (const SegmentName& name : names) {
    Result<std::unique_ptr<env::File>> file =
        files.open(env::join_path(directory, to_string(name)),
                   writing ? env::OpenMode::kReadWrite : env::OpenMode::kRead);
    GATEHOUSE_RETURN_IF_ERROR(file.status());
    if (writing) GATEHOUSE_RETURN_IF_ERROR((*file)->try_lock(env::File::LockKind::kOfd));
    opened.push_back(*std::move(file));
  }
  return opened;
}

LogReader reader_of(const Files& files) {
  std::vector<env::File*> pointers;
  for (const auto& file : files) pointers.push_back(file.get());
  return LogReader(std::move(pointers));
}

Status check_start(const std::string& directory, const Replay& replay) {
  if (replay.start_found) return Status();
  return not_found(directory + ": no record of a snapshot at index " +
                   std::to_string(replay.start.index) + ", term " +
                   std::to_string(replay.start.term));
}

// Holes stay holes.
Status copy(const env::File& from, env::File& to) {
  const Result<uint64_t> size = from.size();
  GATEHOUSE_RETURN_IF_ERROR(size.status());
  GATEHOUSE_RETURN_IF_ERROR(to.truncate(0));
  GATEHOUSE_RETURN_IF_ERROR(to.truncate(*size));
  std::string piece;
  for (uint64_t at = 0; at < *size; at += piece.size()) {
    piece.resize(std::min<uint64_t>(kCopyBytes, *size - at));
    const Result<size_t> got =
        from.read_at(at, std::as_writable_bytes(std::span(piece.data(), piece.size())));
    GATEHOUSE_RETURN_IF_ERROR(got.status());
    if (*got == 0) break;
    piece.resize(*got);
    if (piece.find_first_not_of('\0') == std::string::npos) continue;
    GATEHOUSE_RETURN_IF_ERROR(to.write_at(at, piece));
  }
  return to.sync_data();
}

Status cut_off(env::FileSystem& files, const std::string& directory, env::File& segment,
               uint64_t end) {
  Result<std::unique_ptr<env::File>> broken =
      files.open(segment.path() + ".broken", env::OpenMode::kCreate);
  GATEHOUSE_RETURN_IF_ERROR(broken.status());
  GATEHOUSE_RETURN_IF_ERROR(copy(segment, **broken));
  GATEHOUSE_RETURN_IF_ERROR(files.sync_directory(directory));
  // Also what lies beyond becomes zeros: the next record must not be followed by old ones.
  return segment.truncate(end);
}

}  // namespace

// Builds a Log, whose constructor is its own business.
class Opener {
 public:
  static std::unique_ptr<Log> make(env::FileSystem& files, const std::string& directory,
                                   const Options& options, const std::vector<SegmentName>& names,
                                   Files opened, const LogReader& reader, const Replay& replay) {
    std::deque<Log::Segment> segments;
    for (size_t i = 0; i < names.size(); ++i) {
      segments.push_back({names[i], std::move(opened[i])});
    }
    const uint64_t first_index = names.back().first_index;
    const uint64_t last_index =
        std::max(replay.last_index, first_index == 0 ? 0 : first_index - 1);
    return std::unique_ptr<Log>(new Log(files, directory, options, replay.metadata,
                                        std::move(segments), reader.end(), reader.crc(),
                                        replay.state, last_index));
  }
};

Result<std::vector<SnapshotRecord>> valid_snapshots(env::FileSystem& files,
                                                    const std::string& directory) {
  const Result<std::vector<SegmentName>> names = segments_from(files, directory, std::nullopt);
  GATEHOUSE_RETURN_IF_ERROR(names.status());
  const Result<Files> opened = open_all(files, directory, *names, /*writing=*/false);
  GATEHOUSE_RETURN_IF_ERROR(opened.status());
  LogReader reader = reader_of(*opened);
  const Result<Replay> found = replay(reader, nullptr);
  GATEHOUSE_RETURN_IF_ERROR(found.status());
  return found->valid_snapshots();
}

Result<Contents> read(env::FileSystem& files, const std::string& directory,
                      const SnapshotRecord& start) {
  const Result<std::vector<SegmentName>> names = segments_from(files, directory, start.index);
  GATEHOUSE_RETURN_IF_ERROR(names.status());
  const Result<Files> opened = open_all(files, directory, *names, /*writing=*/false);
  GATEHOUSE_RETURN_IF_ERROR(opened.status());
  LogReader reader = reader_of(*opened);
  Result<Replay> found = replay(reader, &start);
  GATEHOUSE_RETURN_IF_ERROR(found.status());
  GATEHOUSE_RETURN_IF_ERROR(check_start(directory, *found));
  return Contents{found->identity, found->state, std::move(found->entries),
                  std::move(found->snapshots), reader.torn()};
}

Result<Opened> open(env::FileSystem& files, const std::string& directory,
                    const SnapshotRecord& start, const Options& options) {
  const Result<std::vector<SegmentName>> names = segments_from(files, directory, start.index);
  GATEHOUSE_RETURN_IF_ERROR(names.status());
  Result<Files> opened = open_all(files, directory, *names, /*writing=*/true);
  GATEHOUSE_RETURN_IF_ERROR(opened.status());
  LogReader reader = reader_of(*opened);
  Result<Replay> found = replay(reader, &start);
  GATEHOUSE_RETURN_IF_ERROR(found.status());
  GATEHOUSE_RETURN_IF_ERROR(check_start(directory, *found));

  env::File& tail = *opened->back();
  uint64_t size = reader.size();
  if (!reader.torn().empty()) {
    GATEHOUSE_RETURN_IF_ERROR(cut_off(files, directory, tail, reader.end()));
    size = reader.end();
  }
  if (size < options.segment_bytes) {
    GATEHOUSE_RETURN_IF_ERROR(tail.allocate(0, options.segment_bytes));
  }
  // A process that was killed may have left what the kernel has and the disk has not.
  GATEHOUSE_RETURN_IF_ERROR(tail.sync_data());
  GATEHOUSE_RETURN_IF_ERROR(files.sync_directory(directory));

  Opened result;
  result.identity = found->identity;
  result.hard_state = found->state;
  result.entries = std::move(found->entries);
  result.repaired = reader.torn();
  result.log =
      Opener::make(files, directory, options, *names, *std::move(opened), reader, *found);
  return result;
}

}  // namespace gatehouse::wal
