// MvccStore: Store on an Index and the backend. Private to the room.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "member/mvcc/metrics.h"
#include "member/mvcc/compactor.h"
#include "member/mvcc/index.h"
#include "member/mvcc/load.h"
#include "member/mvcc/store.h"
#include "member/mvcc/store_view.h"

namespace gatehouse::mvcc {

class MvccStore final : public Store {
 public:
  explicit MvccStore(const StoreOptions& options) : options_(options), current_(*this) {}
  ~MvccStore() override;

  // Takes the place of what the store was.
  void install(backend::Backend& backend, Loaded loaded);

  std::unique_ptr<WriteTxn> write() override;
  std::vector<Change> publish() override;
  bool run_writer_tasks() override;
  const ReadTxn& read() const override { return current_; }
  Status compact(int64_t revision, UniqueFunction<void()> done) override;
  Status restore(backend::Backend& backend) override;
  std::shared_ptr<const View> view() const override { return store_view(); }
  Result<HashResult> hash_kv(int64_t revision) const override;
  std::vector<HashResult> compaction_hashes() const override;
  void count_ranges(uint64_t count) const override {
    if (options_.metrics != nullptr) options_.metrics->ranges.add(count);
  }

 private:
  class Txn;

  // The writer's reading, of its tree and its uncommitted rows.
  class Current final : public ReadTxn {
   public:
    explicit Current(const MvccStore& store) : store_(store) {}
    int64_t revision() const override { return store_.revision_; }
    int64_t compacted() const override { return store_.compacted_; }
    int64_t count(std::string_view key, std::string_view end, int64_t at) const override {
      return count_keys(store_.index_->tree(), KeyRange(key, end), moment_of(at, revision()));
    }
    void items(std::string_view key, std::string_view end, int64_t at, int64_t limit,
               std::vector<Item>& out) const override {
      list_keys(store_.index_->tree(), KeyRange(key, end), moment_of(at, revision()), limit, out);
    }
    std::string_view record(Revision put) const override;

   private:
    const MvccStore& store_;
  };

  std::shared_ptr<const StoreView> store_view() const {
    const std::lock_guard lock(view_mutex_);
    return view_;
  }
  void show();
  std::optional<HashResult> try_hash(int64_t revision, bool in_steps) const;

  const StoreOptions options_;

  // The writer's.
  backend::Backend* backend_ = nullptr;
  std::unique_ptr<Index> index_;
  int64_t revision_ = 1;
  int64_t compacted_ = -1;
  int64_t scheduled_ = -1;  // what the rows of the two names say
  int64_t finished_ = -1;
  bool in_txn_ = false;
  std::vector<Change> changes_;  // since the last publish()
  std::vector<Compactor::Job> jobs_;
  bool batch_done_ = false;
  const Current current_;

  mutable std::mutex view_mutex_;  // for the copy of the pointer
  std::shared_ptr<const StoreView> view_;

  mutable std::mutex compactor_mutex_;  // for its replacement
  std::shared_ptr<Compactor> compactor_;
};

}  // namespace gatehouse::mvcc
