#include "member/wal/purge.h"

#include <memory>
#include <utility>

#include "member/wal/segment.h"

namespace gatehouse::wal {
namespace {

// False: the file is in use.
Result<bool> remove_one(env::FileSystem& files, const std::string& directory,
                        const std::string& name, bool lock) {
  const std::string path = env::join_path(directory, name);
  std::unique_ptr<env::File> held;
  if (lock) {
    Result<std::unique_ptr<env::File>> file = files.open(path, env::OpenMode::kReadWrite);
    GATEHOUSE_RETURN_IF_ERROR(file.status());
    const Status locked = (*file)->try_lock(env::File::LockKind::kOfd);
    if (locked.code() == StatusCode::kFailedPrecondition) return false;
    GATEHOUSE_RETURN_IF_ERROR(locked);
    held = *std::move(file);  // until it is gone
  }
  GATEHOUSE_RETURN_IF_ERROR(files.remove_file(path));
  GATEHOUSE_RETURN_IF_ERROR(files.sync_directory(directory));
  return true;
}

}  // namespace

Result<std::vector<std::string>> purge(env::FileSystem& files, const std::string& directory,
                                       std::string_view suffix, size_t keep) {
  const Result<std::vector<env::DirectoryEntry>> entries = files.list(directory);
  GATEHOUSE_RETURN_IF_ERROR(entries.status());
  std::vector<std::string> names;
  for (const env::DirectoryEntry& entry : *entries) {
    if (!entry.directory && entry.name.ends_with(suffix)) names.push_back(entry.name);
  }
  std::vector<std::string> removed;
  for (size_t i = 0; i + keep < names.size(); ++i) {
    const Result<bool> gone = remove_one(files, directory, names[i], suffix == kSegmentSuffix);
    if (!gone.ok() && removed.empty()) return gone.status();
    if (!gone.ok() || !*gone) break;
    removed.push_back(names[i]);
  }
  return removed;
}

}  // namespace gatehouse::wal
