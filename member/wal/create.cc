#include <algorithm>
#include <utility>

#include "member/wal/log.h"

namespace gatehouse::wal {
namespace {

std::string parent_of(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status write_first_segment(env::FileSystem& files, const std::string& directory,
                           const Identity& identity, const Options& options) {
  FrameEncoder head;
  head.add_crc();
  head.add_metadata(encode_identity(identity));
  head.add_snapshot({});
  Result<std::unique_ptr<env::File>> file =
      files.open(env::join_path(directory, to_string(SegmentName{})), env::OpenMode::kCreateExclusive);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  GATEHOUSE_RETURN_IF_ERROR((*file)->allocate(0, options.segment_bytes));
  GATEHOUSE_RETURN_IF_ERROR((*file)->write_at(0, head.frames()));
  return (*file)->sync_data();
}

// What may be in a directory without a log: segments in the making, and hidden files.
Status check_replaceable(env::FileSystem& files, const std::string& directory) {
  const Result<bool> there = files.exists(directory);
  GATEHOUSE_RETURN_IF_ERROR(there.status());
  if (!*there) return Status();
  const Result<std::vector<env::DirectoryEntry>> entries = files.list(directory);
  GATEHOUSE_RETURN_IF_ERROR(entries.status());
  for (const env::DirectoryEntry& entry : *entries) {
    if (!entry.directory && (entry.name.ends_with(".tmp") || entry.name.starts_with('.'))) continue;
    return Status(StatusCode::kFailedPrecondition,
                  env::join_path(directory, entry.name) +
                      ": the log's directory holds what is none of a log's, and no log");
  }
  return Status();
}

}  // namespace

Result<bool> exists(env::FileSystem& files, const std::string& directory) {
  const Result<bool> there = files.exists(directory);
  GATEHOUSE_RETURN_IF_ERROR(there.status());
  if (!*there) return false;
  const Result<std::vector<SegmentName>> names = list_segments(files, directory);
  GATEHOUSE_RETURN_IF_ERROR(names.status());
  return !names->empty();
}

Status create(env::FileSystem& files, const std::string& directory, const Identity& identity,
              const Options& options) {
  const Result<bool> there = exists(files, directory);
  GATEHOUSE_RETURN_IF_ERROR(there.status());
  if (*there) return Status(StatusCode::kAlreadyExists, directory + ": there is a log");
  GATEHOUSE_RETURN_IF_ERROR(check_replaceable(files, directory));

  std::string building = directory;
  while (building.size() > 1 && building.back() == '/') building.pop_back();
  building += ".tmp";
  GATEHOUSE_RETURN_IF_ERROR(files.remove_tree(building));
  GATEHOUSE_RETURN_IF_ERROR(env::create_directories_durably(files, parent_of(building)));
  GATEHOUSE_RETURN_IF_ERROR(files.create_directories(building));
  GATEHOUSE_RETURN_IF_ERROR(write_first_segment(files, building, identity, options));
  GATEHOUSE_RETURN_IF_ERROR(files.sync_directory(building));
  GATEHOUSE_RETURN_IF_ERROR(files.remove_tree(directory));
  GATEHOUSE_RETURN_IF_ERROR(files.rename(building, directory));
  return files.sync_directory(parent_of(directory));
}

}  // namespace gatehouse::wal
