// Rows and hashes byte for byte (those that etcd 3.4.23 wrote and told), revisions and their errors,
// changes, leases, what an opening makes of foreign rows.
#include "member/mvcc/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "common/codec/fixed.h"
#include "tests/member/mvcc/store_for_test.h"

namespace gatehouse::mvcc {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
    text += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

constexpr int64_t kLease = 0x5a4aa1f852e43f0b;

// put a=1, a=2, b=1, del a, a=3, put k=v with a lease.
void write_vector(StoreForTest& store) {
  store.put("a", "1");
  store.put("a", "2");
  store.put("b", "1");
  store.remove("a");
  store.put("a", "3");
  store.put("k", "v", kLease);
}

std::vector<std::string> rows_of(StoreForTest& store) {
  std::vector<std::string> rows;
  store.backend().read()->scan(backend::Bucket::kKey, {}, {},
                               [&](std::string_view key, std::string_view value) {
                                 rows.push_back(hex(key) + " " + hex(value));
                                 return true;
                               });
  return rows;
}

TEST(Store, WritesTheRowsThatEtcdWrites) {
  env::SimFileSystem disk;
  StoreForTest store(disk);
  write_vector(store);
  const std::string zero = "5f0000000000000000";
  EXPECT_EQ(rows_of(store),
            (std::vector<std::string>{
                "0000000000000002" + zero + " 0a0161100218022001" "2a0131",
                "0000000000000003" + zero + " 0a0161100218032002" "2a0132",
                "0000000000000004" + zero + " 0a0162100418042001" "2a0131",
                "0000000000000005" + zero + "74 0a0161",
                "0000000000000006" + zero + " 0a0161100618062001" "2a0133",
                "0000000000000007" + zero + " 0a016b100718072001" "2a0176308bfe909785bfa8a55a",
            }));
}

TEST(Store, HashesAsEtcdDoes) {
  env::SimFileSystem disk;
  StoreForTest store(disk);
  write_vector(store);
  Result<HashResult> hash = store->hash_kv(7);
  ASSERT_TRUE(hash.ok());
  EXPECT_EQ(hash->hash, 2278609492u);
  EXPECT_EQ(hash->compact_revision, -1);
  EXPECT_EQ(hash->revision, 7);
  store.compact(4);
  // The row of revision 3 is there still, but not what a compaction to 7 would leave.
  EXPECT_EQ(rows_of(store).size(), 5u);
  hash = store->hash_kv(0);
  ASSERT_TRUE(hash.ok());
  EXPECT_EQ(hash->hash, 2710793323u);
  EXPECT_EQ(hash->compact_revision, 4);
  EXPECT_EQ(hash->revision, 7);

  const std::vector<HashResult> left = store->compaction_hashes();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].hash, 1662700350u);
  EXPECT_EQ(left[0].compact_revision, -1);
  EXPECT_EQ(left[0].revision, 4);
  hash = store->hash_kv(4);  // that of the compaction, as it was
  ASSERT_TRUE(hash.ok());
  EXPECT_EQ(hash->hash, 1662700350u);
  EXPECT_EQ(hash->compact_revision, -1);
}

TEST(Store, ADeletionAtTheCompactedRevisionKeepsItsRowUntilTheNext) {
  env::SimFileSystem disk;
  StoreForTest store(disk);
  store.put("a", "1");
  store.remove("a");
  store.put("b", "1");
  store.compact(3);
  EXPECT_EQ(rows_of(store).size(), 2u);
  const uint32_t before = store->hash_kv(4)->hash;
  store.compact(4);
  EXPECT_EQ(rows_of(store).size(), 1u);
  // Not in the hash, there or not.
  store.put("b", "2");
  EXPECT_NE(before, 0u);
  EXPECT_EQ(store->view()->count("a", "", 0), 0);
}

TEST(Store, KeepsTenCompactionHashesNewestFirst) {
  env::SimFileSystem disk;
  StoreForTest store(disk);
  for (int64_t revision = 2; revision < 15; ++revision) {
    store.put("a", "1");
    store.compact(revision);
  }
  const std::vector<HashResult> left = store->compaction_hashes();
  ASSERT_EQ(left.size(), 10u);
  for (size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].revision, 14 - static_cast<int64_t>(i));
    EXPECT_EQ(left[i].compact_revision, left[i].revision == 2 ? -1 : left[i].revision - 1);
  }
}

