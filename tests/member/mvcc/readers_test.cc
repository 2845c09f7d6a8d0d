// Threads that read views, shared ones too, while the writer writes, publishes and compacts. Run under
// the thread sanitizer, too.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "member/mvcc/key_value.h"
#include "tests/member/mvcc/store_for_test.h"

namespace gatehouse::mvcc {
namespace {

// Each transaction moves every key of a group to its own revision, so that any moment shows each
// group whole.
TEST(StoreReaders, SeeWholeMomentsWhileWritesAndCompactionsGoOn) {
  constexpr int kGroups = 40;
  constexpr int kGroupKeys = 5;
  const auto name = [](int group, int key) {
    return "group " + std::to_string(100 + group) + "/" + std::to_string(key);
  };
  env::SimFileSystem disk;
  StoreForTest store(disk, nullptr, 50);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> reads{0};
  const auto examine = [&](const View& view, std::mt19937& random) {
    const int64_t low = std::max<int64_t>(view.compacted(), 1);
    const int64_t at =
        random() % 2 == 0
            ? view.revision()
            : low + static_cast<int64_t>(random() %
                                         static_cast<uint64_t>(view.revision() - low + 1));
    const int group = static_cast<int>(random() % kGroups);
    std::vector<Item> items;
    view.items(name(group, 0), name(group, kGroupKeys), at, 0, items);
    ASSERT_EQ(view.count(name(group, 0), name(group, kGroupKeys), at),
              static_cast<int64_t>(items.size()));
    ASSERT_TRUE(items.empty() || items.size() == kGroupKeys);
    for (const Item& item : items) {
      ASSERT_EQ(item.modified.main, items[0].modified.main);
      ASSERT_LE(item.modified.main, at);
      KeyValue pair;
      ASSERT_TRUE(parse_key_value(view.record(item.modified), pair));
      ASSERT_EQ(pair.key, item.key);
      ASSERT_EQ(pair.value, std::to_string(item.modified.main));
    }
    reads.fetch_add(1, std::memory_order_relaxed);
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      while (!stop.load() && !testing::Test::HasFatalFailure()) {
        const std::shared_ptr<const View> view = store->view();
        for (uint64_t n = random() % 50; n > 0; --n) examine(*view, random);
        if (t == 0) {
          ASSERT_TRUE(store->hash_kv(0).ok());
        }
      }
    });
  }
  std::mt19937 random(7);
  const std::shared_ptr<const View> first = store->view();
  for (int i = 0; i < 3000; ++i) {
    const int group = static_cast<int>(random() % kGroups);
    const auto txn = store->write();
    if (random() % 6 == 0) {
      txn->delete_range(name(group, 0), name(group, kGroupKeys));
    } else {
      for (int key = 0; key < kGroupKeys; ++key) {
        txn->put(name(group, key), std::to_string(txn->next_revision()), 0);
      }
    }
    txn->finish();
    if (random() % 3 != 0) store->publish();
    if (i % 300 == 299) {
      store->publish();
      ASSERT_TRUE(store->compact(store->read().revision() - 20, nullptr).ok());
      store->publish();
    }
    if (store->run_writer_tasks()) store->publish();
    if (i % 100 == 0) {
      store->publish();
      ASSERT_TRUE(store.backend().commit().ok());
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(reads.load(), 0u);
  EXPECT_EQ(first->revision(), 1);
  EXPECT_EQ(first->count("", kFromKey, 0), 0);
}

}  // namespace
}  // namespace gatehouse::mvcc
