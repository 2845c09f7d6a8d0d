// The store in lockstep with a naive one that keeps every revision whole and answers by sorting
// protobuf objects.
#include "proxy/mirror/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "proto/rpc.pb.h"
#include "proxy/mirror/range.h"

namespace gatehouse::mirror {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using mvccpb::KeyValue;
using Model = std::map<std::string, KeyValue>;

RangeResponse naive(const Model& model, const RangeRequest& request) {
  const KeyRange range{request.key(), request.range_end()};
  std::vector<KeyValue> all;
  for (const auto& [key, pair] : model) {
    if (range.contains(key)) all.push_back(pair);
  }
  RangeResponse response;
  response.set_count(static_cast<int64_t>(all.size()));
  if (request.count_only()) return response;
  const bool filtered = request.min_mod_revision() || request.max_mod_revision() ||
                        request.min_create_revision() || request.max_create_revision();
  std::erase_if(all, [&](const KeyValue& kv) {
    const auto outside = [](int64_t at, int64_t min, int64_t max) {
      return (min != 0 && at < min) || (max != 0 && at > max);
    };
    return outside(kv.mod_revision(), request.min_mod_revision(), request.max_mod_revision()) ||
           outside(kv.create_revision(), request.min_create_revision(),
                   request.max_create_revision());
  });
  const auto limit = static_cast<size_t>(request.limit());
  const bool ordered = request.sort_order() != RangeRequest::NONE;
  if (!ordered && !filtered && limit > 0 && all.size() > limit + 1) all.resize(limit + 1);
  const auto less = [&](const KeyValue& a, const KeyValue& b) {
    switch (request.sort_target()) {
      case RangeRequest::KEY:
        return a.key() < b.key();
      case RangeRequest::VERSION:
        return a.version() < b.version();
      case RangeRequest::CREATE:
        return a.create_revision() < b.create_revision();
      case RangeRequest::MOD:
        return a.mod_revision() < b.mod_revision();
      default:
        return a.value() < b.value();
    }
  };
  if (request.sort_order() == RangeRequest::DESCEND) {
    std::stable_sort(all.begin(), all.end(),
                     [&](const KeyValue& a, const KeyValue& b) { return less(b, a); });
  } else {
    std::stable_sort(all.begin(), all.end(), less);
  }
  response.set_more(limit > 0 && all.size() > limit);
  if (response.more()) all.resize(limit);
  for (KeyValue& pair : all) {
    if (request.keys_only()) {
      pair.clear_value();
      if (request.sort_target() != RangeRequest::VALUE) pair.clear_lease();
    }
    *response.add_kvs() = pair;
  }
  return response;
}

class Lockstep {
 public:
  explicit Lockstep(uint32_t seed) : random_(seed) { history_[1] = {}; }

  uint32_t below(uint32_t n) { return random_() % n; }
  std::string key() { return std::string(1, char('a' + below(4))) + std::to_string(below(40)); }
  int64_t revision() const { return history_.rbegin()->first; }

  // A transaction of one to four changes, of different keys or of one deleted and put.
  void write() {
    Model model = history_.rbegin()->second;
    const int64_t next = revision() + 1;
    std::vector<std::string> touched;
    bool changed = false;
    for (uint32_t n = 1 + below(4); n > 0; --n) {
      const std::string k = key();
      if (std::find(touched.begin(), touched.end(), k) != touched.end()) continue;
      touched.push_back(k);
      if (below(3) == 0) {
        if (model.erase(k) == 0) continue;
        store.erase(next, make_tombstone(k, next));
        changed = true;
        if (below(2) == 0) continue;
      }
      KeyValue& pair = model[k];
      pair.set_key(k);
      pair.set_value(below(8) == 0 ? "" : std::to_string(below(50)));
      if (pair.version() == 0) pair.set_create_revision(next);
      pair.set_mod_revision(next);
      pair.set_version(pair.version() + 1);
      pair.set_lease(below(3) == 0 ? 77 : 0);
      store.put(next, EntryRef::parse(pair.SerializeAsString()));
      changed = true;
    }
    if (changed) history_[next] = std::move(model);
  }