TEST(Store, HasEtcdsErrorsForRevisions) {
  env::SimFileSystem disk;
  StoreForTest store(disk);
  EXPECT_EQ(store->view()->revision(), 1);
  EXPECT_EQ(store->view()->compacted(), -1);
  EXPECT_EQ(store->compact(-1, nullptr), compacted_error());
  EXPECT_EQ(store->compact(2, nullptr), future_revision_error());
  store.compact(0);  // once
  EXPECT_EQ(store->compact(0, nullptr), compacted_error());
  for (int i = 0; i < 9; ++i) store.put("a", "1");
  EXPECT_EQ(store->compact(11, nullptr), future_revision_error());
  store.compact(5);
  EXPECT_EQ(store->compact(5, nullptr), compacted_error());
  EXPECT_EQ(store->compact(4, nullptr), compacted_error());
  const std::shared_ptr<const View> view = store->view();
  EXPECT_EQ(view->check_revision(4), compacted_error());
  EXPECT_EQ(view->check_revision(1), compacted_error());
  EXPECT_EQ(view->check_revision(11), future_revision_error());
  EXPECT_EQ(view->check_revision(11).message(),
            "etcdserver: mvcc: required revision is a future revision");
  EXPECT_EQ(view->check_revision(4).message(),
            "etcdserver: mvcc: required revision has been compacted");
  EXPECT_EQ(view->check_revision(4).code(), StatusCode::kOutOfRange);
  EXPECT_TRUE(view->check_revision(5).ok());
  EXPECT_TRUE(view->check_revision(10).ok());
  EXPECT_TRUE(view->check_revision(0).ok());
  EXPECT_TRUE(view->check_revision(-7).ok());
  EXPECT_EQ(store->hash_kv(3).status(), compacted_error());
  EXPECT_EQ(store->hash_kv(11).status(), future_revision_error());
}

// A transaction reads what it wrote; others see it at publish().
TEST(Store, ShowsWholeTransactionsWhenPublished) {
  env::SimFileSystem disk;
  StoreForTest store(disk);
  store.put("a", "1");
  auto txn = store->write();
  EXPECT_EQ(txn->delete_range("nothing", ""), 0);
  EXPECT_FALSE(txn->changed());
  EXPECT_EQ(txn->revision(), 2);
  txn->put("a", "2", 0);
  txn->put("b", "1", 0);
  EXPECT_EQ(txn->revision(), 3);
  EXPECT_EQ(txn->next_revision(), 3);
  EXPECT_EQ(txn->count("a", kFromKey, 0), 2);
  EXPECT_EQ(txn->count("a", kFromKey, 2), 1);
  EXPECT_EQ(txn->delete_range("a", "z"), 2);
  txn->finish();
  EXPECT_EQ(store->read().count("a", kFromKey, 0), 0);
  EXPECT_EQ(store->view()->count("a", kFromKey, 0), 1);
  EXPECT_EQ(store->view()->revision(), 2);

  const std::vector<Change> changes = store->publish();
  EXPECT_EQ(store->view()->count("a", kFromKey, 0), 0);
  EXPECT_EQ(store->view()->revision(), 3);
  ASSERT_EQ(changes.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(changes[i].revision, (Revision{3, static_cast<int64_t>(i)}));
    EXPECT_EQ(changes[i].key(), i % 2 == 0 ? "a" : "b");
    EXPECT_EQ(changes[i].deleted, i >= 2);
  }
  EXPECT_EQ(hex(changes[0].record), "0a0161100218032002" "2a0132");
  EXPECT_EQ(hex(changes[2].record), "0a01611803");
  EXPECT_EQ(changes[0].created, 2);
  EXPECT_EQ(changes[1].created, 3);
  EXPECT_TRUE(store->publish().empty());
}

TEST(Store, TellsHistoryWithDeletions) {
  env::SimFileSystem disk;
  StoreForTest store(disk);
  write_vector(store);
  std::vector<std::string> told;
  const auto note = [&](const View::Row& row) {
    told.push_back(std::to_string(row.revision.main) + (row.tombstone ? "t" : ""));
    return told.size() < 3;
  };
  store->view()->history(4, 6, note);
  EXPECT_EQ(told, (std::vector<std::string>{"4", "5t", "6"}));
  told.clear();
  store->view()->history(6, INT64_MAX, note);
  EXPECT_EQ(told, (std::vector<std::string>{"6", "7"}));
  told.clear();
  store->view()->history(1, INT64_MAX, note);
  EXPECT_EQ(told, (std::vector<std::string>{"2", "3", "4"}));
  told.clear();
  store->view()->history(8, INT64_MAX, note);
  EXPECT_TRUE(told.empty());
}

class Lessor final : public KeyLeases {
 public:
  void attach(std::string_view key, int64_t lease) override { keys[std::string(key)] = lease; }
  void detach(std::string_view key) override {
    EXPECT_EQ(keys.erase(std::string(key)), 1u) << "detached without a lease";
  }
  int64_t lease_of(std::string_view key) const override {
    const auto found = keys.find(std::string(key));
    return found == keys.end() ? 0 : found->second;
  }
  std::map<std::string, int64_t> keys;
};

