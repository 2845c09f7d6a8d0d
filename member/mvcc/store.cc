#include "member/mvcc/store.h"

#include "member/mvcc/metrics.h"
#include "member/mvcc/store_impl.h"
#include "member/schema/meta.h"

namespace gatehouse::mvcc {

using backend::Bucket;
using schema::RevisionKey;

Status compacted_error() {
  return Status(StatusCode::kOutOfRange,
                "etcdserver: mvcc: required revision has been compacted");
}

Status future_revision_error() {
  return Status(StatusCode::kOutOfRange,
                "etcdserver: mvcc: required revision is a future revision");
}

Status ReadTxn::check_revision(int64_t at) const {
  if (at > revision()) return future_revision_error();
  if (at > 0 && at < compacted()) return compacted_error();
  return Status();
}

void StoreView::history(int64_t first, int64_t last,
                        const std::function<bool(const Row&)>& visit) const {
  last = std::min(last, revision_);
  if (first > last) return;
  const RevisionKey begin(Revision{std::max<int64_t>(first, 0), 0});
  const RevisionKey end(Revision{last + 1, 0});
  rows_->scan(Bucket::kKey, begin, end, [&](std::string_view key, std::string_view record) {
    const std::optional<schema::ParsedRevisionKey> row = schema::parse_revision_key(key);
    // Rows were looked at when the store was opened.
    return !row || visit({row->revision, row->tombstone, record});
  });
}

std::string_view MvccStore::Current::record(Revision put) const {
  std::string_view record;
  CHECK_MSG(store_.backend_->writer().get(Bucket::kKey, RevisionKey(put), record),
            "a revision of the index has no row");
  return record;
}

Result<std::unique_ptr<Store>> Store::open(backend::Backend& backend, const StoreOptions& options) {
  auto store = std::make_unique<MvccStore>(options);
  GATEHOUSE_RETURN_IF_ERROR(store->restore(backend));
  return std::unique_ptr<Store>(std::move(store));
}

MvccStore::~MvccStore() {
  if (compactor_ != nullptr) compactor_->stop();  // none when the opening failed
}

Status MvccStore::restore(backend::Backend& backend) {
  CHECK(!in_txn_);
  Result<Loaded> loaded = load(*backend.read());
  GATEHOUSE_RETURN_IF_ERROR(loaded.status());
  install(backend, std::move(*loaded));
  return Status();
}

void MvccStore::install(backend::Backend& backend, Loaded loaded) {
  // Who waits for a compaction of the old state is told when the new one's is done.
  std::vector<Compactor::Job> left;
  if (compactor_ != nullptr) left = compactor_->stop();
  for (Compactor::Job& job : jobs_) left.push_back(std::move(job));
  jobs_.clear();
  changes_.clear();
  batch_done_ = false;

  const int64_t keys_before = index_ != nullptr ? count_keys(index_->tree(), kAllKeys, kNow) : 0;
  backend_ = &backend;
  index_ = std::move(loaded.index);
  revision_ = loaded.revision;
  finished_ = loaded.finished;
  scheduled_ = loaded.scheduled;
  compacted_ = std::max(finished_, scheduled_);
  if (options_.leases != nullptr) {
    for (const auto& [key, lease] : loaded.leases) options_.leases->attach(key, lease);
  }
  if (options_.metrics != nullptr) {
    options_.metrics->keys.add(count_keys(index_->tree(), kAllKeys, kNow) - keys_before);
  }
  auto compactor =
      std::make_shared<Compactor>(options_, backend, [this] { return store_view(); });
  {
    const std::lock_guard lock(compactor_mutex_);
    compactor.swap(compactor_);
  }
  show();
  if (left.empty() && scheduled_ > finished_) left.emplace_back();
  for (Compactor::Job& job : left) {
    if (compacted_ >= 0) {
      compactor_->schedule({compacted_, finished_, false, std::move(job.done)});
    } else if (job.done) {
      job.done();  // of what was never compacted nothing is left to remove
    }
  }
}

void MvccStore::show() {
  auto view =
      std::make_shared<const StoreView>(index_->publish(), revision_, compacted_, backend_->read());
  {
    const std::lock_guard lock(view_mutex_);
    view_.swap(view);
  }
  if (options_.metrics != nullptr) {
    options_.metrics->current_revision.set(static_cast<double>(revision_));
    options_.metrics->compact_revision.set(static_cast<double>(compacted_));
  }
}

std::vector<Change> MvccStore::publish() {
  CHECK_MSG(!in_txn_, "publish() within a transaction");
  if (!options_.wake_writer) run_writer_tasks();
  backend_->writer().end();
  show();
  if (batch_done_) {
    batch_done_ = false;
    compactor_->published();
  }
  for (Compactor::Job& job : jobs_) compactor_->schedule(std::move(job));
  jobs_.clear();
  return std::exchange(changes_, {});
}

Status MvccStore::compact(int64_t revision, UniqueFunction<void()> done) {
  CHECK(!in_txn_);
  if (revision <= compacted_) return compacted_error();
  if (revision > revision_) return future_revision_error();
  jobs_.push_back({revision, compacted_, scheduled_ == finished_, std::move(done)});
  compacted_ = scheduled_ = revision;
  backend_->writer().put(Bucket::kMeta, schema::kScheduledCompaction,
                         RevisionKey(Revision{revision, 0}));
  return Status();
}

bool MvccStore::run_writer_tasks() {
  CHECK(!in_txn_);
  if (!compactor_->has_batch()) return false;
  std::optional<Compactor::Batch> batch = compactor_->take();
  if (!batch) return false;
  backend::Writer& writer = backend_->writer();
  const auto start = std::chrono::steady_clock::now();
  for (const Compactor::Batch::Row& row : batch->rows) {
    index_->compact_key(row.key, batch->revision);
  }
  const auto index_done = std::chrono::steady_clock::now();
  for (const Compactor::Batch::Row& row : batch->rows) {
    writer.remove(Bucket::kKey, RevisionKey(row.revision, row.tombstone));
  }
  if (options_.metrics != nullptr) {
    using Milliseconds = std::chrono::duration<double, std::milli>;
    options_.metrics->index_compaction_pause.observe(Milliseconds(index_done - start).count());
    options_.metrics->rows_compaction_pause.observe(
        Milliseconds(std::chrono::steady_clock::now() - index_done).count());
  }
  if (batch->last) {
    finished_ = batch->revision;
    writer.put(Bucket::kMeta, schema::kFinishedCompaction, RevisionKey(Revision{finished_, 0}));
  }
  batch_done_ = true;
  return true;
}

std::vector<HashResult> MvccStore::compaction_hashes() const {
  std::shared_ptr<Compactor> compactor;
  {
    const std::lock_guard lock(compactor_mutex_);
    compactor = compactor_;
  }
  return compactor->hashes();
}

}  // namespace gatehouse::mvcc
