// Readers on several threads beside the writer and its commits: each sees one moment, whole. Run
// under the thread sanitizer, too.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/member/backend/backend_for_test.h"

namespace gatehouse::backend {
namespace {

// Each end() puts one revision and its number in three other places; a reader must find the four
// in agreement, at a number that never goes back.
TEST(BackendReaders, SeeOneMomentWhileTheWriterAndCommitsGoOn) {
  constexpr uint64_t kRevisions = 4000;
  env::SimFileSystem disk;
  Options options = manual_options();
  options.batch_limit = 100;
  options.initial_map_bytes = 64 << 10;
  auto backend = open_backend(disk, options);
  backend->writer().put(Bucket::kMeta, "last", "0");
  backend->writer().end();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> reads{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      uint64_t before = 0;
      while (!stop.load()) {
        const std::unique_ptr<Reader> reader = backend->read();
        std::string_view value;
        ASSERT_TRUE(reader->get(Bucket::kMeta, "last", value));
        const uint64_t last = std::stoull(std::string(value));
        ASSERT_GE(last, before);
        before = last;
        reads.fetch_add(1);
        if (last == 0) continue;
        ASSERT_TRUE(reader->get(Bucket::kKey, revision_key(last), value));
        ASSERT_EQ(value, "value " + std::to_string(last));
        ASSERT_FALSE(reader->get(Bucket::kKey, revision_key(last + 1), value));
        // Removed again 50 revisions later.
        ASSERT_EQ(reader->get(Bucket::kLease, "lease " + std::to_string(last), value), true);
        if (last > 50) {
          ASSERT_FALSE(reader->get(Bucket::kLease, "lease " + std::to_string(last - 50), value));
        }
        if (t == 0) {
          uint64_t expected = last > 200 ? last - 200 : 1;
          reader->scan(Bucket::kKey, revision_key(expected), {},
                       [&](std::string_view key, std::string_view) {
                         EXPECT_EQ(key, revision_key(expected));
                         ++expected;
                         return true;
                       });
          ASSERT_EQ(expected, last + 1);
        }
      }
    });
  }
  for (uint64_t i = 1; i <= kRevisions; ++i) {
    Writer& writer = backend->writer();
    writer.append(Bucket::kKey, revision_key(i), "value " + std::to_string(i));
    writer.put(Bucket::kLease, "lease " + std::to_string(i), "x");
    if (i > 50) writer.remove(Bucket::kLease, "lease " + std::to_string(i - 50));
    writer.put(Bucket::kMeta, "last", std::to_string(i));
    writer.end();
    if (i % 1000 == 0) {
      EXPECT_TRUE(backend->defragment().ok());
      EXPECT_TRUE(backend->commit().ok());
    }
  }
  while (reads.load() < 100) std::this_thread::yield();
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  backend.reset();
  EXPECT_EQ(check_text(disk), "");
}

TEST(BackendReaders, CommitMayBeAskedForFromManyThreads) {
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  std::atomic<uint64_t> published{0};
  std::atomic<uint64_t> rounds{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop.load()) {
        const uint64_t before = published.load();
        EXPECT_TRUE(backend->commit().ok());
        // What was published before is durable now: it would survive any power loss.
        auto after = disk.crash(before, 0);
        auto opened = open_backend(*after);
        std::string_view value;
        const std::unique_ptr<Reader> reader = opened->read();
        const bool there = reader->get(Bucket::kMeta, "n", value);
        EXPECT_GE(there ? std::stoull(std::string(value)) : 0, before);
        rounds.fetch_add(1);
      }
    });
  }
  for (uint64_t i = 1; i <= 300 || rounds.load() < 50; ++i) {
    backend->writer().put(Bucket::kMeta, "n", std::to_string(i));
    backend->writer().end();
    published.store(i);
    std::this_thread::yield();
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace gatehouse::backend