  void read() {
    RangeRequest request;
    request.set_key(below(5) == 0 ? std::string(1, '\0') : key());
    const uint32_t shape = below(4);
    if (shape == 0) request.set_range_end(std::string(1, '\0'));
    if (shape == 1) request.set_range_end(key());
    if (shape == 2) request.set_range_end(std::string(1, char('a' + below(5))));
    if (below(2) == 0) request.set_limit(below(12));
    if (below(3) == 0) request.set_sort_order(RangeRequest::SortOrder(below(3)));
    if (below(3) == 0) request.set_sort_target(RangeRequest::SortTarget(below(5)));
    request.set_keys_only(below(4) == 0);
    request.set_count_only(below(6) == 0);
    const auto some = [&] { return int64_t(below(uint32_t(revision()) + 1)); };
    if (below(6) == 0) request.set_min_mod_revision(some());
    if (below(6) == 0) request.set_max_mod_revision(some());
    if (below(6) == 0) request.set_min_create_revision(some());
    if (below(6) == 0) request.set_max_create_revision(some());

    int64_t at = store.revision();
    if (below(2) == 0) at = std::max({store.oldest(), compacted_, at - int64_t(below(200))});
    const std::optional<Tree> tree = store.at(at);
    ASSERT_TRUE(tree.has_value()) << at;

    const std::string bytes = request.SerializeAsString();
    RangeQuery query;
    ASSERT_TRUE(parse_range_request(bytes, query));
    std::string answer;
    append_range_fields(*tree, query, /*keys_only_with_lease=*/false, answer);
    RangeResponse response;
    ASSERT_TRUE(response.ParseFromString(answer));
    ASSERT_EQ(response.ShortDebugString(), naive(history_[at], request).ShortDebugString())
        << request.ShortDebugString() << " at " << at;
  }

  void compact() {
    compacted_ = std::max<int64_t>(1, revision() - 50);
    store.compact(compacted_);
  }

  // What the steps tell, applied to the state before, gives the state after; and what they say was
  // there before was there.
  void replay() {
    const int64_t from = std::max(store.oldest() + 1, store.revision() - int64_t(below(100)));
    Model model = history_[from - 1];
    std::vector<std::shared_ptr<const Step>> steps;
    ASSERT_TRUE(store.steps(from, SIZE_MAX, steps));
    int64_t revision = from - 1;
    for (const auto& step : steps) {
      ASSERT_EQ(step->revision, revision + 1);
      revision = step->revision;
      Model before = model;
      for (const Change& change : step->changes) {
        const std::string k(change.entry->key());
        ASSERT_EQ(change.entry->revisions().modified, revision);
        const bool creation = !change.deleted && change.entry->revisions().created == revision;
        ASSERT_EQ(bool(change.previous), !creation && before.contains(k));
        if (change.previous) {
          ASSERT_EQ(change.previous->record(), before[k].SerializeAsString());
        }
        if (change.deleted) {
          model.erase(k);
        } else {
          ASSERT_TRUE(model[k].ParseFromString(std::string(change.entry->record())));
        }
      }
    }
    ASSERT_EQ(revision, store.revision());
    ASSERT_EQ(model.size(), history_[revision].size());
    for (const auto& [k, pair] : history_[revision]) {
      ASSERT_EQ(model[k].SerializeAsString(), pair.SerializeAsString());
    }
  }

  Store store;

 private:
  std::mt19937 random_;
  std::map<int64_t, Model> history_;
  int64_t compacted_ = 0;
};

TEST(Store, AnswersAsANaiveOne) {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Lockstep pair(seed);
    pair.store.reset(Tree(), 1);
    for (int i = 0; i < 600; ++i) {
      for (uint32_t n = pair.below(4); n > 0; --n) pair.write();
      pair.store.publish(pair.revision());
      for (int n = 0; n < 8; ++n) ASSERT_NO_FATAL_FAILURE(pair.read());
      if (i % 10 == 0) {
        ASSERT_NO_FATAL_FAILURE(pair.replay());
      }
      if (i % 97 == 96) {
        pair.compact();
        ASSERT_NO_FATAL_FAILURE(pair.replay());
      }
    }
  }
}

EntryRef put_of(int64_t revision, const std::string& key, size_t size = 1) {
  KeyValue pair;
  pair.set_key(key);
  pair.set_create_revision(revision);
  pair.set_mod_revision(revision);
  pair.set_version(1);
  pair.set_value(std::string(size, 'v'));
  return EntryRef::parse(pair.SerializeAsString());
}

