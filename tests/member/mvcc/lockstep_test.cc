// The store beside a plain model, over random operations from a printed seed: the present, every
// revision that can be read, old views while writing and compacting goes on, rows after compactions,
// reopening, and power loss with a compaction half done.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "member/mvcc/key_value.h"
#include "tests/member/mvcc/model.h"
#include "tests/member/mvcc/store_for_test.h"

namespace gatehouse::mvcc {
namespace {

class Lockstep {
 public:
  explicit Lockstep(uint64_t seed, size_t keys) : random_(seed) {
    // Few bytes, zeros among them, long common beginnings: what a search by chunks could get wrong.
    const std::string alphabet("\0\1ab\xff", 5);
    const std::vector<std::string> beginnings = {"", "a", "/registry/pods/default/",
                                                 "/registry/pods/", std::string(9, '\0')};
    for (size_t i = 0; i < keys; ++i) {
      std::string key = beginnings[random_() % beginnings.size()];
      for (uint64_t n = 1 + random_() % 11; n > 0; --n) key += alphabet[random_() % 5];
      keys_.push_back(key);
    }
  }

  const std::string& key() { return keys_[random_() % keys_.size()]; }
  uint64_t below(uint64_t bound) { return random_() % bound; }

  std::string end_for(const std::string& begin) {
    switch (below(6)) {
      case 0:
        return std::string(kFromKey);
      case 1:
      case 2:
        return key();
      case 3:
        return begin + '\xff';
      default:
        return "";
    }
  }

  void transaction(Store& store) {
    const std::unique_ptr<WriteTxn> txn = store.write();
    ASSERT_EQ(txn->revision(), model.revision);
    int64_t sub = 0;
    for (uint64_t n = 1 + below(4); n > 0; --n) {
      const std::string name = key();
      if (below(4) == 0) {
        std::string end = end_for(name);
        if (end == kFromKey && below(10) != 0) end = "";
        const int64_t removed = txn->delete_range(name, end);
        ASSERT_EQ(removed, model.remove(name, end, sub));
        sub += removed;
      } else {
        const std::string value(below(20), static_cast<char>('a' + below(26)));
        txn->put(name, value, 0);
        model.put(name, value, 0, sub++);
      }
      ASSERT_EQ(txn->changed(), sub > 0);
      ASSERT_EQ(txn->revision(), model.revision + (sub > 0));
      ASSERT_EQ(records_of(*txn, name, "", 0), model.at(name, "", INT64_MAX));
    }
    txn->finish();
    if (sub > 0) ++model.revision;
    ASSERT_EQ(store.read().revision(), model.revision);
  }

  // One range at one revision.
  void compare(const ReadTxn& txn, int64_t at, const std::string& begin, const std::string& end) {
    const std::vector<std::string> expected = model.at(begin, end, at);
    ASSERT_EQ(txn.count(begin, end, at), static_cast<int64_t>(expected.size()));
    ASSERT_EQ(records_of(txn, begin, end, at), expected);
    const auto limit = static_cast<int64_t>(1 + below(5));
    std::vector<std::string> first = expected;
    if (first.size() > static_cast<size_t>(limit)) first.resize(static_cast<size_t>(limit));
    ASSERT_EQ(records_of(txn, begin, end, at, limit), first);
  }

  void compare_some(const ReadTxn& txn) {
    ASSERT_EQ(txn.compacted(), model.compacted);
    for (int i = 0; i < 4; ++i) {
      const int64_t low = std::max<int64_t>(model.compacted, 1);
      const int64_t at =
          below(2) == 0 ? model.revision
                        : low + static_cast<int64_t>(
                                    below(static_cast<uint64_t>(model.revision - low + 1)));
      const std::string begin = below(5) == 0 ? std::string() : key();
      compare(txn, at, begin, end_for(begin));
      if (testing::Test::HasFatalFailure()) return;
    }
    compare(txn, model.revision, "", std::string(kFromKey));
  }

  Model model;

