#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "common/base/check.h"
#include "member/snap/snap.h"

namespace gatehouse::snap {
namespace {

constexpr std::string_view kDatabaseSuffix = ".snap.db";

template <typename Wanted>
Result<std::vector<std::string>> remove_those(env::FileSystem& files, const std::string& directory,
                                              Wanted wanted) {
  const Result<std::vector<env::DirectoryEntry>> entries = files.list(directory);
  GATEHOUSE_RETURN_IF_ERROR(entries.status());
  std::vector<std::string> removed;
  for (const env::DirectoryEntry& entry : entries.value()) {
    if (entry.directory || !wanted(entry.name)) continue;
    GATEHOUSE_RETURN_IF_ERROR(files.remove_file(env::join_path(directory, entry.name)));
    removed.push_back(entry.name);
  }
  return removed;
}

}  // namespace

std::string database_path(const std::string& directory, uint64_t index) {
  char text[32];
  std::snprintf(text, sizeof text, "%016" PRIx64 ".snap.db", index);
  return env::join_path(directory, text);
}

DatabaseReceiver::DatabaseReceiver(env::FileSystem& files, std::string directory,
                                   std::unique_ptr<env::File> file)
    : files_(files), directory_(std::move(directory)), file_(std::move(file)) {}

Result<std::unique_ptr<DatabaseReceiver>> DatabaseReceiver::begin(env::FileSystem& files,
                                                                  const std::string& directory,
                                                                  env::Entropy& entropy) {
  for (;;) {
    const std::string path = env::join_path(directory, "tmp" + std::to_string(entropy.next()));
    Result<std::unique_ptr<env::File>> file = files.open(path, env::OpenMode::kCreateExclusive);
    if (file.status().code() == StatusCode::kAlreadyExists) continue;
    GATEHOUSE_RETURN_IF_ERROR(file.status());
    return std::unique_ptr<DatabaseReceiver>(
        new DatabaseReceiver(files, directory, *std::move(file)));
  }
}

DatabaseReceiver::~DatabaseReceiver() {
  if (finished_) return;
  const std::string path = file_->path();
  file_.reset();
  static_cast<void>(files_.remove_file(path));  // else at the next start
}

Status DatabaseReceiver::write(std::string_view piece) {
  CHECK(!finished_);
  GATEHOUSE_RETURN_IF_ERROR(file_->write_at(bytes_, piece));
  bytes_ += piece.size();
  return Status();
}

Status DatabaseReceiver::finish(uint64_t index) {
  CHECK(!finished_);
  const Result<bool> there = files_.exists(database_path(directory_, index));
  GATEHOUSE_RETURN_IF_ERROR(there.status());
  if (*there) return Status();
  GATEHOUSE_RETURN_IF_ERROR(file_->sync_data());
  GATEHOUSE_RETURN_IF_ERROR(files_.rename(file_->path(), database_path(directory_, index)));
  finished_ = true;
  return files_.sync_directory(directory_);
}

Result<std::vector<std::string>> remove_unfinished(env::FileSystem& files,
                                                   const std::string& directory) {
  return remove_those(files, directory, [](std::string_view name) {
    return name.starts_with("tmp") || name.starts_with("db.tmp");
  });
}

Result<std::vector<std::string>> remove_databases_before(env::FileSystem& files,
                                                         const std::string& directory,
                                                         uint64_t index) {
  return remove_those(files, directory, [index](std::string_view name) {
    if (!name.ends_with(kDatabaseSuffix)) return false;
    name.remove_suffix(kDatabaseSuffix.size());
    uint64_t its_index = 0;
    const auto [end, error] =
        std::from_chars(name.data(), name.data() + name.size(), its_index, 16);
    return error == std::errc() && end == name.data() + name.size() && its_index < index;
  });
}

}  // namespace gatehouse::snap