TEST(Store, TheWindowIsBoundedInStepsAndInBytes) {
  Store store;
  store.reset(Tree(), 1);
  int64_t revision = 1;
  for (size_t i = 0; i < Store::kMaxSteps + 10; ++i) {
    ++revision;
    store.put(revision, put_of(revision, "k"));
    store.publish(revision);
  }
  EXPECT_EQ(store.oldest(), revision - static_cast<int64_t>(Store::kMaxSteps));
  EXPECT_FALSE(store.at(store.oldest() - 1).has_value());
  EXPECT_EQ(store.at(store.oldest())->find("k")->revisions().modified, store.oldest());
  std::vector<std::shared_ptr<const Step>> steps;
  EXPECT_FALSE(store.steps(store.oldest(), 1, steps));
  EXPECT_TRUE(store.steps(store.oldest() + 1, 1, steps));
  EXPECT_EQ(steps.front()->revision, store.oldest() + 1);

  constexpr size_t kLarge = 4 * 1024 * 1024;
  for (int i = 0; i < 40; ++i) {
    ++revision;
    store.put(revision, put_of(revision, "k", kLarge));
    store.publish(revision);
  }
  EXPECT_GT(store.oldest(), revision - 20);
  EXPECT_LT(store.bytes(), Store::kMaxWindowBytes + 2 * kLarge);
}

TEST(Store, WhatWasCompactedIsNotReadButItsRevisionIs) {
  Store store;
  store.reset(Tree(), 1);
  for (int64_t revision = 2; revision <= 9; ++revision) store.put(revision, put_of(revision, "k"));
  store.publish(9);
  store.compact(5);
  EXPECT_FALSE(store.at(4).has_value());
  EXPECT_EQ(store.at(5)->find("k")->revisions().modified, 5);
  std::vector<std::shared_ptr<const Step>> steps;
  EXPECT_FALSE(store.steps(4, 9, steps));
  EXPECT_TRUE(store.steps(5, 9, steps));
  EXPECT_EQ(steps.size(), 5u);
}

// A nested transaction may put a key and then delete it: the check of overlaps does not see it.
TEST(Store, WhatWasBeforeAChangeIsAsOfTheRevisionBefore) {
  const auto pair_of = [](int64_t created, int64_t modified, int64_t version) {
    KeyValue pair;
    pair.set_key("k");
    pair.set_create_revision(created);
    pair.set_mod_revision(modified);
    pair.set_version(version);
    return EntryRef::parse(pair.SerializeAsString());
  };
  Store store;
  store.reset(Tree(), 1);
  store.put(2, pair_of(2, 2, 1));  // created, changed and deleted at once
  store.put(2, pair_of(2, 2, 2));
  store.erase(2, make_tombstone("k", 2));
  store.put(3, pair_of(3, 3, 1));
  store.put(4, pair_of(3, 4, 2));  // changed twice, then deleted
  store.put(4, pair_of(3, 4, 3));
  store.erase(4, make_tombstone("k", 4));
  store.publish(4);
  store.put(5, pair_of(5, 5, 1));
  store.publish(5);
  store.erase(6, make_tombstone("k", 6));  // deleted, created and deleted
  store.put(6, pair_of(6, 6, 1));
  store.erase(6, make_tombstone("k", 6));
  store.publish(6);

  std::vector<std::shared_ptr<const Step>> steps;
  ASSERT_TRUE(store.steps(2, SIZE_MAX, steps));
  std::vector<int64_t> before;
  for (const auto& step : steps) {
    for (const Change& change : step->changes) {
      before.push_back(change.previous ? change.previous->revisions().modified : 0);
    }
  }
  EXPECT_EQ(before, (std::vector<int64_t>{0, 0, 0, 0, 3, 3, 3, 0, 5, 0, 5}));
  EXPECT_EQ(store.view()->tree.size(), 0u);
}

TEST(Store, ARevisionWithoutEventsOnlyMovesTheView) {
  Store store;
  EXPECT_EQ(store.view()->revision, 0);
  store.reset(Tree(), 3);
  store.publish(8);
  EXPECT_EQ(store.view()->revision, 8);
  EXPECT_TRUE(store.at(5).has_value());
  EXPECT_FALSE(store.at(9).has_value());
  store.erase(9, make_tombstone("absent", 9));
  store.publish(9);
  EXPECT_EQ(store.revision(), 9);
}

TEST(RangeRequest, FieldsOfALaterEtcdAreNotUnderstood) {
  RangeQuery query;
  EXPECT_TRUE(parse_range_request("\x0a\x01k", query));
  EXPECT_FALSE(parse_range_request("\x0a\x01k\x70\x01", query));  // field 14
  EXPECT_FALSE(parse_range_request("\x0a\x05k", query));
  EXPECT_FALSE(parse_range_request("\x08\x01", query));
}

}  // namespace
}  // namespace gatehouse::mirror
