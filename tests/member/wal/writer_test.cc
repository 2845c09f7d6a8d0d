// LogWriter: what is told durable is, in order, with few syncs; a failure is told once.
#include "member/wal/writer.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "common/env/sim_executor.h"
#include "tests/member/wal/wal_for_test.h"

namespace gatehouse::wal {
namespace {

using Operation = env::SimFileSystem::Operation;

// What a writer told, with a way to wait for it.
class Told {
 public:
  WriterCallbacks callbacks() {
    return {[this](uint64_t sequence) {
              const std::lock_guard lock(mutex_);
              EXPECT_GT(sequence, durable_);
              EXPECT_TRUE(failures_.empty()) << "durable after a failure";
              durable_ = sequence;
              changed_.notify_all();
            },
            [this](const Status& status) {
              const std::lock_guard lock(mutex_);
              failures_.push_back(status);
              changed_.notify_all();
            }};
  }
  // Appends, and notes what is durable at once.
  bool append(LogWriter& writer, Batch batch, uint64_t sequence) {
    if (!writer.append(std::move(batch), sequence)) return false;
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(failures_.empty()) << "durable after a failure";
    durable_ = sequence;
    return true;
  }
  void wait_for(uint64_t sequence) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return durable_ >= sequence || !failures_.empty(); });
  }
  uint64_t durable() {
    const std::lock_guard lock(mutex_);
    return durable_;
  }
  std::vector<Status> failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t durable_ = 0;
  std::vector<Status> failures_;
};

Batch batch_of(uint64_t index) {
  Batch batch;
  batch.entries.push_back(entry(1, index, std::string(100, 'x')));
  batch.state = raft::HardState{1, 7, index - 1};
  batch.must_sync = true;
  return batch;
}

std::unique_ptr<Log> new_log(env::FileSystem& disk, Options options) {
  EXPECT_TRUE(create(disk, kDirectory, kIdentity, options).ok());
  return std::move(open(disk, kDirectory, {}, options).value().log);
}

TEST(ThreadWriter, ManyBatchesInOrder) {
  auto disk = small_disk();
  constexpr uint64_t kBatches = 3000;
  Told told;
  {
    Options options = small_options(64 << 10);
    options.prepare_ahead = true;
    ThreadWriter writer(new_log(*disk, options), told.callbacks());
    for (uint64_t i = 1; i <= kBatches; ++i) {
      told.append(writer, batch_of(i), 10 * i);
      if (i % 500 == 0) told.wait_for(10 * i);
    }
  }
  EXPECT_EQ(told.durable(), 10 * kBatches) << "the destructor writes what waits";
  const auto after = disk->crash(1, 0);
  const Result<Contents> contents = read(*after, kDirectory, {});
  ASSERT_TRUE(contents.ok()) << contents.status().to_string();
  EXPECT_EQ(contents.value().entries.size(), kBatches);
  EXPECT_EQ(contents.value().hard_state.commit, kBatches - 1);
}

TEST(ThreadWriter, OneAtATime) {
  auto disk = small_disk();
  Told told;
  ThreadWriter writer(new_log(*disk, small_options(64 << 10)), told.callbacks());
  for (uint64_t i = 1; i <= 500; ++i) {
    told.append(writer, batch_of(i), i);
    told.wait_for(i);
    if (i % 100 == 0) {
      EXPECT_EQ(read(*disk->crash(i, 0), kDirectory, {}).value().entries.size(), i);
    }
  }
}