 private:
  std::mt19937_64 random_;
  std::vector<std::string> keys_;
};

void compare_rows(const View& view, const Model& model) {
  std::map<std::pair<Revision, bool>, std::string> rows;
  view.history(0, INT64_MAX, [&](const View::Row& row) {
    rows[{row.revision, row.tombstone}] = row.record;
    return true;
  });
  ASSERT_EQ(rows, model.rows());
}

struct Kept {
  std::shared_ptr<const View> view;
  Model model;
};

void run(uint64_t seed, size_t keys, int steps) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  env::SimFileSystem disk;
  Lockstep lockstep(seed, keys);
  auto store = std::make_unique<StoreForTest>(disk);
  std::vector<Kept> kept;
  for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
    for (uint64_t n = 1 + lockstep.below(3); n > 0; --n) lockstep.transaction(**store);
    lockstep.compare_some((*store)->read());
    (*store)->publish();
    std::shared_ptr<const View> view = (*store)->view();
    ASSERT_EQ(view->revision(), lockstep.model.revision);
    lockstep.compare_some(*view);
    if (lockstep.below(8) == 0) kept.push_back({view, lockstep.model});
    view.reset();
    if (lockstep.below(5) == 0) {
      ASSERT_TRUE(store->backend().commit().ok());
    }
    if (lockstep.below(12) == 0) {
      Model& model = lockstep.model;
      const int64_t revision =
          model.revision - static_cast<int64_t>(lockstep.below(5)) * lockstep.below(3);
      if (revision > model.compacted) {
        ASSERT_TRUE(store->start_compaction(revision).ok());
        model.compacted = revision;
        // Writes and reads go on in between.
        while (store->step()) {
          lockstep.transaction(**store);
          (*store)->publish();
          lockstep.compare_some(*(*store)->view());
        }
        compare_rows(*(*store)->view(), model);
      }
    }
    if (kept.size() > 5 || lockstep.below(30) == 0) {
      // As they were, whatever was written and compacted since.
      for (const Kept& old : kept) {
        std::swap(lockstep.model, const_cast<Model&>(old.model));
        lockstep.compare_some(*old.view);
        std::swap(lockstep.model, const_cast<Model&>(old.model));
      }
      kept.clear();
    }
    if (lockstep.below(40) == 0) {
      kept.clear();
      store.reset();
      store = std::make_unique<StoreForTest>(disk);
      ASSERT_EQ((*store)->read().revision(), lockstep.model.revision);
      lockstep.compare_some(*(*store)->view());
    }
  }
}

TEST(StoreLockstep, FewKeys) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (uint64_t i = 0; i < 10 && !testing::Test::HasFatalFailure(); ++i) run(seed + i, 30, 150);
}

// So many that the tree has two levels and more, of which compactions take most away again.
TEST(StoreLockstep, ManyKeys) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (uint64_t i = 0; i < 2 && !testing::Test::HasFatalFailure(); ++i) run(seed + i, 3000, 700);
}

// Power is lost at some step of a compaction: the rest is done after the next opening.
TEST(StoreLockstep, CompactionGoesOnAfterACrash) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (uint64_t i = 0; i < 15 && !testing::Test::HasFatalFailure(); ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed + i));
    Lockstep lockstep(seed + i, 40);
    auto disk = std::make_unique<env::SimFileSystem>();
    auto store = std::make_unique<StoreForTest>(*disk);
    for (int n = 0; n < 60; ++n) lockstep.transaction(**store);
    (*store)->publish();
    lockstep.model.compacted = lockstep.model.revision - 10;
    ASSERT_TRUE(store->start_compaction(lockstep.model.compacted).ok());
    for (uint64_t n = lockstep.below(6); n > 0; --n) store->step();
    ASSERT_TRUE(store->backend().commit().ok());
    store->step();  // not durable, or only in part
    auto after = disk->crash(seed + i, 0.5);
    store.reset();
    store = std::make_unique<StoreForTest>(*after);
    ASSERT_EQ((*store)->read().revision(), lockstep.model.revision);
    ASSERT_EQ((*store)->view()->compacted(), lockstep.model.compacted);
    lockstep.compare_some(*(*store)->view());
    std::string_view finished;
    std::string_view scheduled;
    const auto is_finished = [&] {
      const auto reader = store->backend().read();
      return reader->get(backend::Bucket::kMeta, "finishedCompactRev", finished) &&
             reader->get(backend::Bucket::kMeta, "scheduledCompactRev", scheduled) &&
             finished == scheduled;
    };
    while (!is_finished()) store->step();
    compare_rows(*(*store)->view(), lockstep.model);
    lockstep.compare_some(*(*store)->view());
    store.reset();  // before its disk
  }
}

}  // namespace
}  // namespace gatehouse::mvcc
