// Counting from many threads loses nothing, whichever kind of shard a thread has.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "common/metrics/cell_pool.h"
#include "common/metrics/metrics.h"

namespace gatehouse::metrics {
namespace {

TEST(Cells, LoseNothingWithOwnedAndSharedShards) {
  constexpr int kThreads = kOwnedShards + 12;  // so that some threads share
  constexpr int kAdds = 2000;
  Registry registry;
  const Counter counter = registry.counter("c_total", "A counter.");
  const UpDownCounter open = registry.up_down_counter("open", "An up-down counter.");
  const Gauge gauge = registry.gauge("g", "A gauge.");
  const Histogram histogram = registry.histogram("h", "A histogram.", {1, 2, 4});
  std::barrier together(kThreads);  // all alive at once
  std::mutex mutex;
  std::multiset<uint32_t> shards;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      counter.add(0);  // takes a shard
      {
        const std::lock_guard lock(mutex);
        shards.insert(t_shard);
      }
      together.arrive_and_wait();
      for (int i = 0; i < kAdds; ++i) {
        counter.add();
        open.add(3);
        open.sub(2);
        gauge.add(0.5);
        histogram.observe(i % 2 == 0 ? 1.0 : 3.0);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), uint64_t{kThreads} * kAdds);
  EXPECT_EQ(open.value(), int64_t{kThreads} * kAdds);
  EXPECT_EQ(gauge.value(), kThreads * kAdds / 2);
  EXPECT_EQ(histogram.count(), uint64_t{kThreads} * kAdds);
  EXPECT_EQ(histogram.sum(), 2.0 * kThreads * kAdds);
  // An owned shard belonged to one thread, and some threads did have to share.
  for (uint32_t shard = 0; shard < kOwnedShards; ++shard) EXPECT_LE(shards.count(shard), 1U);
  EXPECT_LT(*shards.rbegin(), kShards);
  EXPECT_GE(*shards.rbegin(), kOwnedShards);
}

TEST(Cells, ASuccessorTakesOverTheShardWithWhatItHolds) {
  Registry registry;
  const Counter counter = registry.counter("c_total", "A counter.");
  std::set<uint32_t> shards;
  for (int i = 0; i < 3 * static_cast<int>(kShards); ++i) {
    std::thread([&] {
      counter.add();
      shards.insert(t_shard);
    }).join();
  }
  EXPECT_EQ(counter.value(), 3U * kShards);
  EXPECT_EQ(shards.size(), 1U);
  EXPECT_LT(*shards.begin(), kOwnedShards);
}

TEST(Cells, CountWhatADestructorAtTheEndOfAThreadCounts) {
  Registry registry;
  static Counter counter;
  counter = registry.counter("c_total", "A counter.");
  struct Late {
    ~Late() { counter.add(); }
  };
  std::thread([] {
    // Made before the thread has a shard, so destroyed after the shard was given back.
    thread_local Late late;
    static_cast<void>(&late);
    counter.add();
  }).join();
  EXPECT_EQ(counter.value(), 2U);
  counter = Counter();
}

TEST(Cells, ASumSeesWhatWasAddedBefore) {
  // A scrape beside adders: never more than was added, never less than was known to be added.
  Registry registry;
  const Counter counter = registry.counter("c_total", "A counter.");
  std::atomic<uint64_t> done{0};
  std::thread adder([&] {
    for (int i = 0; i < 20'000; ++i) {
      counter.add();
      done.fetch_add(1, std::memory_order_release);
    }
  });
  uint64_t last = 0;
  while (last < 20'000) {
    const uint64_t known = done.load(std::memory_order_acquire);
    const uint64_t sum = counter.value();
    EXPECT_GE(sum, known);
    EXPECT_GE(sum, last);
    last = sum;
  }
  adder.join();
}

TEST(CellPool, GivesRunsThatDoNotOverlapAndAreZero) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  CellPool pool;
  struct Held {
    CellRun run;
    size_t count;
    std::vector<uint64_t> value;
  };
  std::vector<Held> held;
  for (int step = 0; step < 5000; ++step) {
    const auto dice = random() % 3;
    if (dice == 0 || held.empty()) {
      const size_t count = 1 + random() % 64;
      held.push_back({pool.allocate(count), count, std::vector<uint64_t>(count)});
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(held.back().run.sum(i), 0U);
    } else if (dice == 1) {
      Held& one = held[random() % held.size()];
      const size_t i = random() % one.count;
      const uint64_t n = random() % 1000;
      one.run.add(i, n);
      one.value[i] += n;
    } else {
      const size_t which = random() % held.size();
      pool.release(held[which].run, held[which].count);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
  for (const Held& one : held) {
    for (size_t i = 0; i < one.count; ++i) ASSERT_EQ(one.run.sum(i), one.value[i]);
  }
}

TEST(CellPool, ReusesWhatCameBack) {
  CellPool pool;
  for (uint32_t i = 0; i < 100 * kCellsPerShard; ++i) pool.release(pool.allocate(3), 3);
  EXPECT_EQ(pool.chunk_count(), 1U);
}

}  // namespace
}  // namespace gatehouse::metrics
