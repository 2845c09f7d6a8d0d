// What the tests of the store share.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/env/sim_file_system.h"
#include "member/mvcc/store.h"

namespace gatehouse::mvcc {

inline const std::string_view kFromKey("\0", 1);

// A backend that commits only when told to, and a store on it. The thread of the test is the
// writer's; it waits for the store's thread in compact_fully().
class StoreForTest {
 public:
  explicit StoreForTest(env::FileSystem& files, KeyLeases* leases = nullptr,
                        int64_t compaction_batch = 7) {
    backend::Options options;
    options.batch_interval = std::chrono::hours(1);
    options.batch_limit = UINT32_MAX;
    options.initial_map_bytes = 1 << 20;
    options.lock_timeout = std::chrono::milliseconds(1);
    auto opened = backend::Backend::open(files, "db", options);
    EXPECT_TRUE(opened.ok()) << opened.status().to_string();
    backend_ = std::move(*opened);
    options_.leases = leases;
    options_.compaction_batch = compaction_batch;
    options_.compaction_sleep_ms = 0;
    options_.wake_writer = [this] {
      const std::lock_guard lock(mutex_);
      woken_ = true;
      changed_.notify_all();
    };
    auto store = Store::open(*backend_, options_);
    EXPECT_TRUE(store.ok()) << store.status().to_string();
    if (store.ok()) store_ = std::move(*store);
  }
  ~StoreForTest() { store_.reset(); }

  Store* operator->() { return store_.get(); }
  Store& operator*() { return *store_; }
  backend::Backend& backend() { return *backend_; }
  const StoreOptions& options() const { return options_; }

  int64_t put(std::string_view key, std::string_view value, int64_t lease = 0) {
    auto txn = store_->write();
    txn->put(key, value, lease);
    txn->finish();
    store_->publish();
    return store_->read().revision();
  }
  int64_t remove(std::string_view key, std::string_view end = {}) {
    auto txn = store_->write();
    const int64_t removed = txn->delete_range(key, end);
    txn->finish();
    store_->publish();
    return removed;
  }

  // Asks for a compaction; finish_compaction() to go on.
  Status start_compaction(int64_t revision) {
    done_ = false;
    const Status status = store_->compact(revision, [this] { tell_done(); });
    store_->publish();
    return status;
  }
  void tell_done() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  // One step of what the store's thread asks for. False when the compaction is done.
  bool step() {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return woken_ || done_; });
      if (!woken_) return false;
      woken_ = false;
    }
    EXPECT_TRUE(store_->run_writer_tasks());
    store_->publish();
    return true;
  }
  void finish_compaction() {
    while (step()) {
    }
  }
  void compact(int64_t revision) {
    const Status status = start_compaction(revision);
    ASSERT_TRUE(status.ok()) << status.to_string();
    finish_compaction();
  }

 private:
  std::unique_ptr<backend::Backend> backend_;
  StoreOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool done_ = false;
  std::unique_ptr<Store> store_;
};

inline std::vector<std::string> records_of(const ReadTxn& txn, std::string_view key,
                                           std::string_view end, int64_t at, int64_t limit = 0) {
  std::vector<Item> items;
  txn.items(key, end, at, limit, items);
  std::vector<std::string> records;
  for (const Item& item : items) records.emplace_back(txn.record(item.modified));
  return records;
}

}  // namespace gatehouse::mvcc
