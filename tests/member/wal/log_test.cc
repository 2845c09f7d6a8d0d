// The log from outside: round trips, segments, locks, the order of syncs, disks that fail.
#include "member/wal/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/env/disk_file_system.h"
#include "member/wal/purge.h"
#include "tests/member/wal/wal_for_test.h"

namespace gatehouse::wal {
namespace {

using Operation = env::SimFileSystem::Operation;
using testing::HasSubstr;

TEST(Log, EmptyLog) {
  auto disk = small_disk();
  EXPECT_FALSE(*exists(*disk, kDirectory));
  ASSERT_TRUE(create(*disk, kDirectory, kIdentity, small_options()).ok());
  EXPECT_TRUE(*exists(*disk, kDirectory));
  EXPECT_EQ(create(*disk, kDirectory, kIdentity).code(), StatusCode::kAlreadyExists);
  const auto snapshots = valid_snapshots(*disk, kDirectory);
  ASSERT_TRUE(snapshots.ok());
  ASSERT_EQ(snapshots->size(), 1u);
  EXPECT_EQ((*snapshots)[0].index, 0u);
  const Result<Opened> opened = open(*disk, kDirectory, {}, small_options());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened.value().identity, kIdentity);
  EXPECT_EQ(opened.value().hard_state, raft::HardState());
  EXPECT_TRUE(opened.value().entries.empty());
}

TEST(Log, IsMadeOnlyWhereNothingElseIs) {
  auto disk = small_disk();
  ASSERT_TRUE(disk->create_directories(kDirectory).ok());
  const std::string theirs = env::join_path(kDirectory, "letters.txt");
  ASSERT_TRUE(disk->open(theirs, env::OpenMode::kCreate).ok());
  const Status refused = create(*disk, kDirectory, kIdentity, small_options());
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr(theirs));
  EXPECT_TRUE(*disk->exists(theirs));
  // What a member leaves that was cut short.
  ASSERT_TRUE(disk->rename(theirs, env::join_path(kDirectory, "0.tmp")).ok());
  EXPECT_TRUE(create(*disk, kDirectory, kIdentity, small_options()).ok());
}

TEST(Log, ManySegmentsAndALaterEntryWins) {
  std::mt19937_64 random(7);
  auto disk = small_disk();
  ASSERT_TRUE(create(*disk, kDirectory, kIdentity, small_options()).ok());
  std::vector<raft::Entry> model;
  raft::HardState state;
  for (int life = 0; life < 10; ++life) {
    Result<Opened> opened = open(*disk, kDirectory, {}, small_options());
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    EXPECT_EQ(opened->entries, model);
    EXPECT_EQ(opened->hard_state, state);
    EXPECT_EQ(opened->repaired, "");
    for (int i = 0; i < 40; ++i) {
      const bool replaces = random() % 8 == 0 && model.size() > state.commit;
      if (replaces) {
        model.resize(state.commit + random() % (model.size() - state.commit));
        ++state.term;
      }
      state.term = std::max<uint64_t>(state.term, 1);
      std::vector<raft::Entry> entries;
      for (uint64_t n = random() % 4 + replaces; n > 0; --n) {
        entries.push_back(entry(state.term, model.size() + 1, random_bytes(random, random() % 700)));
        model.push_back(entries.back());
      }
      state.commit += random() % (model.size() - state.commit + 1);
      ASSERT_TRUE(opened->log->append(&state, entries, random() % 2 == 0).ok());
    }
  }
  EXPECT_GT(list_segments(*disk, kDirectory)->size(), 20u);
}