TEST(Store, TellsTheLessorWhichKeysAreUnderWhichLease) {
  env::SimFileSystem disk;
  Lessor lessor;
  const std::map<std::string, int64_t> expected = {{"b", 2}, {"c", kLease}, {"e", -1}};
  {
    StoreForTest store(disk, &lessor);
    store.put("a", "1", 1);
    store.put("a", "1");  // no more
    store.put("b", "1", 1);
    store.put("b", "1", 2);  // another
    store.put("c", "1", kLease);
    store.put("d", "1", 1);
    store.remove("d");
    store.put("e", "1", -1);
    store.put("f", "1");
    EXPECT_EQ(lessor.keys, expected);
  }
  Lessor after;
  StoreForTest store(disk, &after);
  EXPECT_EQ(after.keys, expected);
}

TEST(Store, TakesAnotherBackendsContents) {
  env::SimFileSystem disk;
  env::SimFileSystem other_disk;
  StoreForTest other(other_disk);
  other.put("x", "from the leader");
  other.put("y", "from the leader");
  StoreForTest store(disk);
  for (int i = 0; i < 50; ++i) store.put("key " + std::to_string(i), "1");
  for (int i = 0; i < 50; ++i) store.put("key " + std::to_string(i), "2");
  // Under way, with rows to remove, and never finished here.
  ASSERT_TRUE(store.start_compaction(90).ok());
  store.step();
  const std::shared_ptr<const View> before = store->view();
  ASSERT_TRUE(store->restore(other.backend()).ok());
  EXPECT_EQ(before->count("", kFromKey, 0), 50);
  EXPECT_EQ(before->count("", kFromKey, 95), 50);
  EXPECT_EQ(store->view()->revision(), 3);
  EXPECT_EQ(store->view()->compacted(), -1);
  EXPECT_EQ(records_of(*store->view(), "", kFromKey, 0).size(), 2u);
  EXPECT_EQ(store.put("z", "1"), 4);
}

TEST(Store, IsToldByItsOwnPublishWithoutAHook) {
  env::SimFileSystem disk;
  StoreForTest opened(disk);
  StoreOptions options;
  options.compaction_sleep_ms = 0;
  auto store = Store::open(opened.backend(), options);
  ASSERT_TRUE(store.ok());
  for (int i = 0; i < 3; ++i) {
    auto txn = (*store)->write();
    txn->put("a", "1", 0);
    txn->finish();
  }
  std::atomic<bool> done{false};
  ASSERT_TRUE((*store)->compact(4, [&] { done = true; }).ok());
  while (!done.load()) {
    (*store)->publish();
    std::this_thread::yield();
  }
  EXPECT_EQ(rows_of(opened).size(), 1u);
}

// Rows that no store writes.
TEST(Store, DoesNotOpenRowsThatMakeNoSense) {
  const std::string row(schema::RevisionKey(Revision{2, 0}).view());
  const std::string good("\x0a\x01\x61\x10\x02\x18\x02\x20\x01\x2a\x01\x31", 12);
  const struct {
    std::string key;
    std::string value;
    std::string why;
  } cases[] = {
      {"short", good, "not a revision"},
      {row + "x", good, "not a revision"},
      {row, good.substr(0, 11), "not a mvccpb.KeyValue"},
      {row, "\x0a\x7f", "not a mvccpb.KeyValue"},
      {row, std::string("\x0a\x01\x61\x10\x02\x18\x03\x20\x01", 9), "mod_revision"},
      {row, std::string("\x0a\x01\x61\x10\x03\x18\x02\x20\x01", 9), "create_revision"},
      {row, std::string("\x0a\x01\x61\x10\x02\x18\x02", 7), "version"},
      {std::string(17, '\xff').replace(8, 1, "_"), good, "out of bounds"},
  };
  for (const auto& damaged : cases) {
    env::SimFileSystem disk;
    StoreForTest store(disk);
    store.backend().writer().put(backend::Bucket::kKey, damaged.key, damaged.value);
    store.backend().writer().end();
    const Status status = Store::open(store.backend(), StoreOptions()).status();
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_THAT(status.message(), testing::HasSubstr(hex(damaged.key)));
    EXPECT_THAT(status.message(), testing::HasSubstr(damaged.why));
  }
}

// Revisions do not go back when the newest rows were compacted away.
TEST(Store, ItsRevisionIsAtLeastThatOfTheCompactions) {
  env::SimFileSystem disk;
  {
    StoreForTest store(disk);
    store.put("a", "1");
    store.remove("a");
    store.put("b", "1");
    store.remove("b");
    store.put("c", "1");
    store.remove("c");
    store.compact(7);
    EXPECT_EQ(rows_of(store).size(), 1u);
  }
  StoreForTest store(disk);
  EXPECT_EQ(store->view()->revision(), 7);
  EXPECT_EQ(store->view()->compacted(), 7);
  EXPECT_EQ(store.put("a", "1"), 8);
}

}  // namespace
}  // namespace gatehouse::mvcc
