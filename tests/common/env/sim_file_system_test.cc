#include "common/env/sim_file_system.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>

namespace gatehouse::env {
namespace {

using Operation = SimFileSystem::Operation;

std::unique_ptr<File> open(SimFileSystem& disk, const std::string& path,
                           OpenMode mode = OpenMode::kCreate) {
  Result<std::unique_ptr<File>> file = disk.open(path, mode);
  EXPECT_TRUE(file.ok()) << file.status().to_string();
  return std::move(*file);
}

TEST(SimFileSystem, RecordsTheOrderOfOperations) {
  SimFileSystem disk;
  disk.record();
  ASSERT_TRUE(disk.create_directories("d").ok());
  auto file = open(disk, "d/x");
  ASSERT_TRUE(file->write_at(8, "abc").ok());
  disk.fail(Operation::kSync, 1, EIO);
  EXPECT_EQ(file->sync_data().message(), "fdatasync d/x: input/output error");
  ASSERT_TRUE(file->sync_data().ok());
  ASSERT_TRUE(file->allocate(0, 100).ok());
  ASSERT_TRUE(file->truncate(5).ok());
  ASSERT_TRUE(disk.rename("d/x", "d/y").ok());
  ASSERT_TRUE(disk.sync_directory("d").ok());
  ASSERT_TRUE(disk.remove_file("d/y").ok());
  EXPECT_EQ(disk.take_record(),
            "mkdir d\n"
            "create d/x\n"
            "write d/x 8+3\n"
            "sync d/x failed\n"
            "sync d/x\n"
            "allocate d/x 0+100\n"
            "truncate d/x 5\n"
            "rename d/x d/y\n"
            "sync-directory d\n"
            "remove d/y\n");
  EXPECT_EQ(disk.take_record(), "");
}

TEST(SimFileSystem, FailsTheNthOperationOfAKind) {
  SimFileSystem disk;
  auto file = open(disk, "x");
  disk.fail(Operation::kWrite, 2, ENOSPC);
  EXPECT_TRUE(file->write_at(0, "aaaa").ok());
  const Status failed = file->write_at(0, "bbbb");
  EXPECT_EQ(failed.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(failed.message(), "write x: no space left on device");
  EXPECT_EQ(*disk.contents("x"), "bbaa") << "half of a failed write is written";
  EXPECT_TRUE(file->write_at(0, "cccc").ok());
  disk.fail(Operation::kWrite, 1, EIO, /*lasting=*/true);
  EXPECT_FALSE(file->write_at(0, "d").ok());
  EXPECT_FALSE(file->write_at(0, "d").ok());
  disk.fail(Operation::kWrite, 0, 0);
  EXPECT_TRUE(file->write_at(0, "d").ok());
}

TEST(SimFileSystem, AFullDiskOfReservedSpaceIsAnErrorNotACrash) {
  SimFileSystem disk(1 << 16);
  auto file = open(disk, "x");
  EXPECT_EQ(file->write_at((1 << 16) - 1, "ab").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(file->truncate((1 << 16) + 1).code(), StatusCode::kResourceExhausted);
  EXPECT_FALSE(file->map((1 << 16) + 1).ok());
}

TEST(SimFileSystem, ACrashKeepsWhatWasSyncedAndLosesTheRestWhenNothingSurvives) {
  SimFileSystem disk;
  auto file = open(disk, "x");
  ASSERT_TRUE(file->write_at(0, std::string(2000, 'a')).ok());
  ASSERT_TRUE(file->sync_data().ok());
  ASSERT_TRUE(disk.sync_directory("/").ok());
  ASSERT_TRUE(file->write_at(1000, std::string(3000, 'b')).ok());
  open(disk, "unsynced");

  auto lost = disk.crash(1, 0);
  EXPECT_EQ(*lost->contents("x"), std::string(2000, 'a'));
  EXPECT_FALSE(*lost->exists("unsynced"));
  auto kept = disk.crash(1, 1);
  EXPECT_EQ(*kept->contents("x"), std::string(1000, 'a') + std::string(3000, 'b'));
  EXPECT_TRUE(*kept->exists("unsynced"));
  // The crashed disk is its own: changes of one do not show in the other.
  ASSERT_TRUE(open(*kept, "x")->write_at(0, "z").ok());
  EXPECT_EQ((*disk.contents("x"))[0], 'a');
}

TEST(SimFileSystem, EachUnsyncedSectorSurvivesOrNotByTheSeed) {
  SimFileSystem disk;
  auto file = open(disk, "x");
  constexpr size_t kSectors = 64;
  ASSERT_TRUE(file->write_at(0, std::string(512 * kSectors, 'a')).ok());
  ASSERT_TRUE(file->sync_data().ok());
  ASSERT_TRUE(disk.sync_directory("/").ok());
  ASSERT_TRUE(file->write_at(0, std::string(512 * kSectors, 'b')).ok());
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::string bytes = *disk.crash(seed, 0.5)->contents("x");
    EXPECT_EQ(bytes, *disk.crash(seed, 0.5)->contents("x")) << "seed " << seed;
    size_t survivors = 0;
    for (size_t sector = 0; sector < kSectors; ++sector) {
      const std::string part = bytes.substr(sector * 512, 512);
      EXPECT_TRUE(part == std::string(512, 'a') || part == std::string(512, 'b'));
      survivors += part[0] == 'b';
    }
    EXPECT_GT(survivors, 10u);
    EXPECT_LT(survivors, 54u);
    outcomes.insert(bytes);
  }
  EXPECT_EQ(outcomes.size(), 20u);
}

TEST(SimFileSystem, AnUnsyncedTruncationMayComeBack) {
  SimFileSystem disk;
  auto file = open(disk, "x");
  ASSERT_TRUE(file->write_at(0, std::string(1500, 'a')).ok());
  ASSERT_TRUE(file->sync_data().ok());
  ASSERT_TRUE(disk.sync_directory("/").ok());
  ASSERT_TRUE(file->truncate(100).ok());
  EXPECT_EQ(*disk.crash(1, 0)->contents("x"), std::string(1500, 'a'));
  EXPECT_EQ(*disk.crash(1, 1)->contents("x"), std::string(100, 'a'));
  ASSERT_TRUE(file->sync_data().ok());
  EXPECT_EQ(*disk.crash(1, 0)->contents("x"), std::string(100, 'a'));
}

TEST(SimFileSystem, ARenameIsDurableOnceBothDirectoriesAreSynced) {
  SimFileSystem disk;
  ASSERT_TRUE(disk.create_directories("a").ok());
  ASSERT_TRUE(disk.create_directories("b").ok());
  ASSERT_TRUE(disk.sync_directory("/").ok());
  auto file = open(disk, "a/x");
  ASSERT_TRUE(file->write_at(0, "new").ok());
  ASSERT_TRUE(file->sync_data().ok());
  ASSERT_TRUE(disk.sync_directory("a").ok());
  ASSERT_TRUE(disk.replace_contents("b/x", "old").ok());
  ASSERT_TRUE(disk.sync_directory("b").ok());
  ASSERT_TRUE(disk.rename("a/x", "b/x").ok());
  EXPECT_EQ(*disk.crash(1, 0)->contents("b/x"), "old");
  EXPECT_EQ(*disk.crash(1, 1)->contents("b/x"), "new");
  EXPECT_FALSE(*disk.crash(1, 1)->exists("a/x"));
  ASSERT_TRUE(disk.sync_directory("b").ok());
  EXPECT_EQ(*disk.crash(1, 0)->contents("b/x"), "old");
  ASSERT_TRUE(disk.sync_directory("a").ok());
  EXPECT_EQ(*disk.crash(1, 0)->contents("b/x"), "new");
  EXPECT_FALSE(*disk.crash(1, 0)->exists("a/x"));
  // Within one directory a half survived rename would lose the file: it never happens.
  ASSERT_TRUE(disk.rename("b/x", "b/y").ok());
  for (uint64_t seed = 0; seed < 50; ++seed) {
    auto after = disk.crash(seed, 0.5);
    EXPECT_NE(*after->exists("b/x"), *after->exists("b/y")) << "seed " << seed;
  }
}

TEST(SimFileSystem, LocksDoNotSurviveACrash) {
  SimFileSystem disk;
  auto file = open(disk, "x");
  ASSERT_TRUE(file->try_lock(File::LockKind::kOfd).ok());
  ASSERT_TRUE(disk.sync_directory("/").ok());
  EXPECT_FALSE(open(disk, "x")->try_lock(File::LockKind::kOfd).ok());
  auto after = disk.crash(1, 0);
  EXPECT_TRUE(open(*after, "x")->try_lock(File::LockKind::kOfd).ok());
}

TEST(SimFileSystem, TheObserverSeesEachOperationBeforeItHappens) {
  SimFileSystem disk;
  auto file = open(disk, "x");
  ASSERT_TRUE(disk.sync_directory("/").ok());
  std::unique_ptr<SimFileSystem> before_second_write;
  disk.observe([&](uint64_t number, const std::string& line) {
    if (line == "write x 1+1") before_second_write = disk.crash(number, 1);
  });
  ASSERT_TRUE(file->write_at(0, "a").ok());
  ASSERT_TRUE(file->write_at(1, "b").ok());
  ASSERT_NE(before_second_write, nullptr);
  EXPECT_EQ(*before_second_write->contents("x"), "a");
}

}  // namespace
}  // namespace gatehouse::env
