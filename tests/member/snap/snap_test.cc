// Snapshot files: etcd's bytes, choosing, files that are broken, databases that arrive, power loss.
#include "member/snap/snap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "common/codec/crc32c.h"
#include "common/codec/varint.h"
#include "common/env/sim_file_system.h"
#include "member/wal/purge.h"

namespace gatehouse::snap {
namespace {

using Operation = env::SimFileSystem::Operation;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kDirectory = "member/snap";

raft::Snapshot snapshot(uint64_t term, uint64_t index, std::string_view data) {
  raft::Snapshot made;
  made.term = term;
  made.index = index;
  made.conf_state.add_voters(0xfce4ccdb9802da4a);
  made.data = raft::Payload(data);
  return made;
}

std::unique_ptr<env::SimFileSystem> new_disk() {
  auto disk = std::make_unique<env::SimFileSystem>(size_t{1} << 20);
  EXPECT_TRUE(disk->create_directories(kDirectory).ok());
  EXPECT_TRUE(disk->sync_directory("").ok());
  EXPECT_TRUE(disk->sync_directory("member").ok());
  return disk;
}

std::vector<std::string> names(env::FileSystem& disk) {
  std::vector<std::string> list;
  const auto entries = disk.list(kDirectory);
  for (const env::DirectoryEntry& entry : entries.value()) list.push_back(entry.name);
  return list;
}

TEST(SnapshotFile, BytesOfEtcd34) {
  // The shape captured from etcd: crc and data; in it the payload and the metadata.
  const std::string payload = "{\"Root\":{}}";
  const std::string metadata("\x12\x13\x0a\x0d\x08\xca\xb4\x8b\xc0\xb9\x9b\xb3\xf2\xfc\x01\x28\x00"
                             "\x10\x2a\x18\x02", 21);
  std::string data = "\x0a";
  codec::append_varint(data, payload.size());
  data += payload + metadata;
  std::string file = "\x08";
  codec::append_varint(file, codec::crc32c(data));
  file += "\x12";
  codec::append_varint(file, data.size());
  file += data;
  EXPECT_EQ(encode(snapshot(2, 42, payload)), file);
  EXPECT_EQ(file_name(2, 42), "0000000000000002-000000000000002a.snap");
  const Result<raft::Snapshot> decoded = decode(file);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded.value().index, 42u);
  EXPECT_EQ(decoded.value().term, 2u);
  EXPECT_EQ(decoded.value().data.view(), payload);
  EXPECT_EQ(decoded.value().conf_state.voters(0), 0xfce4ccdb9802da4au);
}

TEST(SnapshotFile, EveryBitAndEveryLength) {
  const std::string file = encode(snapshot(3, 7, "payload"));
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    std::string damaged = file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(decode(damaged).status().code(), StatusCode::kDataLoss) << bit;
  }
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(decode(file.substr(0, size)).status().code(), StatusCode::kDataLoss) << size;
  }
}

TEST(SnapshotFile, OrderOfSyncs) {
  auto disk = new_disk();
  disk->record();
  ASSERT_TRUE(save(*disk, kDirectory, snapshot(2, 42, "x")).ok());
  EXPECT_EQ(disk->take_record(),
            "create member/snap/tmp0000000000000002-000000000000002a\n"
            "truncate member/snap/tmp0000000000000002-000000000000002a 0\n"
            "write member/snap/tmp0000000000000002-000000000000002a 0+32\n"
            "sync member/snap/tmp0000000000000002-000000000000002a\n"
            "rename member/snap/tmp0000000000000002-000000000000002a "
            "member/snap/0000000000000002-000000000000002a.snap\n"
            "sync-directory member/snap\n");
}

