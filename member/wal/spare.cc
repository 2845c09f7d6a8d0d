#include "member/wal/spare.h"

#include <utility>

namespace gatehouse::wal {

SpareSegments::SpareSegments(env::FileSystem& files, std::string directory, uint64_t bytes,
                             bool ahead)
    : files_(files), directory_(std::move(directory)), bytes_(bytes) {
  if (ahead) thread_ = std::thread([this] { run(); });
}

SpareSegments::~SpareSegments() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (!ready_ || !ready_->ok()) return;
  const std::string path = (**ready_)->path();
  ready_.reset();
  static_cast<void>(files_.remove_file(path));  // the next one to be made replaces it
}

Result<std::unique_ptr<env::File>> SpareSegments::make(uint64_t number) const {
  // In turn: the one before may still be on its way to its name.
  const std::string path = env::join_path(directory_, std::to_string(number % 2) + ".tmp");
  const Result<bool> left_by_a_crash = files_.exists(path);
  GATEHOUSE_RETURN_IF_ERROR(left_by_a_crash.status());
  if (*left_by_a_crash) GATEHOUSE_RETURN_IF_ERROR(files_.remove_file(path));
  Result<std::unique_ptr<env::File>> file = files_.open(path, env::OpenMode::kCreateExclusive);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  GATEHOUSE_RETURN_IF_ERROR((*file)->allocate(0, bytes_));
  return file;
}

void SpareSegments::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !ready_; });
    if (stopping_) return;
    const uint64_t number = made_++;
    lock.unlock();
    Result<std::unique_ptr<env::File>> spare = make(number);
    lock.lock();
    ready_.emplace(std::move(spare));
    changed_.notify_all();
  }
}

Result<std::unique_ptr<env::File>> SpareSegments::take() {
  if (!thread_.joinable()) return make(made_++);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ready_.has_value(); });
  Result<std::unique_ptr<env::File>> spare = *std::move(ready_);
  ready_.reset();
  lock.unlock();
  changed_.notify_all();
  return spare;
}

}  // namespace gatehouse::wal
