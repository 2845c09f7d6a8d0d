#include "member/backend/durable_backend.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/check.h"
#include "member/backend/copy.h"

namespace gatehouse::backend {

StoreOptions store_options(const Options& options) {
  return {options.initial_map_bytes, options.persist_freelist, options.no_sync};
}

DurableBackend::DurableBackend(env::FileSystem& files, std::string path, const Options& options,
                               std::unique_ptr<Store> store)
    : files_(files),
      path_(std::move(path)),
      options_(options),
      buffer_(std::make_shared<WriteBuffer>()),
      store_(std::move(store)) {
  view_ = std::make_shared<View>(View{buffer_, nullptr, store_->state()});
  note_sizes();
  thread_ = std::thread([this] { run(); });
}

DurableBackend::~DurableBackend() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

std::shared_ptr<const View> DurableBackend::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

std::unique_ptr<Reader> DurableBackend::read() const {
  return std::make_unique<CountedReader>(view(), readers_);
}

Status DurableBackend::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void DurableBackend::note_sizes() {
  const Meta& meta = store_->state()->meta();
  size_.store(meta.high_water * meta.page_bytes);
  size_in_use_.store((meta.high_water - store_->free_pages()) * meta.page_bytes);
}

uint64_t DurableBackend::expected_size_bytes() const {
  const uint64_t with_waiting = size_in_use_.load(std::memory_order_relaxed) +
                                waiting_.load(std::memory_order_relaxed);
  return std::max(size_.load(std::memory_order_relaxed), with_waiting);
}

// The writer.

void DurableBackend::begin_change() {
  own_reader_.reset();
  if (writing_ != nullptr) return;
  const std::lock_guard lock(mutex_);
  in_change_ = true;
  writing_ = buffer_.get();
  estimate_before_ = writing_->estimated_bytes();
}

void DurableBackend::put(Bucket bucket, std::string_view key, std::string_view value) {
  begin_change();
  writing_->put(bucket, key, value);
}

void DurableBackend::append(Bucket bucket, std::string_view key, std::string_view value) {
  begin_change();
  writing_->append(bucket, key, value);
}

void DurableBackend::remove(Bucket bucket, std::string_view key) {
  begin_change();
  writing_->remove(bucket, key);
}

bool DurableBackend::get(Bucket bucket, std::string_view key, std::string_view& value) const {
  // Kept until the next change, as the values are.
  if (!own_reader_) {
    std::shared_ptr<const View> now = view();
    const Moment moment = writing_ != nullptr ? writing_->unpublished() : now->active->moment();
    own_reader_.emplace(std::move(now), moment);
  }
  return own_reader_->get(bucket, key, value);
}

void DurableBackend::end() {
  if (writing_ == nullptr) return;
  const bool first = active_empty();
  writing_->publish();
  waiting_.fetch_add(writing_->estimated_bytes() - estimate_before_, std::memory_order_relaxed);
  const uint32_t operations = writing_->unpublished().changes;
  const bool too_much = writing_->bytes() > kMaxBufferedBytes;
  const bool full = operations >= options_.batch_limit;
  writing_ = nullptr;
  own_reader_.reset();

  std::unique_lock lock(mutex_);
  in_change_ = false;
  bool sealed = false;
  if (seal_wanted_) {
    seal();
    sealed = true;
  }
  // The thread sleeps until there is something, and then for batch_interval or until it is much.
  const bool wake = !sealed && (first || (full && !told_full_));
  told_full_ = full && !sealed;
  if (too_much) {
    commit_wanted_ = true;
    work_.notify_one();
    done_.wait(lock, [this] { return active_empty() || !health_.ok(); });
  }
  lock.unlock();
  if (sealed) done_.notify_all();
  if (wake) work_.notify_one();
}

// The thread that commits.

void DurableBackend::seal() {
  seal_wanted_ = false;
  CHECK(view_->sealed == nullptr);
  std::shared_ptr<WriteBuffer> sealed = std::exchange(buffer_, std::make_shared<WriteBuffer>());
  told_full_ = false;
  ++generation_;
  view_ = std::make_shared<View>(View{buffer_, std::move(sealed), view_->tree});
}

void DurableBackend::run() {
  std::unique_lock lock(mutex_);
  const auto urgent = [this] {
    return stopping_ || commit_wanted_ || buffer_->moment().changes >= options_.batch_limit;
  };
  while (health_.ok()) {
    work_.wait(lock, [this] { return stopping_ || commit_wanted_ || !active_empty(); });
    if (!urgent()) work_.wait_for(lock, options_.batch_interval, urgent);
    if (active_empty()) {
      if (stopping_) return;
      commit_wanted_ = false;
      done_.notify_all();
      continue;
    }
    commit_wanted_ = false;
    if (in_change_) {
      seal_wanted_ = true;
      done_.wait(lock, [this] { return !seal_wanted_; });
    } else {
      seal();
    }
    done_.notify_all();  // the writer that waits for room
    const uint64_t generation = generation_ - 1;
    std::shared_ptr<const WriteBuffer> sealed = view_->sealed;
    lock.unlock();
    const Status status = commit_sealed(*sealed);
    sealed.reset();  // not under the lock, for which readers wait
    lock.lock();
    if (status.ok()) {
      committed_generation_ = generation;
    } else {
      health_ = status;
    }
    done_.notify_all();
  }
}

Status DurableBackend::commit_sealed(const WriteBuffer& sealed) {
  const std::lock_guard store_lock(store_mutex_);
  const auto start = std::chrono::steady_clock::now();
  GATEHOUSE_RETURN_IF_ERROR(store_->commit(batch_of(sealed)));
  // Before the sizes have it: counted twice, it might refuse a write that fits.
  waiting_.fetch_sub(sealed.estimated_bytes(), std::memory_order_relaxed);
  note_sizes();
  std::shared_ptr<const View> old;
  {
    const std::lock_guard lock(mutex_);
    old =
        std::exchange(view_, std::make_shared<View>(View{view_->active, nullptr, store_->state()}));
  }
  old.reset();
  if (options_.on_commit) {
    CommitTimes times = store_->last_times();
    times.total = std::chrono::steady_clock::now() - start;
    options_.on_commit(times);
  }
  return Status();
}

Status DurableBackend::commit() {
  std::unique_lock lock(mutex_);
  // What is published is in the active buffer or in the sealed one.
  const uint64_t wanted = active_empty() ? generation_ - 1 : generation_;
  while (health_.ok() && committed_generation_ < wanted) {
    if (generation_ == wanted) {
      commit_wanted_ = true;
      work_.notify_one();
    }
    done_.wait(lock);
  }
  return health_;
}

// Copies.

Status DurableBackend::snapshot(
    const std::function<Status(uint64_t total, std::string_view piece)>& sink) {
  GATEHOUSE_RETURN_IF_ERROR(commit());
  const auto start = std::chrono::steady_clock::now();
  GATEHOUSE_RETURN_IF_ERROR(stream_state(view()->tree, sink));
  if (options_.on_snapshot) options_.on_snapshot(std::chrono::steady_clock::now() - start);
  return Status();
}

namespace {

class StateCopy final : public Copy {
 public:
  StateCopy(std::shared_ptr<const TreeState> state, std::shared_ptr<std::atomic<size_t>> readers)
      : rows_(std::make_shared<View>(View{std::make_shared<WriteBuffer>(), nullptr, state}),
              std::move(readers)),
        bytes_(std::move(state)) {}