TEST(SnapshotFile, TheNewestThatTheLogKnows) {
  auto disk = new_disk();
  for (const auto& [term, index] : {std::pair(1, 10), {1, 20}, {2, 30}, {3, 40}}) {
    ASSERT_TRUE(save(*disk, kDirectory, snapshot(term, index, std::to_string(index))).ok());
  }
  const std::string damaged = kDirectory + "/" + file_name(2, 30);
  ASSERT_TRUE(disk->replace_contents(damaged, "\x08\x01").ok());
  const std::vector<wal::SnapshotRecord> records = {{0, 0, {}}, {10, 1, {}}, {20, 1, {}}, {30, 2, {}}};
  const Result<Loaded> loaded = load_newest_matching(*disk, kDirectory, records);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.value().snapshot->index, 20u);
  EXPECT_EQ(loaded.value().snapshot->data.view(), "20");
  EXPECT_THAT(loaded.value().warnings, ElementsAre(HasSubstr(damaged)));
  EXPECT_THAT(names(*disk), testing::Contains(file_name(2, 30) + ".broken"));
  EXPECT_FALSE(load_newest_matching(*disk, kDirectory, {}).value().snapshot.has_value());
  EXPECT_THAT(wal::purge(*disk, kDirectory, ".snap", 2).value(), ElementsAre(file_name(1, 10)));
  EXPECT_THAT(names(*disk), testing::Contains(file_name(2, 30) + ".broken"));
  disk->fail(Operation::kRead, 1, EIO);
  EXPECT_EQ(load_newest_matching(*disk, kDirectory, records).status().code(),
            StatusCode::kUnavailable)
      << "a disk that cannot be read is no reason to take an older one";
}

TEST(SnapshotFile, ACrashLeavesAllOrNothing) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    auto disk = new_disk();
    std::vector<std::unique_ptr<env::SimFileSystem>> wrecks;
    disk->observe([&](uint64_t number, const std::string&) {
      wrecks.push_back(disk->crash(seed * 100 + number, static_cast<double>(seed % 5) / 4));
    });
    ASSERT_TRUE(save(*disk, kDirectory, snapshot(2, 42, std::string(3000, 'x'))).ok());
    disk->observe(nullptr);
    wrecks.push_back(disk->crash(seed, 0));
    for (size_t i = 0; i < wrecks.size(); ++i) {
      const std::vector<wal::SnapshotRecord> records = {{42, 2, {}}};
      const Result<Loaded> loaded = load_newest_matching(*wrecks[i], kDirectory, records);
      ASSERT_TRUE(loaded.ok());
      EXPECT_TRUE(loaded.value().warnings.empty());
      EXPECT_TRUE(i + 1 < wrecks.size() || loaded.value().snapshot.has_value());
      ASSERT_TRUE(remove_unfinished(*wrecks[i], kDirectory).ok());
      EXPECT_LE(names(*wrecks[i]).size(), 1u);
    }
  }
}

TEST(Database, ArrivesWholeOrNotAtAll) {
  auto disk = new_disk();
  env::SeededEntropy entropy(1);
  {
    auto receiver = DatabaseReceiver::begin(*disk, kDirectory, entropy);
    ASSERT_TRUE(receiver.ok());
    ASSERT_TRUE(receiver.value()->write("half").ok());
    EXPECT_EQ(names(*disk).size(), 1u);
  }
  EXPECT_TRUE(names(*disk).empty()) << "what is not finished goes";
  auto receiver = DatabaseReceiver::begin(*disk, kDirectory, entropy);
  ASSERT_TRUE(receiver.value()->write("half").ok());
  ASSERT_TRUE(receiver.value()->write("whole").ok());
  EXPECT_EQ(receiver.value()->bytes(), 9u);
  ASSERT_TRUE(receiver.value()->finish(0x2a).ok());
  const auto after = disk->crash(1, 0);
  EXPECT_EQ(after->contents("member/snap/000000000000002a.snap.db").value(), "halfwhole");
  receiver.value().reset();
  EXPECT_THAT(names(*disk), ElementsAre("000000000000002a.snap.db"));

  auto failing = DatabaseReceiver::begin(*disk, kDirectory, entropy);
  disk->fail(Operation::kWrite, 1, ENOSPC);
  EXPECT_EQ(failing.value()->write("x").code(), StatusCode::kResourceExhausted);
  failing.value().reset();
  EXPECT_EQ(names(*disk).size(), 1u);
}

TEST(Database, StaleFilesGo) {
  auto disk = new_disk();
  for (const char* name : {"db", "db.tmp.123", "tmp99", "0000000000000010.snap.db",
                           "0000000000000020.snap.db", "x.snap.db", "other"}) {
    ASSERT_TRUE(disk->replace_contents(kDirectory + "/" + name, "x").ok());
  }
  EXPECT_THAT(remove_unfinished(*disk, kDirectory).value(), ElementsAre("db.tmp.123", "tmp99"));
  EXPECT_THAT(remove_databases_before(*disk, kDirectory, 0x20).value(),
              ElementsAre("0000000000000010.snap.db"));
  EXPECT_THAT(names(*disk), ElementsAre("0000000000000020.snap.db", "db", "other", "x.snap.db"));
}

}  // namespace
}  // namespace gatehouse::snap
