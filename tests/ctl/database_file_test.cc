// Backups: read without a store above them and without a change to them, copied with their
// checksum.
#include "ctl/database_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "common/codec/sha256.h"
#include "common/env/disk_file_system.h"
#include "member/backend/backend.h"
#include "member/backend/read_file.h"
#include "member/mvcc/file_rows.h"
#include "member/mvcc/store.h"

namespace gatehouse::ctl {
namespace {

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

class DatabaseFile : public testing::Test {
 protected:
  DatabaseFile() {
    std::string pattern = testing::TempDir() + "gatehouse-ctl-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~DatabaseFile() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  // A store with some history, as a backup at path("backup"), and its hashes by revision.
  void make_backup(unsigned seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    auto opened = backend::Backend::open(files_, path("db"), {.initial_map_bytes = 1 << 20});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    auto store = mvcc::Store::open(**opened, {});
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < 60; ++i) {
      auto txn = (*store)->write();
      const std::string key = "key" + std::to_string(random() % 8);
      if (random() % 4 == 0) {
        txn->delete_range(key, "");
      } else {
        txn->put(key, std::to_string(i), 0);
      }
      txn->finish();
      (void)(*store)->publish();
      if (i == 45) {
        ASSERT_TRUE((*store)->compact(20, [] {}).ok());
      }
    }
    (void)(*store)->publish();
    last_ = (*store)->view()->revision();
    living_ = (*store)->view()->count("", std::string("\0", 1), 0);
    for (int64_t revision = 20; revision <= last_; ++revision) {
      const auto hash = (*store)->hash_kv(revision);
      ASSERT_TRUE(hash.ok());
      hashes_[revision] = *hash;
    }
    std::ofstream backup(path("backup"), std::ios::binary);
    codec::Sha256 sum;
    ASSERT_TRUE((*opened)
                    ->snapshot([&](uint64_t, std::string_view piece) {
                      backup << piece;
                      sum.update(piece);
                      return Status();
                    })
                    .ok());
    const auto digest = sum.finish();
    backup.write(reinterpret_cast<const char*>(digest.data()), digest.size());
  }

  env::DiskFileSystem files_;
  std::string directory_;
  int64_t last_ = 0;
  int64_t living_ = 0;
  std::map<int64_t, mvcc::HashResult> hashes_;
};

TEST_F(DatabaseFile, RowsHashAsTheStoreDoes) {
  make_backup(std::random_device{}());
  const std::string before = content(path("backup"));
  {
    const auto file = backend::read_file(files_, path("backup"));
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(file->bytes + 32, before.size());
    for (const auto& [revision, expected] : hashes_) {
      const auto hash = mvcc::hash_rows(*file->reader, revision);
      ASSERT_TRUE(hash.ok());
      EXPECT_EQ(hash->hash, expected.hash) << revision;
      EXPECT_EQ(hash->compact_revision, expected.compact_revision);
      EXPECT_EQ(hash->revision, revision);
    }
    EXPECT_EQ(mvcc::hash_rows(*file->reader, 0)->revision, last_);
    EXPECT_EQ(mvcc::hash_rows(*file->reader, last_ + 1).status().message(),
              "mvcc: required revision is a future revision");
    EXPECT_EQ(mvcc::hash_rows(*file->reader, 19).status().message(),
              "mvcc: required revision has been compacted");
    const auto summary = mvcc::summarize_rows(*file->reader);
    ASSERT_TRUE(summary.ok());
    EXPECT_EQ(summary->revision, last_);
    EXPECT_EQ(static_cast<int64_t>(summary->living_keys), living_);
  }
  EXPECT_EQ(content(path("backup")), before);
}

TEST_F(DatabaseFile, ReadsNothingThatIsNone) {
  std::ofstream(path("text")) << std::string(10000, 'x');
  EXPECT_FALSE(backend::read_file(files_, path("text")).ok());
  EXPECT_FALSE(backend::read_file(files_, path("nothing")).ok());
}

TEST_F(DatabaseFile, CopiesThePagesAndChecksTheSum) {
  make_backup(1);
  const std::string whole = content(path("backup"));
  ASSERT_TRUE(copy_database(files_, path("backup"), path("copy"), true).ok());
  EXPECT_EQ(content(path("copy")), whole.substr(0, whole.size() - 32));
  // What is there is not overwritten.
  EXPECT_EQ(copy_database(files_, path("backup"), path("copy"), true).code(),
            StatusCode::kAlreadyExists);
}

TEST_F(DatabaseFile, TellsAWrongSumFromNone) {
  make_backup(1);
  std::string whole = content(path("backup"));
  whole[5000] = static_cast<char>(whole[5000] ^ 1);
  std::ofstream(path("damaged"), std::ios::binary) << whole;
  const Status damaged = copy_database(files_, path("damaged"), path("copy1"), true);
  EXPECT_EQ(damaged.code(), StatusCode::kDataLoss);
  EXPECT_TRUE(damaged.message().starts_with("expected sha256 [")) << damaged.message();
  std::ofstream(path("bare"), std::ios::binary) << whole.substr(0, whole.size() - 32);
  EXPECT_EQ(copy_database(files_, path("bare"), path("copy2"), true).message(),
            "snapshot missing hash but --skip-hash-check=false");
  EXPECT_TRUE(copy_database(files_, path("bare"), path("copy3"), false).ok());
}

}  // namespace
}  // namespace gatehouse::ctl
