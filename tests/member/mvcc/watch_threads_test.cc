// The publisher on a thread of its own, and a loop that begins and ends to listen all the time:
// from its created frame on a watcher misses nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/member/mvcc/watch_rig.h"

namespace gatehouse::mvcc::testing {
namespace {

std::string record_of(int64_t revision) {
  std::string out("\x0A\x01k\x10\x02\x18", 6);
  codec::append_varint(out, static_cast<uint64_t>(revision));
  return out;
}

// One key, put at every revision from 2 on; nothing else, so any thread may look.
class EndlessView final : public View {
 public:
  explicit EndlessView(int64_t revision) : revision_(revision) {}
  int64_t revision() const override { return revision_; }
  int64_t compacted() const override { return -1; }
  int64_t count(std::string_view, std::string_view, int64_t) const override { return 1; }
  void items(std::string_view, std::string_view, int64_t, int64_t,
             std::vector<Item>&) const override {}
  std::string_view record(Revision) const override { return {}; }
  void history(int64_t first, int64_t last,
               const std::function<bool(const Row&)>& visit) const override {
    CHECK(last <= revision_);
    for (int64_t r = first; r <= last; ++r) {
      const std::string record = record_of(r);
      if (!visit({{r, 0}, false, record})) return;
    }
  }

 private:
  const int64_t revision_;
};

class EndlessStore final : public FakeStore {
 public:
  std::shared_ptr<const View> view() const override {
    return std::make_shared<EndlessView>(published.load(std::memory_order_acquire));
  }
  std::atomic<int64_t> published{1};
};

TEST(WatchThreads, AGroupThatBeginsToListenMissesNothing) {
  constexpr int64_t kLast = 5'000;
  env::SimExecutor loop;
  env::SeededEntropy entropy(1);
  EndlessStore store;
  WatchFeed feed(1);
  WatchGroupOptions options;
  options.term = [] { return 1; };
  options.entropy = &entropy;
  WatchGroup group(loop, feed, store, options);

  std::atomic<int64_t> looks{0};
  std::atomic<bool> finished{false};
  std::thread publisher([&] {
    for (int64_t r = 2; r <= kLast; ++r) {
      std::vector<Change> changes(1);
      changes[0].revision = {r, 0};
      changes[0].record = record_of(r);
      changes[0].key_offset = 2;
      changes[0].key_bytes = 1;
      changes[0].created = 2;
      store.published.store(r, std::memory_order_release);
      feed.publish(std::move(changes), r);
      // Not ahead of a loop that shall come and go.
      const int64_t was = looks.load();
      while (r % 16 == 0 && looks.load() == was && !finished) std::this_thread::yield();
    }
  });
  int64_t seen = 0;
  int rounds = 0;
  while (seen < kLast && !::testing::Test::HasFailure()) {
    Client client(group);
    client.stream->create({.key = "k"});
    int64_t next = 0;
    size_t events = 0;
    // The last round goes on to the end.
    while ((events < 1 || store.published.load() == kLast) &&
           !::testing::Test::HasFailure()) {
      loop.run_until_idle();
      looks.fetch_add(1);
      for (const auto& frame : client.take()) {
        if (frame.created()) next = frame.header().revision() + 1;
        for (const auto& event : frame.events()) {
          EXPECT_EQ(event.kv().mod_revision(), next);
          ++next;
          ++events;
        }
      }
      seen = next - 1;
      if (seen == kLast) break;
    }
    ++rounds;
  }
  // A failed loop must not leave the publisher waiting.
  finished = true;
  publisher.join();
  EXPECT_EQ(seen, kLast);
  EXPECT_GT(rounds, 10);
  std::printf("%d rounds\n", rounds);
}

}  // namespace
}  // namespace gatehouse::mvcc::testing
