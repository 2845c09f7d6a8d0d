// Power losses before any operation, with random loss of what was not synced. What was reported
// durable is there after reopening; what is there beyond it is what was written next.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "member/wal/log.h"
#include "tests/member/wal/wal_for_test.h"

namespace gatehouse::wal {
namespace {

// A log as it was after some append.
struct Moment {
  std::vector<raft::Entry> entries;
  raft::HardState state;
  std::vector<uint64_t> snapshots;  // indexes of records
};

struct Wreck {
  std::unique_ptr<env::SimFileSystem> disk;
  uint64_t number = 0;   // of the operation before which it happened
  size_t durable = 0;    // moment
  size_t staged = 0;     // the last moment that was begun
};

class CrashTest : public testing::Test {
 protected:
  void run(uint64_t seed) {
    std::mt19937_64 random(seed);
    auto disk = small_disk();
    std::vector<Moment> moments(1);
    size_t durable = 0;
    std::vector<Wreck> wrecks;
    const Options options = small_options(2048);
    disk->observe([&](uint64_t number, const std::string&) {
      if (random() % 2 == 0) return;
      const double survival = static_cast<double>(random() % 5) / 4;
      wrecks.push_back({disk->crash(random(), survival), number, durable, moments.size() - 1});
    });
    ASSERT_TRUE(create(*disk, kDirectory, kIdentity, options).ok());
    for (int life = 0; life < 2; ++life) {
      Result<Opened> opened = open(*disk, kDirectory, {}, options);
      ASSERT_TRUE(opened.ok());
      for (int i = 0; i < 12; ++i) step(random, *opened->log, moments, durable);
    }
    disk->observe(nullptr);
    for (const Wreck& wreck : wrecks) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(wreck.number));
      check(wreck, moments, options);
      if (testing::Test::HasFailure()) return;
    }
    survivors_ += wrecks.size();
  }

  static void step(std::mt19937_64& random, Log& log, std::vector<Moment>& moments,
                   size_t& durable) {
    Moment next = moments.back();
    next.state.term = std::max<uint64_t>(next.state.term, 1);
    const bool replaces = random() % 6 == 0;  // with at least one entry, as Raft does
    if (replaces) {
      ++next.state.term;
      next.entries.resize(next.state.commit +
                          random() % (next.entries.size() - next.state.commit + 1));
    }
    std::vector<raft::Entry> entries;
    for (uint64_t n = random() % 4 + replaces; n > 0; --n) {
      const size_t size = random() % 10 == 0 ? random() % 3000 : random() % 300;
      entries.push_back(entry(next.state.term, next.entries.size() + 1, random_bytes(random, size)));
      next.entries.push_back(entries.back());
    }
    const raft::HardState before = next.state;
    next.state.commit += random() % (next.entries.size() - next.state.commit + 1);
    const bool must_sync = !entries.empty() || before.term != moments.back().state.term;
    moments.push_back(next);
    ASSERT_TRUE(log.append(&next.state, entries, must_sync).ok());
    if (must_sync) durable = moments.size() - 1;
    if (random() % 8 == 0 && next.state.commit > 0) {
      next.snapshots.push_back(next.state.commit);
      moments.push_back(next);
      ASSERT_TRUE(
          log.append_snapshot({next.state.commit, next.entries[next.state.commit - 1].term, {}})
              .ok());
      durable = moments.size() - 1;
    }
  }

  // Every entry of `read` is one that some moment from `durable` on had at its place, and the state
  // one that was written; nothing of the durable moment that was not replaced later is missing.
  void check(const Wreck& wreck, const std::vector<Moment>& moments, const Options& options) {
    if (!*exists(*wreck.disk, kDirectory)) {
      ASSERT_EQ(wreck.staged, 0u);
      ASSERT_TRUE(create(*wreck.disk, kDirectory, kIdentity, options).ok());
      return;
    }
    const auto snapshots = valid_snapshots(*wreck.disk, kDirectory);
    ASSERT_TRUE(snapshots.ok()) << snapshots.status().to_string();
    Result<Opened> opened = open(*wreck.disk, kDirectory, {}, options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    repaired_ += !opened->repaired.empty();
    ASSERT_TRUE(continues(*opened, moments, wreck.durable, wreck.staged))
        << opened->entries.size() << " entries, durable " << moments[wreck.durable].entries.size();
    ASSERT_GE(snapshots.value().size(), 1 + moments[wreck.durable].snapshots.size());
    // It goes on, and what it had stays.
    std::vector<raft::Entry> model = opened->entries;
    const uint64_t term = std::max(opened->hard_state.term, model.empty() ? 1 : model.back().term);
    const raft::HardState state{term, 9, opened->hard_state.commit};
    const raft::Entry more[] = {entry(term, model.size() + 1, std::string(700, 'z'))};
    ASSERT_TRUE(opened->log->append(&state, more, true).ok());
    opened->log.reset();
    auto again = wreck.disk->crash(wreck.number, 0);
    opened = open(*again, kDirectory, {}, options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    ASSERT_EQ(opened->repaired, "");
    model.push_back(more[0]);
    ASSERT_EQ(opened->entries, model);
    ASSERT_EQ(opened->hard_state, state);
  }

  // Whether what was read is some moment, of those from `durable` to `staged`, or part of the way
  // from one to the next: its entries, or a part of them, with the state before.
  static bool continues(const Opened& read, const std::vector<Moment>& moments, size_t durable,
                        size_t staged) {
    for (size_t m = durable; m <= staged; ++m) {
      const Moment& moment = moments[m];
      if (read.hard_state == moment.state && read.entries == moment.entries) return true;
      if (m == staged) break;
      const std::vector<raft::Entry>& next = moments[m + 1].entries;
      const auto same = std::mismatch(moment.entries.begin(), moment.entries.end(), next.begin(),
                                      next.end());
      const size_t common = static_cast<size_t>(same.second - next.begin());
      if (read.hard_state == moment.state && read.entries.size() > common &&
          read.entries.size() <= next.size() &&
          std::equal(read.entries.begin(), read.entries.end(), next.begin())) {
        return true;
      }
    }
    return false;
  }

  size_t survivors_ = 0;
  size_t repaired_ = 0;
};

TEST_F(CrashTest, WhatWasDurableIsThere) {
  for (uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) run(seed);
  std::printf("%zu crashes, %zu repairs\n", survivors_, repaired_);
  EXPECT_GT(survivors_, 1500u);
  EXPECT_GT(repaired_, 60u);
}

}  // namespace
}  // namespace gatehouse::wal