TEST(Log, StartAtASnapshotReadsOnlyWhatFollows) {
  auto disk = small_disk();
  write_log(*disk, 60, 300);
  SnapshotRecord snapshot{40, 1, raftpb::ConfState()};
  snapshot.conf_state->add_voters(7);
  {
    Result<Opened> opened = open(*disk, kDirectory, {}, small_options());
    ASSERT_TRUE(opened.ok());
    ASSERT_TRUE(opened->log->append_snapshot(snapshot).ok());
    ASSERT_TRUE(opened->log->append_snapshot({61, 1, {}}).ok());  // not committed
  }
  const auto snapshots = valid_snapshots(*disk, kDirectory);
  ASSERT_EQ(snapshots.value().size(), 2u);
  EXPECT_EQ(snapshots.value()[1].index, 40u);
  EXPECT_EQ(snapshots.value()[1].conf_state->voters(0), 7u);
  Result<Opened> opened = open(*disk, kDirectory, snapshots.value()[1], small_options());
  ASSERT_TRUE(opened.ok()) << opened.status().to_string();
  ASSERT_EQ(opened->entries.size(), 20u);
  EXPECT_EQ(opened->entries[0].index, 41u);
  EXPECT_EQ(read(*disk, kDirectory, {41, 1, {}}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(read(*disk, kDirectory, {40, 2, {}}).status().code(), StatusCode::kDataLoss);
}

// A log that went another way, up to entry 12 of term 3, then a leader's snapshot at index 10 and
// what followed it, if it is `written`.
Result<Opened> after_a_snapshot_over_another_log(bool written) {
  auto disk = small_disk();
  GATEHOUSE_RETURN_IF_ERROR(create(*disk, kDirectory, kIdentity, small_options()));
  {
    Result<Opened> opened = open(*disk, kDirectory, {}, small_options());
    GATEHOUSE_RETURN_IF_ERROR(opened.status());
    std::vector<raft::Entry> entries;
    for (uint64_t index = 1; index <= 12; ++index) entries.push_back(entry(3, index, "old"));
    raft::HardState state{3, 0, 5};
    GATEHOUSE_RETURN_IF_ERROR(opened->log->append(&state, entries, true));
    GATEHOUSE_RETURN_IF_ERROR(opened->log->append_snapshot({10, 8, {}}));
    state = {8, 0, 10};
    entries = {entry(8, 11, "new")};
    if (!written) entries.clear();
    GATEHOUSE_RETURN_IF_ERROR(opened->log->append(&state, entries, true));
  }
  return open(*disk, kDirectory, {10, 8, {}}, small_options());
}

TEST(Log, EntriesOfAnotherLogAreNotBehindASnapshot) {
  const Result<Opened> followed = after_a_snapshot_over_another_log(true);
  ASSERT_TRUE(followed.ok()) << followed.status().to_string();
  EXPECT_EQ(followed->entries, std::vector<raft::Entry>{entry(8, 11, "new")});
  const Result<Opened> alone = after_a_snapshot_over_another_log(false);
  ASSERT_TRUE(alone.ok()) << alone.status().to_string();
  EXPECT_TRUE(alone->entries.empty());
}

TEST(Log, AnEntryBeforeTheStartTakesWhatWasBehindIt) {
  auto disk = small_disk();
  ASSERT_TRUE(create(*disk, kDirectory, kIdentity, small_options()).ok());
  {
    Result<Opened> opened = open(*disk, kDirectory, {}, small_options());
    ASSERT_TRUE(opened.ok());
    std::vector<raft::Entry> entries;
    for (uint64_t index = 1; index <= 12; ++index) entries.push_back(entry(3, index, "old"));
    raft::HardState state{3, 0, 5};
    ASSERT_TRUE(opened->log->append(&state, entries, true).ok());
    entries.clear();
    for (uint64_t index = 8; index <= 10; ++index) entries.push_back(entry(4, index, "new"));
    state = {4, 0, 10};
    ASSERT_TRUE(opened->log->append(&state, entries, true).ok());
    ASSERT_TRUE(opened->log->append_snapshot({9, 4, {}}).ok());
  }
  const Result<Opened> opened = open(*disk, kDirectory, {9, 4, {}}, small_options());
  ASSERT_TRUE(opened.ok()) << opened.status().to_string();
  EXPECT_EQ(opened->entries, std::vector<raft::Entry>{entry(4, 10, "new")});
}

TEST(Log, PurgeTakesWhatIsNotLocked) {
  auto disk = small_disk();
  write_log(*disk, 100, 300);
  Result<Opened> opened = open(*disk, kDirectory, {}, small_options());
  ASSERT_TRUE(opened.ok());
  const size_t all = list_segments(*disk, kDirectory)->size();
  ASSERT_GT(all, 6u);
  EXPECT_TRUE(purge(*disk, kDirectory, ".wal", 2).value().empty());
  ASSERT_TRUE(opened->log->append_snapshot({50, 1, {}}).ok());
  ASSERT_TRUE(opened->log->release_before(50).ok());
  const auto removed = purge(*disk, kDirectory, ".wal", 2);
  ASSERT_TRUE(removed.ok());
  EXPECT_EQ(removed.value()[0], "0000000000000000-0000000000000000.wal");
  const auto left = list_segments(*disk, kDirectory);
  ASSERT_TRUE(left.ok());
  EXPECT_EQ(left.value().size() + removed.value().size(), all);
  EXPECT_LT(left.value()[0].first_index, 50u);
  EXPECT_GE(left.value()[1].first_index, 50u);
  opened->log.reset();
  // Nothing but {50} can be started from, and it can.
  const auto snapshots = valid_snapshots(*disk, kDirectory);
  ASSERT_EQ(snapshots.value().size(), 1u);
  EXPECT_EQ(open(*disk, kDirectory, snapshots.value()[0], small_options()).value().entries.size(),
            50u);
  EXPECT_EQ(read(*disk, kDirectory, {}).status().code(), StatusCode::kNotFound);
  // Now nobody holds a lock.
  EXPECT_EQ(purge(*disk, kDirectory, ".wal", 2).value().size(), left.value().size() - 2);
}

TEST(Log, AMissingSegmentIsDataLoss) {
  auto disk = small_disk();
  write_log(*disk, 60, 300);
  const auto names = list_segments(*disk, kDirectory);
  ASSERT_TRUE(disk->remove_file(kDirectory + "/" + to_string(names.value()[1])).ok());
  const Status status = open(*disk, kDirectory, {}, small_options()).status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr(to_string(names.value()[2])));
}

TEST(Log, ASecondOpenerFails) {
  const std::string directory = testing::TempDir() + "/gatehouse-wal-" + std::to_string(::getpid());
  std::filesystem::remove_all(directory);
  env::DiskFileSystem disk;
  const std::string wal = directory + "/member/wal";
  Options options = small_options(100'000);
  options.prepare_ahead = true;
  ASSERT_TRUE(create(disk, wal, kIdentity, options).ok());
  {
    Result<Opened> opened = open(disk, wal, {}, options);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(open(disk, wal, {}, options).status().code(), StatusCode::kFailedPrecondition);
    EXPECT_TRUE(read(disk, wal, {}).ok());
    for (uint64_t i = 1; i <= 1000; ++i) {
      const raft::HardState state{1, 7, i - 1};
      const raft::Entry entries[] = {entry(1, i, std::string(400, 'x'))};
      ASSERT_TRUE(opened->log->append(&state, entries, i % 100 == 0).ok());
    }
    EXPECT_EQ(open(disk, wal, {}, options).status().code(), StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(open(disk, wal, {}, options).value().entries.size(), 1000u);
  const Result<std::vector<env::DirectoryEntry>> files = disk.list(wal);
  for (const env::DirectoryEntry& file : files.value()) {
    EXPECT_TRUE(file.name.ends_with(".wal")) << file.name;
  }
  std::filesystem::remove_all(directory);
}

TEST(Log, OrderOfSyncs) {
  auto disk = small_disk();
  disk->record();
  ASSERT_TRUE(create(*disk, kDirectory, kIdentity, small_options(512)).ok());
  EXPECT_EQ(disk->take_record(),
            "mkdir member/wal.tmp\n"
            "create member/wal.tmp/0000000000000000-0000000000000000.wal\n"
            "allocate member/wal.tmp/0000000000000000-0000000000000000.wal 0+512\n"
            "write member/wal.tmp/0000000000000000-0000000000000000.wal 0+80\n"
            "sync member/wal.tmp/0000000000000000-0000000000000000.wal\n"
            "sync-directory member/wal.tmp\n"
            "rename member/wal.tmp member/wal\n"
            "sync-directory member\n");
  Result<Opened> opened = open(*disk, kDirectory, {}, small_options(512));
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(disk->take_record(),
            "sync member/wal/0000000000000000-0000000000000000.wal\n"
            "sync-directory member/wal\n");
  const raft::HardState state{1, 7, 0};
  const raft::Entry one[] = {entry(1, 1, std::string(100, 'x'))};
  ASSERT_TRUE(opened->log->append(&state, one, true).ok());
  const raft::HardState commit{1, 7, 1};
  ASSERT_TRUE(opened->log->append(&commit, {}, false).ok());
  EXPECT_EQ(disk->take_record(),
            "write member/wal/0000000000000000-0000000000000000.wal 80+152\n"
            "sync member/wal/0000000000000000-0000000000000000.wal\n"
            "write member/wal/0000000000000000-0000000000000000.wal 232+24\n");
  const raft::Entry two[] = {entry(1, 2, std::string(300, 'x'))};
  ASSERT_TRUE(opened->log->append(nullptr, two, true).ok());
  EXPECT_EQ(disk->take_record(),
            "write member/wal/0000000000000000-0000000000000000.wal 256+328\n"
            "truncate member/wal/0000000000000000-0000000000000000.wal 584\n"
            "sync member/wal/0000000000000000-0000000000000000.wal\n"
            "create member/wal/0.tmp\n"
            "allocate member/wal/0.tmp 0+512\n"
            "write member/wal/0.tmp 0+80\n"
            "sync member/wal/0.tmp\n"
            "rename member/wal/0.tmp member/wal/0000000000000001-0000000000000003.wal\n"
            "sync-directory member/wal\n");
  ASSERT_TRUE(opened->log->append_snapshot({1, 1, {}}).ok());
  EXPECT_EQ(disk->take_record(),
            "write member/wal/0000000000000001-0000000000000003.wal 80+24\n"
            "sync member/wal/0000000000000001-0000000000000003.wal\n");
}

// Every kind of operation fails once, at each of its places: an error, for good, and what was
// durable before is there.
TEST(Log, FailingDisk) {
  for (const auto kind : {Operation::kOpen, Operation::kWrite, Operation::kSync,
                          Operation::kTruncate, Operation::kAllocate, Operation::kLock,
                          Operation::kRename, Operation::kSyncDirectory}) {
    int failures = 0;
    for (uint64_t nth = 1;; ++nth) {
      auto disk = small_disk();
      ASSERT_TRUE(create(*disk, kDirectory, kIdentity, small_options(1024)).ok());
      Result<Opened> opened = open(*disk, kDirectory, {}, small_options(1024));
      ASSERT_TRUE(opened.ok());
      disk->fail(kind, nth, nth % 2 == 0 ? ENOSPC : EIO);
      uint64_t durable = 0;
      Status status;
      for (uint64_t i = 1; i <= 12 && status.ok(); ++i) {
        const raft::HardState state{1, 7, i - 1};
        const raft::Entry entries[] = {entry(1, i, std::string(190, 'x'))};
        status = opened->log->append(&state, entries, true);
        if (status.ok()) durable = i;
      }
      if (status.ok()) break;
      ++failures;
      EXPECT_EQ(opened->log->sync(), status);
      EXPECT_EQ(opened->log->append(nullptr, {}, true), status);
      EXPECT_EQ(opened->log->health(), status);
      opened->log.reset();
      auto after = nth % 3 == 0 ? disk->crash(nth, 0.5) : std::move(disk);
      const Result<Opened> again = open(*after, kDirectory, {}, small_options(1024));
      ASSERT_TRUE(again.ok()) << static_cast<int>(kind) << ", " << nth << ": "
                              << again.status().to_string();
      EXPECT_GE(again.value().entries.size(), durable);
      EXPECT_LE(again.value().entries.size(), durable + 1);
    }
    EXPECT_GT(failures, 1) << static_cast<int>(kind);
  }
}

}  // namespace
}  // namespace gatehouse::wal