TEST(ThreadWriter, ALoneSmallBatchIsDurableWhenItIsAppended) {
  auto disk = small_disk();
  Told told;
  {
    ThreadWriter writer(new_log(*disk, small_options(1 << 20)), told.callbacks());
    // The first ones tell how fast the disk is. The thread is idle a moment after it told.
    uint64_t last = 0;
    while (!told.append(writer, batch_of(last + 1), last + 1)) {
      ASSERT_LT(++last, 100'000u);
      told.wait_for(last);
    }
    ++last;
    EXPECT_EQ(read(*disk->crash(1, 0), kDirectory, {}).value().entries.size(), last);

    Batch large = batch_of(++last);
    large.entries[0].data = raft::Payload(std::string(ThreadWriter::kDirectBytes + 1, 'x'));
    EXPECT_FALSE(told.append(writer, std::move(large), last));
    told.wait_for(last);
    Batch snapshot;
    snapshot.snapshots.push_back({1, 1, {}});
    EXPECT_FALSE(told.append(writer, std::move(snapshot), ++last));
    told.wait_for(last);
    EXPECT_EQ(told.failures().size(), 0u);

    // It fails like any other.
    disk->fail(Operation::kSync, 1, EIO);
    EXPECT_FALSE(told.append(writer, batch_of(last), last + 1));
    told.wait_for(last + 1);
    EXPECT_FALSE(told.append(writer, batch_of(last + 1), last + 2));
  }
  EXPECT_EQ(told.failures().size(), 1u);
}

TEST(ThreadWriter, AFailureIsToldOnce) {
  for (const auto kind : {Operation::kWrite, Operation::kSync}) {
    auto disk = small_disk();
    Told told;
    {
      ThreadWriter writer(new_log(*disk, small_options(64 << 10)), told.callbacks());
      told.append(writer, batch_of(1), 1);
      told.wait_for(1);
      disk->fail(kind, 1, EIO);
      for (uint64_t i = 2; i <= 50; ++i) told.append(writer, batch_of(i), i);
      told.wait_for(50);
      told.append(writer, batch_of(51), 51);
    }
    EXPECT_EQ(told.durable(), 1u);
    ASSERT_EQ(told.failures().size(), 1u);
    EXPECT_EQ(told.failures()[0].code(), StatusCode::kUnavailable);
  }
}

TEST(InlineWriter, OneWriteAndOneSyncATurn) {
  auto disk = small_disk();
  env::SimExecutor executor;
  Told told;
  const std::unique_ptr<Log> log = new_log(*disk, small_options(64 << 10));
  InlineWriter writer(*log, executor, told.callbacks());
  disk->record();
  told.append(writer, batch_of(1), 1);
  told.append(writer, batch_of(2), 2);
  Batch snapshot;
  snapshot.snapshots.push_back({1, 1, {}});
  snapshot.release_before = 1;
  EXPECT_FALSE(told.append(writer, std::move(snapshot), 3));
  EXPECT_EQ(told.durable(), 0u) << "not from within append()";
  executor.run_until_idle();
  EXPECT_EQ(told.durable(), 3u);
  EXPECT_EQ(disk->take_record(),
            "write " + kFirstSegment + " 80+328\nsync " + kFirstSegment + "\n");
  Batch commit;
  commit.state = raft::HardState{1, 7, 2};
  told.append(writer, std::move(commit), 4);
  executor.run_until_idle();
  EXPECT_EQ(told.durable(), 4u);
  EXPECT_EQ(disk->take_record(), "write " + kFirstSegment + " 408+24\n");
  disk->fail(Operation::kSync, 1, EIO);
  told.append(writer, batch_of(3), 5);
  executor.run_until_idle();
  told.append(writer, batch_of(4), 6);
  executor.run_until_idle();
  EXPECT_EQ(told.durable(), 4u);
  EXPECT_EQ(told.failures().size(), 1u);
}

TEST(InlineWriter, DestroyedWithWorkWaiting) {
  auto disk = small_disk();
  env::SimExecutor executor;
  Told told;
  const std::unique_ptr<Log> log = new_log(*disk, small_options());
  {
    InlineWriter writer(*log, executor, told.callbacks());
    told.append(writer, batch_of(1), 1);
  }
  executor.run_until_idle();
  EXPECT_EQ(told.durable(), 0u);
}

}  // namespace
}  // namespace gatehouse::wal
