// Backend::open: lock, leftovers, a new file or a checked old one.
#include <chrono>
#include <thread>

#include "member/backend/backend.h"
#include "member/backend/durable_backend.h"
#include "member/backend/store.h"

namespace gatehouse::backend {
namespace {

constexpr std::chrono::milliseconds kLockRetry{50};
constexpr std::chrono::seconds kTellAfter{10};

// The file, locked. Opened anew for each try: who holds the lock may put another file in its place
// (defragment), and a lock on the old one would keep nobody out.
Result<std::unique_ptr<env::File>> open_locked(env::FileSystem& files, const std::string& path,
                                               const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  bool told = false;
  for (;;) {
    const Result<bool> there = files.exists(path);
    GATEHOUSE_RETURN_IF_ERROR(there.status());
    if (!*there) GATEHOUSE_RETURN_IF_ERROR(create_file(files, path, options.no_sync));
    Result<std::unique_ptr<env::File>> file = files.open(path, env::OpenMode::kReadWrite);
    // Not there: another process is making it right now.
    const bool absent = file.status().code() == StatusCode::kNotFound && !*there;
    if (!absent) GATEHOUSE_RETURN_IF_ERROR(file.status());
    const Status locked =
        absent ? Status(StatusCode::kFailedPrecondition, "lock " + path + ": being made")
               : (*file)->try_lock(env::File::LockKind::kFlock);
    if (locked.ok()) {
      const Result<bool> named = (*file)->has_its_name();
      GATEHOUSE_RETURN_IF_ERROR(named.status());
      if (*named) return file;
      continue;
    }
    if (locked.code() != StatusCode::kFailedPrecondition) return locked;
    const auto waited = std::chrono::steady_clock::now() - start;
    if (options.lock_timeout.count() > 0 && waited >= options.lock_timeout) return locked;
    if (!told && waited >= kTellAfter) {
      told = true;
      if (options.on_wait) options.on_wait();
    }
    std::this_thread::sleep_for(kLockRetry);
  }
}

// What a crash left while a file was made or defragmented. Only with the lock of `path`.
Status remove_leftovers(env::FileSystem& files, const std::string& path) {
  const std::string directory = directory_of(path);
  const std::string prefix = path.substr(path.rfind('/') + 1) + ".tmp.";
  Result<std::vector<env::DirectoryEntry>> entries = files.list(directory);
  GATEHOUSE_RETURN_IF_ERROR(entries.status());
  for (const env::DirectoryEntry& entry : *entries) {
    if (entry.directory || !entry.name.starts_with(prefix)) continue;
    GATEHOUSE_RETURN_IF_ERROR(files.remove_file(env::join_path(directory, entry.name)));
  }
  return Status();
}

}  // namespace

std::string_view bucket_name(Bucket bucket) {
  static constexpr std::string_view kNames[kBucketCount] = {
      "meta",    "lease",           "key",    "auth", "authUsers", "authRoles", "alarm",
      "members", "members_removed", "cluster"};
  return kNames[static_cast<size_t>(bucket)];
}

Result<std::unique_ptr<Backend>> Backend::open(env::FileSystem& files, const std::string& path,
                                               const Options& options) {
  Result<std::unique_ptr<env::File>> file = open_locked(files, path, options);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  const Result<uint64_t> size = (*file)->size();
  GATEHOUSE_RETURN_IF_ERROR(size.status());
  // Empty: another program made it and was stopped right then.
  if (*size == 0) GATEHOUSE_RETURN_IF_ERROR(fill_new_file(**file, options.no_sync));
  GATEHOUSE_RETURN_IF_ERROR(remove_leftovers(files, path));
  Result<std::unique_ptr<Store>> store = Store::open(std::move(*file), store_options(options));
  GATEHOUSE_RETURN_IF_ERROR(store.status());
  GATEHOUSE_RETURN_IF_ERROR((*store)->make_buckets());
  return std::unique_ptr<Backend>(
      std::make_unique<DurableBackend>(files, path, options, std::move(*store)));
}

Status Backend::inspect(env::FileSystem& files, const std::string& path,
                        const std::function<Status(const Reader&)>& look) {
  Result<std::unique_ptr<env::File>> file = files.open(path, env::OpenMode::kRead);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  Result<std::unique_ptr<Store>> store =
      Store::open(std::move(*file), {.initial_map_bytes = 0, .no_sync = true});
  GATEHOUSE_RETURN_IF_ERROR(store.status());
  auto view = std::make_shared<const View>(
      View{std::make_shared<WriteBuffer>(), nullptr, (*store)->state()});
  return look(CountedReader(std::move(view), std::make_shared<std::atomic<size_t>>(0)));
}

}  // namespace gatehouse::backend
