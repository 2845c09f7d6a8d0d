// Power losses at random operations with random loss of what was not synced: the file is always
// whole, and its state that of a commit, no older than the last that was acknowledged.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/member/backend/backend_for_test.h"

namespace gatehouse::backend {
namespace {

// The file as a crash left it, and what must be in it.
struct Wreck {
  std::unique_ptr<env::SimFileSystem> disk;
  uint64_t number = 0;      // of the operation before which it happened
  size_t acknowledged = 0;  // the state of the last commit() that returned
  size_t written = 0;       // states there were
};

class CrashTest : public testing::Test {
 protected:
  // Runs some commits and defragmentations, and crashes before each operation with a chance of one
  // in `rarely`.
  void run(uint64_t seed, uint64_t rarely) {
    std::mt19937_64 random(seed);
    env::SimFileSystem disk(32 << 20);
    states_.assign(1, Contents());  // the buckets, empty
    size_t acknowledged = 0;
    wrecks_.clear();
    disk.observe([&](uint64_t number, const std::string&) {
      if (random() % rarely != 0) return;
      const double survival = static_cast<double>(random() % 5) / 4;
      wrecks_.push_back({disk.crash(random(), survival), number, acknowledged, states_.size()});
    });
    Options options = manual_options();
    options.initial_map_bytes = 64 << 10;  // so that it is mapped anew, too
    options.persist_freelist = random() % 2 == 0;
    for (int life = 0; life < 3; ++life) {
      auto backend = open_backend(disk, options);
      ASSERT_NE(backend, nullptr);
      for (int commit = 0; commit < 8; ++commit) {
        Contents state = states_.back();
        change(random, *backend, state);
        states_.push_back(std::move(state));
        ASSERT_TRUE(backend->commit().ok());
        acknowledged = states_.size() - 1;
        if (random() % 8 == 0) {
          ASSERT_TRUE(backend->defragment().ok());
        }
      }
    }
    disk.observe(nullptr);
  }

  static void change(std::mt19937_64& random, Backend& backend, Contents& state) {
    Writer& writer = backend.writer();
    for (uint64_t i = 1 + random() % 60; i > 0; --i) {
      const auto bucket = static_cast<Bucket>(random() % 4);
      Pairs& pairs = state[static_cast<size_t>(bucket)];
      const std::string key = std::to_string(random() % 150);
      if (random() % 3 == 0 && !pairs.empty()) {
        auto at = pairs.lower_bound(key);
        if (at == pairs.end()) at = pairs.begin();
        writer.remove(bucket, at->first);
        pairs.erase(at);
      } else {
        const std::string value(random() % (random() % 20 == 0 ? 9000 : 200), 'v');
        writer.put(bucket, key, value);
        pairs[key] = value;
      }
    }
    writer.end();
  }

  void examine() {
    for (Wreck& wreck : wrecks_) {
      SCOPED_TRACE("before operation " + std::to_string(wreck.number));
      Result<std::unique_ptr<Backend>> backend = Backend::open(*wreck.disk, "db", manual_options());
      ASSERT_TRUE(backend.ok()) << backend.status().to_string();
      const Contents contents = contents_of(*(*backend)->read());
      size_t at = wreck.acknowledged;
      while (at < wreck.written && contents != states_[at]) ++at;
      EXPECT_LT(at, wreck.written) << "not a state since the last acknowledged commit";
      // It goes on from there.
      (*backend)->writer().put(Bucket::kMeta, "after", "the crash");
      (*backend)->writer().end();
      ASSERT_TRUE((*backend)->commit().ok());
      backend->reset();
      EXPECT_EQ(check_text(*wreck.disk), "");
      const Result<std::vector<env::DirectoryEntry>> left = wreck.disk->list(".");
      ASSERT_TRUE(left.ok());
      EXPECT_EQ(left->size(), 1u) << "leftovers";
      if (HasFailure()) return;
    }
  }

  std::vector<Contents> states_;
  std::vector<Wreck> wrecks_;
};

TEST_F(CrashTest, EveryWreckHoldsACommittedState) {
  size_t wrecks = 0;
  for (int round = 0; round < 12; ++round) {
    const uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    run(seed, 5);
    if (HasFailure()) return;
    wrecks += wrecks_.size();
    examine();
    if (HasFailure()) return;
  }
  EXPECT_GT(wrecks, 200u);
}

// The states of a run are told apart by the test above only if losing a sync would show: a disk
// whose syncs do nothing must leave wrecks that fail.
TEST_F(CrashTest, WithoutSyncsWrecksAreBroken) {
  size_t broken = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    env::SimFileSystem disk(32 << 20);
    Options options = manual_options();
    options.no_sync = true;
    auto backend = open_backend(disk, options);
    std::mt19937_64 random(seed);
    Contents state;
    for (int i = 0; i < 6; ++i) {
      change(random, *backend, state);
      ASSERT_TRUE(backend->commit().ok());
    }
    auto after = disk.crash(seed, 0.7);
    const auto opened = Backend::open(*after, "db", manual_options());
    broken += !opened.ok() || contents_of(*(*opened)->read()) != state;
  }
  EXPECT_GT(broken, 10u);
}

}  // namespace
}  // namespace gatehouse::backend