  const Reader& rows() const override { return rows_; }
  uint64_t size_bytes() const override { return bytes_.total(); }
  std::string_view next_piece() override { return bytes_.next(); }

 private:
  const CountedReader rows_;
  StateBytes bytes_;
};

}  // namespace

Result<std::unique_ptr<Copy>> DurableBackend::copy() {
  GATEHOUSE_RETURN_IF_ERROR(commit());
  return std::unique_ptr<Copy>(std::make_unique<StateCopy>(view()->tree, readers_));
}

Status DurableBackend::take_over(const std::string& path) {
  CHECK_MSG(writing_ == nullptr, "a change is under way");
  // Afterwards nothing waits for the thread that commits, so that it touches neither file.
  GATEHOUSE_RETURN_IF_ERROR(commit());
  const std::lock_guard store_lock(store_mutex_);
  GATEHOUSE_RETURN_IF_ERROR(health());
  Result<std::unique_ptr<env::File>> file = files_.open(path, env::OpenMode::kReadWrite);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  GATEHOUSE_RETURN_IF_ERROR((*file)->try_lock(env::File::LockKind::kFlock));
  Result<std::unique_ptr<Store>> store = Store::open(std::move(*file), store_options(options_));
  GATEHOUSE_RETURN_IF_ERROR(store.status());
  GATEHOUSE_RETURN_IF_ERROR((*store)->make_buckets());
  GATEHOUSE_RETURN_IF_ERROR(files_.rename(path, path_));
  Status status;
  if (!options_.no_sync) status = files_.sync_directory(directory_of(path_));
  const std::lock_guard lock(mutex_);
  if (!status.ok()) {
    // As in defragment(): which of the two is there after a power loss is not known.
    health_ = status;
    done_.notify_all();
    return status;
  }
  CHECK_MSG(view_->sealed == nullptr && active_empty(), "written to while it was replaced");
  own_reader_.reset();
  std::swap(store_, *store);
  view_ = std::make_shared<View>(View{view_->active, nullptr, store_->state()});
  note_sizes();
  return status;
}

Result<std::unique_ptr<Store>> DurableBackend::packed_copy(const std::string& temporary) {
  Result<std::unique_ptr<env::File>> file = files_.open(temporary, env::OpenMode::kCreateExclusive);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  // Before it has the name, so that nobody else gets it in between.
  GATEHOUSE_RETURN_IF_ERROR((*file)->try_lock(env::File::LockKind::kFlock));
  GATEHOUSE_RETURN_IF_ERROR(copy_compactly(*store_->state(), **file));
  if (!options_.no_sync) GATEHOUSE_RETURN_IF_ERROR((*file)->sync_data());
  return Store::open(std::move(*file), store_options(options_));
}

Status DurableBackend::defragment() {
  const auto start = std::chrono::steady_clock::now();
  ++defragmenting_;
  const Status status = pack();
  --defragmenting_;
  if (options_.on_defragment) options_.on_defragment(std::chrono::steady_clock::now() - start);
  return status;
}

Status DurableBackend::pack() {
  GATEHOUSE_RETURN_IF_ERROR(commit());
  const std::lock_guard store_lock(store_mutex_);
  GATEHOUSE_RETURN_IF_ERROR(health());
  const std::string temporary = path_ + ".tmp." + std::to_string(++copies_);
  Result<std::unique_ptr<Store>> copy = packed_copy(temporary);
  Status status = copy.status();
  if (status.ok()) status = files_.rename(temporary, path_);
  if (!status.ok()) {
    // Of no use to anyone, and removed at the next start if not now.
    static_cast<void>(files_.remove_file(temporary));
    return status;
  }
  if (!options_.no_sync) status = files_.sync_directory(directory_of(path_));
  const std::lock_guard lock(mutex_);
  if (!status.ok()) {
    // Which of the two files a power loss would leave is not known: commits to neither are safe.
    health_ = status;
    done_.notify_all();
    return status;
  }
  std::swap(store_, *copy);  // the old one goes after the lock
  view_ = std::make_shared<View>(View{view_->active, view_->sealed, store_->state()});
  note_sizes();
  return Status();
}

}  // namespace gatehouse::backend
