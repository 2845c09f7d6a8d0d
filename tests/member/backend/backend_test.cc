#include "member/backend/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string>

#include "member/backend/page.h"
#include "tests/member/backend/backend_for_test.h"

namespace gatehouse::backend {
namespace {

using Operation = env::SimFileSystem::Operation;

std::string unhex(std::string_view text) {
  std::string bytes;
  std::string digits;
  for (char c : text) {
    if (c != ' ') digits += c;
  }
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::string value_of(const Reader& reader, Bucket bucket, std::string_view key) {
  std::string_view value;
  return reader.get(bucket, key, value) ? std::string(value) : "(none)";
}

// The golden text of format.md's table: nothing is renamed before it is synced, no meta is written
// before the pages it reaches are.
TEST(BackendOrder, ANewFileIsWholeBeforeItHasItsName) {
  env::SimFileSystem disk;
  disk.record();
  auto backend = open_backend(disk);
  EXPECT_EQ(disk.take_record(),
            "create db.tmp.new\n"
            "truncate db.tmp.new 0\n"
            "write db.tmp.new 0+16384\n"
            "sync db.tmp.new\n"
            "rename db.tmp.new db\n"
            "sync-directory .\n"
            // The ten buckets: all inline in the new root, page 4.
            "truncate db 16801792\n"
            "write db 16384+4096\n"
            "sync db\n"
            "write db 0+4096\n"
            "sync db\n");
}

TEST(BackendOrder, ACommitWritesPagesSyncsThenMetaSyncs) {
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  disk.record();
  Writer& writer = backend->writer();
  for (uint64_t i = 1; i <= 20; ++i)
    writer.append(Bucket::kKey, revision_key(i), std::string(300, 'v'));
  writer.put(Bucket::kMeta, "consistent_index", "12345678");
  writer.end();
  EXPECT_EQ(disk.take_record(), "");
  ASSERT_TRUE(backend->commit().ok());
  EXPECT_EQ(disk.take_record(),
            "write db 8192+8192\n"  // the pages of the old root and freelist are free: taken first
            "write db 20480+8192\n"
            "sync db\n"
            "write db 4096+4096\n"
            "sync db\n");
  ASSERT_TRUE(backend->commit().ok());
  EXPECT_EQ(disk.take_record(), "") << "nothing to commit, nothing written";
}

TEST(BackendOrder, DefragmentingSyncsTheCopyBeforeItTakesTheName) {
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  backend->writer().put(Bucket::kMeta, "a", "1");
  backend->writer().end();
  ASSERT_TRUE(backend->commit().ok());
  disk.record();
  ASSERT_TRUE(backend->defragment().ok());
  EXPECT_EQ(disk.take_record(),
            "create db.tmp.1\n"
            "write db.tmp.1 8192+4096\n"
            "write db.tmp.1 0+4096\n"
            "write db.tmp.1 4096+4096\n"
            "sync db.tmp.1\n"
            "rename db.tmp.1 db\n"
            "sync-directory .\n");
}

TEST(BackendFormat, ANewFileHasTheBytesOfFormatMd) {
  env::SimFileSystem disk;
  std::string before_rename;
  disk.observe([&](uint64_t, const std::string& line) {
    if (line.starts_with("rename")) before_rename = *disk.contents("db.tmp.new");
  });
  open_backend(disk);
  ASSERT_EQ(before_rename.size(), 4 * 4096u);
  EXPECT_EQ(before_rename.substr(0, 80),
            unhex("0000000000000000 0400 0000 00000000"
                  "edda0ced 02000000 00100000 00000000 0300000000000000 0000000000000000"
                  "0200000000000000 0400000000000000 0000000000000000 eefd8946116e5107"));
  EXPECT_EQ(before_rename.substr(4096 + 64, 16), unhex("0100000000000000 0f4879511a354c26"));
  EXPECT_EQ(before_rename.substr(8192, 16), unhex("0200000000000000 1000 0000 00000000"));
  EXPECT_EQ(before_rename.substr(12288, 16), unhex("0300000000000000 0200 0000 00000000"));
}

TEST(BackendFormat, ASmallBucketLiesInItsParent) {
  env::SimFileSystem disk;
  {
    auto backend = open_backend(disk);
    backend->writer().put(Bucket::kCluster, "clusterVersion", "3.4.0");
    backend->writer().end();
  }
  const std::string inline_bucket = unhex(
      "0000000000000000 0000000000000000 0000000000000000 0200 0100 00000000"
      "00000000 10000000 0e000000 05000000 636c757374657256657273696f6e 332e342e30");
  EXPECT_NE(disk.contents("db")->find("cluster" + inline_bucket), std::string::npos);
}

TEST(Backend, AReaderSeesOneMomentWhateverFollows) {
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  Writer& writer = backend->writer();
  writer.put(Bucket::kLease, "a", "1");
  auto before_end = backend->read();
  writer.end();
  auto one = backend->read();
  writer.put(Bucket::kLease, "a", "2");
  writer.end();
  auto two = backend->read();
  ASSERT_TRUE(backend->commit().ok());
  writer.remove(Bucket::kLease, "a");
  writer.end();
  auto removed = backend->read();
  ASSERT_TRUE(backend->commit().ok());
  for (int i = 0; i < 10; ++i) {  // commits that would use the pages again
    writer.put(Bucket::kLease, "b", std::to_string(i));
    writer.end();
    ASSERT_TRUE(backend->commit().ok());
  }
  EXPECT_EQ(backend->open_readers(), 4u);
  EXPECT_EQ(value_of(*before_end, Bucket::kLease, "a"), "(none)");
  EXPECT_EQ(value_of(*one, Bucket::kLease, "a"), "1");
  EXPECT_EQ(value_of(*two, Bucket::kLease, "a"), "2");
  EXPECT_EQ(value_of(*removed, Bucket::kLease, "a"), "(none)");
  EXPECT_EQ(value_of(*backend->read(), Bucket::kLease, "b"), "9");
}

TEST(Backend, PagesAreUsedAgainOnceNobodyReadsThem) {
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  const auto rewrite = [&] {
    for (int i = 0; i < 50; ++i) {
      for (int k = 0; k < 50; ++k) {
        backend->writer().put(Bucket::kLease, std::to_string(k), std::string(200, 'a' + i % 26));
      }
      backend->writer().end();
      ASSERT_TRUE(backend->commit().ok());
    }
  };
  rewrite();
  const uint64_t size = backend->size_bytes();
  rewrite();
  EXPECT_EQ(backend->size_bytes(), size) << "50 more commits need no new page";
  EXPECT_LE(backend->size_in_use_bytes(), size);
  auto reader = backend->read();
  rewrite();
  EXPECT_GT(backend->size_bytes(), 5 * size) << "a reader keeps all that was freed since";
  reader.reset();
  const uint64_t grown = backend->size_bytes();
  rewrite();
  EXPECT_EQ(backend->size_bytes(), grown);
  ASSERT_TRUE(backend->defragment().ok());
  EXPECT_LT(backend->size_bytes(), size);
  EXPECT_EQ(backend->size_bytes(), backend->size_in_use_bytes());
  EXPECT_EQ(value_of(*backend->read(), Bucket::kLease, "49"), std::string(200, 'a' + 49 % 26));
}

TEST(Backend, ItIsKnownBeforeACommitHowLargeTheFileWillBe) {
  for (const size_t value_bytes : {size_t{40}, size_t{1000}, size_t{3000}, size_t{256} << 10}) {
    SCOPED_TRACE(value_bytes);
    env::SimFileSystem disk;
    auto backend = open_backend(disk);
    const std::string value(value_bytes, 'v');
    const auto fill = [&](uint64_t from) {
      for (uint64_t i = 0; i < (size_t{8} << 20) / value_bytes; ++i) {
        backend->writer().append(Bucket::kKey, revision_key(from + i), value);
        backend->writer().put(Bucket::kMeta, "consistent_index", std::to_string(i));
        backend->writer().end();
      }
    };
    for (const uint64_t from : {uint64_t{1}, uint64_t{1} << 32}) {
      const uint64_t before = backend->size_bytes();
      fill(from);
      EXPECT_EQ(backend->size_bytes(), before) << "nothing was committed";
      const auto expected = static_cast<double>(backend->expected_size_bytes());
      ASSERT_TRUE(backend->commit().ok());
      const auto real = static_cast<double>(backend->size_bytes());
      EXPECT_NEAR(expected / real, 1.0, 0.1);
      EXPECT_EQ(backend->expected_size_bytes(), backend->size_bytes());
    }
    // What is freed is used again: there is room before the file grows.
    for (uint64_t i = 0; i < (size_t{8} << 20) / value_bytes; ++i) {
      backend->writer().remove(Bucket::kKey, revision_key(1 + i));
    }
    backend->writer().end();
    ASSERT_TRUE(backend->commit().ok());
    backend->writer().put(Bucket::kMeta, "consistent_index", "let go of what the last one freed");
    backend->writer().end();
    ASSERT_TRUE(backend->commit().ok());
    backend->writer().append(Bucket::kKey, revision_key(uint64_t{1} << 40), value);
    backend->writer().end();
    EXPECT_EQ(backend->expected_size_bytes(), backend->size_bytes());
  }
}

TEST(Backend, AFailedWriteOrSyncEndsCommitting) {
  for (const Operation kind : {Operation::kWrite, Operation::kSync}) {
    for (uint64_t nth : {1, 2}) {
      env::SimFileSystem disk;
      auto backend = open_backend(disk);
      Writer& writer = backend->writer();
      writer.put(Bucket::kMeta, "a", "1");
      writer.end();
      ASSERT_TRUE(backend->commit().ok());
      writer.put(Bucket::kMeta, "a", "2");
      writer.end();
      disk.fail(kind, nth, nth == 1 ? ENOSPC : EIO);
      const Status failed = backend->commit();
      EXPECT_EQ(failed.code(),
                nth == 1 ? StatusCode::kResourceExhausted : StatusCode::kUnavailable);
      EXPECT_EQ(backend->health(), failed);
      // Reads go on and see what was written; nothing is committed any more.
      EXPECT_EQ(value_of(*backend->read(), Bucket::kMeta, "a"), "2");
      disk.record();
      writer.put(Bucket::kMeta, "a", "3");
      writer.end();
      EXPECT_EQ(backend->commit(), failed);
      EXPECT_EQ(backend->defragment(), failed);
      backend.reset();
      EXPECT_EQ(disk.take_record(), "");
      auto after = disk.crash(1, 0);
      EXPECT_EQ(value_of(*open_backend(*after)->read(), Bucket::kMeta, "a"), "1");
      EXPECT_EQ(check_text(*after), "");
    }
  }
}

TEST(Backend, AFullDiskWhileDefragmentingLeavesTheOldFile) {
  for (const Operation kind :
       {Operation::kOpen, Operation::kWrite, Operation::kSync, Operation::kRename}) {
    env::SimFileSystem disk;
    auto backend = open_backend(disk);
    backend->writer().put(Bucket::kMeta, "a", "1");
    backend->writer().end();
    ASSERT_TRUE(backend->commit().ok());
    disk.fail(kind, 1, ENOSPC);
    EXPECT_EQ(backend->defragment().code(), StatusCode::kResourceExhausted);
    EXPECT_TRUE(backend->health().ok());
    EXPECT_FALSE(*disk.exists("db.tmp.1"));
    backend->writer().put(Bucket::kMeta, "b", "2");
    backend->writer().end();
    EXPECT_TRUE(backend->commit().ok());
    backend.reset();
    EXPECT_EQ(value_of(*open_backend(disk)->read(), Bucket::kMeta, "b"), "2");
  }
}

TEST(Backend, TheSnapshotIsADatabaseOfTheMoment) {
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  for (int k = 0; k < 500; ++k) {
    backend->writer().put(Bucket::kLease, std::to_string(k), std::string(100, 'x'));
  }
  backend->writer().end();
  std::string copy;
  uint64_t announced = 0;
  ASSERT_TRUE(backend
                  ->snapshot([&](uint64_t total, std::string_view piece) {
                    announced = total;
                    copy += piece;
                    // Writes and commits go on meanwhile.
                    backend->writer().put(Bucket::kLease, "later", "x");
                    backend->writer().end();
                    return backend->commit();
                  })
                  .ok());
  EXPECT_EQ(copy.size(), announced);
  std::string why;
  const auto zero = decode_meta(copy.data() + 16, why);
  const auto one = decode_meta(copy.data() + 4096 + 16, why);
  ASSERT_TRUE(zero && one) << why;
  EXPECT_EQ(zero->txid, one->txid + 1);
  EXPECT_EQ(zero->root, one->root);
  EXPECT_EQ(zero->high_water * 4096, copy.size());
  ASSERT_TRUE(disk.replace_contents("copy", copy).ok());
  EXPECT_EQ(check_text(disk, "copy"), "");
  auto opened = open_backend(disk, manual_options(), "copy");
  EXPECT_EQ(pairs_of(*opened->read(), Bucket::kLease).size(), 500u);
  EXPECT_EQ(backend
                ->snapshot([](uint64_t, std::string_view) {
                  return Status(StatusCode::kCanceled, "enough");
                })
                .code(),
            StatusCode::kCanceled);
}

TEST(Backend, TheLockKeepsASecondOneOut) {
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  const Status second = Backend::open(disk, "db", manual_options()).status();
  EXPECT_EQ(second.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.message(), "lock db: held by another process");
  ASSERT_TRUE(backend->defragment().ok());
  EXPECT_EQ(Backend::open(disk, "db", manual_options()).status().code(),
            StatusCode::kFailedPrecondition);
  backend.reset();
  EXPECT_NE(open_backend(disk), nullptr);
}

TEST(Backend, CommitsByTheBatchLimitAndTellsHowLongItTook) {
  env::SimFileSystem disk;
  Options options = manual_options();
  options.batch_limit = 3;
  std::mutex mutex;
  std::condition_variable told;
  int commits = 0;
  options.on_commit = [&](const CommitTimes& times) {
    const std::chrono::nanoseconds took = times.total;
    EXPECT_LE(times.spill + times.write, took);
    EXPECT_GT(times.write.count(), 0);
    EXPECT_GT(took.count(), 0);
    const std::lock_guard lock(mutex);
    ++commits;
    told.notify_all();
  };
  auto backend = open_backend(disk, options);
  for (int i = 0; i < 3; ++i) {
    backend->writer().put(Bucket::kMeta, std::to_string(i), "x");
    backend->writer().end();
  }
  std::unique_lock lock(mutex);
  EXPECT_TRUE(told.wait_for(lock, std::chrono::seconds(60), [&] { return commits == 1; }));
}

// A database of another member, whole, under another name.
void put_copy(env::SimFileSystem& from, env::SimFileSystem& to, const std::string& name) {
  ASSERT_TRUE(to.replace_contents(name, from.contents("db").value()).ok());
}

TEST(Backend, TakesOverAnotherDatabase) {
  env::SimFileSystem other_disk;
  auto other = open_backend(other_disk);
  other->writer().put(Bucket::kMeta, "who", "other");
  other->writer().end();
  ASSERT_TRUE(other->commit().ok());
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  backend->writer().put(Bucket::kMeta, "who", "own");
  backend->writer().put(Bucket::kMeta, "only", "here");
  backend->writer().end();
  const auto before = backend->read();
  put_copy(other_disk, disk, "new");
  disk.record();
  ASSERT_TRUE(backend->take_over("new").ok());
  EXPECT_THAT(disk.take_record(), testing::EndsWith("rename new db\nsync-directory .\n"));

  EXPECT_EQ(value_of(*before, Bucket::kMeta, "only"), "here");
  EXPECT_EQ(value_of(*backend->read(), Bucket::kMeta, "who"), "other");
  EXPECT_EQ(value_of(*backend->read(), Bucket::kMeta, "only"), "(none)");
  // Written to, locked and opened again as any other.
  backend->writer().put(Bucket::kMeta, "more", "x");
  backend->writer().end();
  EXPECT_EQ(Backend::open(disk, "db", manual_options()).status().code(),
            StatusCode::kFailedPrecondition);
  backend.reset();
  backend = open_backend(disk);
  EXPECT_EQ(value_of(*backend->read(), Bucket::kMeta, "who"), "other");
  EXPECT_EQ(value_of(*backend->read(), Bucket::kMeta, "more"), "x");
}

TEST(Backend, WhatIsNoDatabaseIsNotTakenOver) {
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  backend->writer().put(Bucket::kMeta, "who", "own");
  backend->writer().end();
  ASSERT_TRUE(disk.replace_contents("new", std::string(16384, 'x')).ok());
  EXPECT_EQ(backend->take_over("new").code(), StatusCode::kDataLoss);
  EXPECT_EQ(backend->take_over("absent").code(), StatusCode::kNotFound);
  EXPECT_TRUE(backend->health().ok());
  EXPECT_EQ(value_of(*backend->read(), Bucket::kMeta, "who"), "own");
  EXPECT_TRUE(backend->commit().ok());
}

TEST(Backend, ACopyIsOfOneMoment) {
  env::SimFileSystem disk;
  auto backend = open_backend(disk);
  backend->writer().put(Bucket::kMeta, "who", "then");
  backend->writer().end();
  Result<std::unique_ptr<Copy>> copy = backend->copy();
  ASSERT_TRUE(copy.ok());
  std::string bytes;
  for (std::string_view piece = (*copy)->next_piece(); !piece.empty();
       piece = (*copy)->next_piece()) {
    bytes += piece;
    backend->writer().put(Bucket::kMeta, "who", "now");
    backend->writer().end();
    ASSERT_TRUE(backend->commit().ok());
  }
  EXPECT_EQ(bytes.size(), (*copy)->size_bytes());
  EXPECT_EQ(value_of((*copy)->rows(), Bucket::kMeta, "who"), "then");
  ASSERT_TRUE(disk.replace_contents("copy", bytes).ok());
  EXPECT_TRUE(Backend::inspect(disk, "copy", [](const Reader& rows) {
                EXPECT_EQ(value_of(rows, Bucket::kMeta, "who"), "then");
                return Status();
              }).ok());
}

}  // namespace
}  // namespace gatehouse::backend
