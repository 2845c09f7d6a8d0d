#include "member/mvcc/compactor.h"

#include <chrono>

#include "member/mvcc/key_value.h"
#include "member/mvcc/metrics.h"

namespace gatehouse::mvcc {
namespace {

using Clock = std::chrono::steady_clock;

// Rows looked at with one view, most of which may be there to stay.
constexpr int64_t kRowsPerView = 20'000;
constexpr size_t kHashesKept = 10;

}  // namespace

// The way of one job through the rows.
class Compactor::Scan {
 public:
  Scan(const Compactor& compactor, const Job& job)
      : options_(compactor.options_),
        revision_(job.revision),
        hash_(job.revision, job.previous, true) {}

  Batch step(const StoreView& view) {
    Batch batch;
    batch.revision = revision_;
    const Tree tree = view.tree();
    const schema::RevisionKey end(Revision{revision_ + 1, 0});
    int64_t looked_at = 0;
    bool more = false;
    view.rows().scan(
        backend::Bucket::kKey, next_, end, [&](std::string_view row_key, std::string_view record) {
          if (looked_at++ == kRowsPerView ||
              static_cast<int64_t>(batch.rows.size()) == options_.compaction_batch) {
            next_ = row_key;
            more = true;
            return false;
          }
          look_at(tree, row_key, record, batch);
          return true;
        });
    batch.last = !more;
    return batch;
  }

  uint32_t hash() const { return hash_.value(); }

 private:
  void look_at(const Tree& tree, std::string_view row_key, std::string_view record, Batch& batch) {
    const std::optional<schema::ParsedRevisionKey> row = schema::parse_revision_key(row_key);
    KeyValue pair;
    if (!row || !parse_key_value(record, pair)) {
      // It was understood when the store was opened.
      LOG_ERROR(options_.logger, "a row became unreadable and is left alone by the compaction",
                {"compact-revision", revision_});
      return;
    }
    hash_.add(tree, row_key, row->revision, row->tombstone, pair.key, record);
    if (survives(tree, pair.key, row->revision, revision_)) return;
    batch.rows.push_back({row->revision, row->tombstone, std::string(pair.key)});
  }

  const StoreOptions& options_;
  const int64_t revision_;
  RowHash hash_;
  std::string next_{schema::RevisionKey(Revision{0, 0}).view()};
};

Compactor::Compactor(const StoreOptions& options, backend::Backend& backend, TakeView view)
    : options_(options), backend_(backend), view_(std::move(view)) {}

Compactor::~Compactor() { stop(); }

void Compactor::schedule(Job job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

std::optional<Compactor::Batch> Compactor::take() {
  const std::lock_guard lock(mutex_);
  if (batch_state_ != BatchState::kOffered) return std::nullopt;
  has_batch_.store(false, std::memory_order_relaxed);
  batch_state_ = BatchState::kTaken;
  return std::exchange(batch_, std::nullopt);
}

void Compactor::published() {
  const std::lock_guard lock(mutex_);
  CHECK(batch_state_ == BatchState::kTaken);
  batch_state_ = BatchState::kNone;
  changed_.notify_all();
}

std::vector<Compactor::Job> Compactor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  std::vector<Job> left(std::make_move_iterator(jobs_.begin()),
                        std::make_move_iterator(jobs_.end()));
  jobs_.clear();
  return left;
}

std::vector<HashResult> Compactor::hashes() const {
  const std::lock_guard lock(mutex_);
  return {hashes_.begin(), hashes_.end()};
}

void Compactor::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job& job = jobs_.front();  // stays in place while others are put behind it
    lock.unlock();
    if (!run_job(job)) return;
    if (job.done) job.done();
    lock.lock();
    jobs_.pop_front();
  }
}

bool Compactor::run_job(Job& job) {
  // That the compaction is to be is durable before anything is removed. When commits fail, the
  // member is about to stop.
  static_cast<void>(backend_.commit());
  const Clock::time_point start = Clock::now();
  Scan scan(*this, job);
  while (true) {
    Batch batch = scan.step(*view_());
    const bool last = batch.last;
    const bool removes = !batch.rows.empty();
    if (options_.metrics != nullptr) options_.metrics->compacted_rows.add(batch.rows.size());
    if ((removes || last) && !hand_over(std::move(batch))) return false;
    if (last) break;
    std::unique_lock lock(mutex_);
    if (removes) {
      changed_.wait_for(lock, std::chrono::milliseconds(options_.compaction_sleep_ms),
                        [this] { return stopping_; });
    }
    if (stopping_) return false;
  }
  if (job.whole) remember({scan.hash(), job.previous, job.revision});
  static_cast<void>(backend_.commit());
  const auto took = Clock::now() - start;
  LOG_INFO(options_.logger, "finished scheduled compaction", {"compact-revision", job.revision},
           {"took", took}, {"hash", scan.hash()});
  if (options_.metrics != nullptr) {
    const double milliseconds = std::chrono::duration<double, std::milli>(took).count();
    options_.metrics->compaction_duration.observe(milliseconds);
    options_.metrics->last_compaction.set(
        static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count()));
  }
  return true;
}

bool Compactor::hand_over(Batch batch) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    batch_ = std::move(batch);
    batch_state_ = BatchState::kOffered;
    has_batch_.store(true, std::memory_order_release);
  }
  if (options_.wake_writer) options_.wake_writer();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || batch_state_ == BatchState::kNone; });
  return batch_state_ == BatchState::kNone;
}

void Compactor::remember(const HashResult& hash) {
  const std::lock_guard lock(mutex_);
  hashes_.push_front(hash);
  if (hashes_.size() > kHashesKept) hashes_.pop_back();
}

}  // namespace gatehouse::mvcc
