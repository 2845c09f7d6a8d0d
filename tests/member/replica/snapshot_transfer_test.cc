// A snapshot from one backend into another, and power losses at every operation of the taking side.
#include "member/replica/snapshot_transfer.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/codec/fixed.h"
#include "common/env/sim_file_system.h"
#include "member/replica/storage.h"
#include "member/schema/meta.h"
#include "member/snap/snap.h"

namespace gatehouse::replica {
namespace {

using backend::Bucket;

void put_number(backend::Backend& backend, std::string_view key, uint64_t value) {
  std::string bytes;
  codec::append_big_endian(bytes, value);
  backend.writer().put(Bucket::kMeta, key, bytes);
}

std::string numbered(std::string text, uint64_t number) {
  return text.append(std::to_string(number));
}

// A member's state, opened from its disk.
struct Machine {
  explicit Machine(env::FileSystem& files, const membership::Member& self) : lessor({}, [] { return 0; }) {
    StorageOptions options;
    options.data_directory = "data";
    options.name = self.name;
    options.initial_members = {self};
    options.backend.batch_interval = std::chrono::hours(1);
    options.backend.initial_map_bytes = 1 << 20;
    options.wal.segment_bytes = 64 << 10;
    Result<Storage> opened = open_storage(files, options, log::Logger());
    EXPECT_TRUE(opened.ok()) << opened.status().to_string();
    if (!opened.ok()) return;
    storage = std::move(*opened);
    const auto rows = storage.backend->read();
    EXPECT_TRUE(cluster.restore(*rows).ok());
    EXPECT_TRUE(alarms.restore(*rows).ok());
    EXPECT_TRUE(lessor.restore(*rows).ok());
    auto made = mvcc::Store::open(*storage.backend, {.leases = &lessor});
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    if (made.ok()) store = std::move(*made);
  }
  ~Machine() { store.reset(); }

  void put(std::string_view key, std::string_view value) {
    const auto txn = store->write();
    txn->put(key, value, 0);
    txn->finish();
    store->publish();
  }
  void apply_to(uint64_t index, uint64_t term) {
    put_number(*storage.backend, schema::kConsistentIndex, index);
    put_number(*storage.backend, schema::kTerm, term);
    store->publish();
  }
  std::string get(std::string_view key) const {
    std::vector<mvcc::Item> items;
    const auto view = store->view();
    view->items(key, {}, 0, 0, items);
    return items.empty() ? "" : std::string(view->record(items[0].modified));
  }
  Installed parts() { return {*storage.backend, *store, lessor, alarms, cluster}; }

  Storage storage;
  lease::Lessor lessor;
  alarm::AlarmStore alarms;
  membership::Cluster cluster{1, 7};
  std::unique_ptr<mvcc::Store> store;
};

membership::Member member(uint64_t id, std::string name) {
  membership::Member made;
  made.id = id;
  made.peer_urls.push_back(std::string("http://").append(name).append(":2380"));
  made.name = std::move(name);
  return made;
}

class SnapshotTransferTest : public testing::Test {
 protected:
  SnapshotTransferTest() : source_(source_disk_, member(1, "a")) {
    membership::Members members;
    for (const auto& each : {member(1, "a"), member(2, "b")}) members.by_id.emplace(each.id, each);
    members.by_id.at(2).is_learner = true;
    members.version = "3.7.0";
    source_.cluster.replace(source_.storage.backend->writer(), members);
    for (int i = 0; i < 200; ++i) source_.put(numbered("key", i), std::string(1000, 'v'));
    source_.put("who", "source");
    source_.apply_to(500, 3);
  }

  OutgoingSnapshot take() {
    Result<OutgoingSnapshot> taken = take_snapshot(*source_.storage.backend);
    EXPECT_TRUE(taken.ok()) << taken.status().to_string();
    return std::move(*taken);
  }

  // All of it into the other's directory.
  Status receive(env::FileSystem& files, const std::string& directory, OutgoingSnapshot& out,
                 std::shared_ptr<const raft::Snapshot> said = nullptr) {
    auto incoming = IncomingSnapshot::begin(files, directory, entropy_, said ? said : out.snapshot);
    GATEHOUSE_RETURN_IF_ERROR(incoming.status());
    for (;;) {
      const std::string piece(out.database->next_piece());
      const Status taken = (*incoming)->take(piece);
      if (!taken.ok() || piece.empty()) return taken;
    }
  }

