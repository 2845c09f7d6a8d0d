#include "member/replica/storage.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/env/sim_file_system.h"
#include "member/membership/ids.h"
#include "member/schema/meta.h"

namespace gatehouse::replica {
namespace {

StorageOptions options() {
  StorageOptions options;
  options.data_directory = "data";
  options.name = "m0";
  membership::Member self;
  self.id = 0xab;
  self.name = "m0";
  self.peer_urls = {"http://127.0.0.1:2380"};
  options.initial_members = {self};
  options.backend.initial_map_bytes = 1 << 20;
  options.backend.lock_timeout = std::chrono::milliseconds(1);
  options.wal.segment_bytes = 1 << 20;
  options.wal.prepare_ahead = false;
  return options;
}

class StorageTest : public ::testing::Test {
 protected:
  Result<Storage> open(const StorageOptions& with = options()) {
    return open_storage(disk_, with, log::Logger());
  }
  Status refusal() {
    Result<Storage> opened = open();
    return opened.ok() ? Status() : opened.status();
  }
  // A member that has written three entries and applied two of them.
  void make_a_member() {
    Result<Storage> made = open();
    ASSERT_TRUE(made.ok()) << made.status().to_string();
    std::vector<raft::Entry> entries(3);
    for (size_t i = 0; i < entries.size(); ++i) {
      entries[i].index = i + 1;
      entries[i].term = 2;
      entries[i].data = raft::Payload("entry");
    }
    const raft::HardState state{2, 0xab, 3};
    ASSERT_TRUE(made->log->append(&state, entries, true).ok());
    made->backend->writer().put(backend::Bucket::kMeta, schema::kConsistentIndex,
                                schema::encode_number(2));
    made->backend->writer().end();
  }
  void write(const std::string& path, uint64_t offset, const std::string& bytes) {
    auto file = disk_.open(path, env::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << path;
    ASSERT_TRUE((*file)->write_at(offset, bytes).ok());
  }
  // All files below "data" and what is in them.
  std::string contents(const std::string& directory = "data") {
    std::string text;
    auto entries = disk_.list(directory);
    if (!entries.ok()) return text;
    for (const env::DirectoryEntry& entry : *entries) {
      const std::string path = env::join_path(directory, entry.name);
      if (entry.directory) {
        text += path + "/\n" + contents(path);
        continue;
      }
      auto file = disk_.open(path, env::OpenMode::kRead);
      if (!file.ok()) continue;
      std::string bytes((*file)->size().value(), '\0');
      static_cast<void>((*file)->read_at(
          0, std::as_writable_bytes(std::span(bytes.data(), bytes.size()))));
      text += path + " " + std::to_string(std::hash<std::string>()(bytes)) + "\n";
    }
    return text;
  }
  // The member does not start, says why, and leaves all as it is.
  void expect_refused(StatusCode code, const std::string& why) {
    const std::string before = contents();
    const Status status = refusal();
    EXPECT_EQ(status.code(), code) << status.to_string();
    EXPECT_NE(status.message().find(why), std::string::npos) << status.message();
    EXPECT_EQ(contents(), before);
  }

  static constexpr const char* kSegment = "data/member/wal/0000000000000000-0000000000000000.wal";

  env::SimFileSystem disk_;
};

TEST_F(StorageTest, AFirstStartBeginsWithTheInitialMembers) {
  const Result<Storage> made = open();
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  EXPECT_TRUE(made->first_start);
  ASSERT_EQ(made->bootstrap.size(), 1U);
  EXPECT_EQ(made->bootstrap[0].id, 0xabU);
  EXPECT_EQ(made->identity.node_id, 0xabU);
  EXPECT_EQ(made->identity.cluster_id, membership::cluster_id({0xab}));
  EXPECT_TRUE(made->restored.entries.empty());
}

TEST_F(StorageTest, AStartThatEndedBeforeItsFirstEntryIsBegunAgain) {
  ASSERT_TRUE(open().ok());
  const Result<Storage> again = open();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->bootstrap.size(), 1U) << "no entry was written: nobody has seen this member";
}

TEST_F(StorageTest, ARestartHasItsEntriesAndKnowsWhatIsApplied) {
  make_a_member();
  const Result<Storage> again = open();
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  EXPECT_FALSE(again->first_start);
  EXPECT_TRUE(again->bootstrap.empty());
  EXPECT_EQ(again->restored.entries.size(), 3U);
  EXPECT_EQ(again->restored.applied, 2U);
  EXPECT_EQ(again->restored.hard_state.term, 2U);
  EXPECT_EQ(again->identity.node_id, 0xabU);
}

TEST_F(StorageTest, ALostDatabaseIsMadeAgainFromTheLog) {
  make_a_member();
  ASSERT_TRUE(disk_.remove_file("data/member/snap/db").ok());
  const Result<Storage> again = open();
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  EXPECT_EQ(again->restored.applied, 0U);
  EXPECT_EQ(again->restored.entries.size(), 3U);
}

TEST_F(StorageTest, ADirectoryOfAnotherProgramIsRefused) {
  ASSERT_TRUE(disk_.create_directories("data").ok());
  ASSERT_TRUE(disk_.open("data/PG_VERSION", env::OpenMode::kCreate).ok());
  expect_refused(StatusCode::kFailedPrecondition, "data/PG_VERSION");
}

TEST_F(StorageTest, ADirectoryOfAV2ProxyIsRefused) {
  make_a_member();
  ASSERT_TRUE(disk_.create_directories("data/proxy").ok());
  expect_refused(StatusCode::kFailedPrecondition, "proxy");
}

TEST_F(StorageTest, ADatabaseWithoutALogIsRefused) {
  make_a_member();
  ASSERT_TRUE(disk_.remove_tree("data/member/wal").ok());
  expect_refused(StatusCode::kFailedPrecondition, "db: there is a database, but no write-ahead log");
}

TEST_F(StorageTest, ADatabaseAheadOfItsLogIsRefused) {
  make_a_member();
  {
    Result<Storage> opened = open();
    ASSERT_TRUE(opened.ok());
    opened->backend->writer().put(backend::Bucket::kMeta, schema::kConsistentIndex,
                                  schema::encode_number(9));
    opened->backend->writer().end();
  }
  expect_refused(StatusCode::kDataLoss, "the log ends at index 3, but the database holds 9");
}

TEST_F(StorageTest, AFlippedBitInTheLogIsRefused) {
  make_a_member();
  auto file = disk_.open(kSegment, env::OpenMode::kRead);
  ASSERT_TRUE(file.ok());
  std::string bytes(400, '\0');
  ASSERT_TRUE((*file)->read_at(0, std::as_writable_bytes(std::span(bytes.data(), bytes.size()))).ok());
  const size_t at = bytes.find("entry");
  ASSERT_NE(at, std::string::npos);
  write(kSegment, at, "f");
  expect_refused(StatusCode::kDataLoss, kSegment);
}

TEST_F(StorageTest, ADamagedDatabaseIsRefused) {
  make_a_member();
  write("data/member/snap/db", 0, std::string(8192, 'x'));
  expect_refused(StatusCode::kDataLoss, "db: page 0 at offset 0");
}

TEST_F(StorageTest, ADirectoryThatCannotBeWrittenIsTold) {
  disk_.fail(env::SimFileSystem::Operation::kOpen, 1, EACCES, true);
  EXPECT_FALSE(refusal().ok());
}

TEST_F(StorageTest, ADatabaseWithMuchRoomIsPackedAtTheStartWhenAskedTo) {
  {
    Result<Storage> made = open();
    ASSERT_TRUE(made.ok());
    backend::Writer& writer = made->backend->writer();
    for (int i = 0; i < 64; ++i) {
      writer.put(backend::Bucket::kLease, std::to_string(i), std::string(64 << 10, 'x'));
    }
    writer.end();
    ASSERT_TRUE(made->backend->commit().ok());
    for (int i = 0; i < 64; ++i) writer.remove(backend::Bucket::kLease, std::to_string(i));
    writer.end();
  }
  StorageOptions with = options();
  with.defragment_from_bytes = 16 << 20;
  uint64_t size = 0;
  {
    const Result<Storage> opened = open(with);
    ASSERT_TRUE(opened.ok());
    size = opened->backend->size_bytes();
    EXPECT_GT(size, uint64_t{4} << 20) << "less is free than is asked for";
  }
  with.defragment_from_bytes = 1 << 20;
  const Result<Storage> opened = open(with);
  ASSERT_TRUE(opened.ok());
  EXPECT_LT(opened->backend->size_bytes(), uint64_t{1} << 20);
}

TEST_F(StorageTest, EntriesMayHaveOutlivedTheStateThatWasWrittenWithThem) {
  {
    Result<Storage> first = open();
    ASSERT_TRUE(first.ok()) << first.status().to_string();
    const raft::HardState voted{3, 9, 0};
    ASSERT_TRUE(first->log->append(&voted, {}, /*must_sync=*/true).ok());
    // What a torn write leaves of {entry of term 4, state of term 4}.
    const std::vector<raft::Entry> entries = {{.term = 4, .index = 1}};
    ASSERT_TRUE(first->log->append(nullptr, entries, /*must_sync=*/true).ok());
  }
  Result<Storage> again = open();
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  EXPECT_EQ(again->restored.hard_state, (raft::HardState{4, raft::kNoNode, 0}));

  raft::Options core;
  core.id = 0xab;
  core.entropy = [] { return uint64_t{0}; };
  EXPECT_TRUE(raft::Core::create(std::move(core), std::move(again->restored)).ok());
}

TEST_F(StorageTest, AVoteIsRestored) {
  const raft::HardState voted{3, 9, 0};
  {
    Result<Storage> first = open();
    ASSERT_TRUE(first.ok()) << first.status().to_string();
    ASSERT_TRUE(first->log->append(&voted, {}, /*must_sync=*/true).ok());
  }
  const auto after = disk_.crash(/*seed=*/1, /*survival=*/0);
  Result<Storage> again = open_storage(*after, options(), {});
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  EXPECT_EQ(again->restored.hard_state, voted);
}

}  // namespace
}  // namespace gatehouse::replica