  env::SimFileSystem source_disk_;
  env::SeededEntropy entropy_{1};
  Machine source_;
};

TEST_F(SnapshotTransferTest, SaysWhatTheDatabaseHolds) {
  const OutgoingSnapshot out = take();
  EXPECT_EQ(out.snapshot->index, 500u);
  EXPECT_EQ(out.snapshot->term, 3u);
  ASSERT_EQ(out.snapshot->conf_state.voters_size(), 1);
  ASSERT_EQ(out.snapshot->conf_state.learners_size(), 1);
  EXPECT_EQ(out.snapshot->conf_state.learners(0), 2u);
}

TEST_F(SnapshotTransferTest, IsOfOneMomentWhateverIsWrittenMeanwhile) {
  OutgoingSnapshot out = take();
  std::string bytes;
  for (;;) {
    const std::string piece(out.database->next_piece());
    if (piece.empty()) break;
    bytes += piece;
    source_.put("who", numbered("later ", bytes.size()));
    source_.apply_to(501, 3);
    ASSERT_TRUE(source_.storage.backend->commit().ok());
  }
  EXPECT_EQ(bytes.size(), out.database->size_bytes());
  env::SimFileSystem disk;
  ASSERT_TRUE(disk.replace_contents("copy", bytes).ok());
  EXPECT_TRUE(backend::Backend::inspect(disk, "copy", [](const backend::Reader& rows) {
                EXPECT_EQ(applied_position(rows).index, 500u);
                return Status();
              }).ok());
}

TEST_F(SnapshotTransferTest, NothingAppliedIsNothingToTake) {
  env::SimFileSystem disk;
  Machine fresh(disk, member(2, "b"));
  EXPECT_EQ(take_snapshot(*fresh.storage.backend).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(SnapshotTransferTest, RefusesWhatIsNoDatabaseOfItsIndex) {
  env::SimFileSystem disk;
  Machine follower(disk, member(2, "b"));
  const std::string& directory = follower.storage.snap_directory;
  OutgoingSnapshot out = take();
  auto other = std::make_shared<raft::Snapshot>(*out.snapshot);
  other->index = 499;
  EXPECT_EQ(receive(disk, directory, out, other).code(), StatusCode::kDataLoss);

  auto incoming = IncomingSnapshot::begin(disk, directory, entropy_, out.snapshot);
  ASSERT_TRUE(incoming.ok());
  ASSERT_TRUE((*incoming)->take(std::string(100'000, 'x')).ok());
  EXPECT_EQ((*incoming)->take("").code(), StatusCode::kDataLoss);
  incoming->reset();
  // Half of one.
  OutgoingSnapshot half = take();
  incoming = IncomingSnapshot::begin(disk, directory, entropy_, half.snapshot);
  ASSERT_TRUE((*incoming)->take(half.database->next_piece()).ok());
  EXPECT_EQ((*incoming)->take("").code(), StatusCode::kDataLoss);
  incoming->reset();

  const auto left = disk.list(directory);
  ASSERT_TRUE(left.ok());
  for (const env::DirectoryEntry& entry : *left) EXPECT_EQ(entry.name, "db");
}

TEST_F(SnapshotTransferTest, ReplacesTheStateMachine) {
  env::SimFileSystem disk;
  Machine follower(disk, member(2, "b"));
  follower.put("who", "follower");
  follower.put("gone", "soon");
  follower.apply_to(20, 1);
  const std::shared_ptr<const mvcc::View> before = follower.store->view();
  OutgoingSnapshot out = take();
  ASSERT_TRUE(receive(disk, follower.storage.snap_directory, out).ok());
  ASSERT_TRUE(install_snapshot(disk, follower.storage.snap_directory, *out.snapshot,
                               follower.parts()).ok());
  EXPECT_EQ(follower.get("who"), source_.get("who"));
  EXPECT_EQ(follower.get("gone"), "");
  EXPECT_EQ(follower.store->view()->revision(), source_.store->view()->revision());
  EXPECT_EQ(*follower.cluster.members(), *source_.cluster.members());
  EXPECT_EQ(follower.store->hash_kv(0)->hash, source_.store->hash_kv(0)->hash);
  // Who read before goes on reading that.
  std::vector<mvcc::Item> items;
  before->items("gone", {}, 0, 0, items);
  EXPECT_EQ(items.size(), 1u);
  // And it is written to as any other.
  follower.put("who", "follower again");
  follower.apply_to(501, 3);
  ASSERT_TRUE(follower.storage.backend->commit().ok());
}

TEST_F(SnapshotTransferTest, PowerLossAtAnyOperation) {
  env::SimFileSystem disk(64 << 20);
  auto follower = std::make_unique<Machine>(disk, member(2, "b"));
  raft::Entry entry;
  entry.term = 1;
  for (entry.index = 1; entry.index <= 20; ++entry.index) {
    const raft::HardState state{1, 1, entry.index};
    ASSERT_TRUE(follower->storage.log->append(&state, {&entry, 1}, true).ok());
  }
  follower->put("who", "follower");
  follower->apply_to(20, 1);
  ASSERT_TRUE(follower->storage.backend->commit().ok());
  const std::string own = follower->get("who");

  struct Wreck {
    std::unique_ptr<env::SimFileSystem> disk;
    std::string before;
    bool recorded;
  };
  std::vector<Wreck> wrecks;
  bool recorded = false;
  disk.observe([&](uint64_t number, const std::string& line) {
    for (const double survival : {0.0, 0.5, 1.0}) {
      wrecks.push_back({disk.crash(number, survival), line, recorded});
    }
  });
  OutgoingSnapshot out = take();
  const std::string directory = follower->storage.snap_directory;
  ASSERT_TRUE(receive(disk, directory, out).ok());
  wal::Log& log = *follower->storage.log;
  const raft::HardState state{3, 0, 500};
  log.stage_snapshot({500, 3, out.snapshot->conf_state});
  log.stage(&state, {});
  ASSERT_TRUE(log.write(true).ok());
  recorded = true;
  ASSERT_TRUE(install_snapshot(disk, directory, *out.snapshot, follower->parts()).ok());
  wrecks.push_back({disk.crash(1, 0.0), "the end", true});
  disk.observe(nullptr);
  ASSERT_GT(wrecks.size(), 20u);

  for (Wreck& wreck : wrecks) {
    SCOPED_TRACE(wreck.before);  // the operation that it happened before
    Machine after(*wreck.disk, member(2, "b"));
    ASSERT_NE(after.store, nullptr);
    const uint64_t applied = after.storage.restored.applied;
    // Durable once the log has it; before, one or the other.
    if (wreck.recorded) {
      EXPECT_EQ(applied, 500u);
    }
    ASSERT_TRUE(applied == 20 || applied == 500) << applied;
    EXPECT_EQ(after.get("who"), applied == 500 ? source_.get("who") : own);
    EXPECT_GE(after.storage.restored.hard_state.commit, applied);
  }
}

}  // namespace
}  // namespace gatehouse::replica
