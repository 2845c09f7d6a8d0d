// The tree beside a std::map, and what a key costs.
#include "proxy/mirror/tree.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "proto/kv.pb.h"
#include "tests/common/base/heap.h"

namespace gatehouse::mirror {
namespace {

EntryRef entry(const std::string& key, const std::string& value, int64_t revision = 1) {
  mvccpb::KeyValue pair;
  pair.set_key(key);
  pair.set_value(value);
  pair.set_create_revision(revision);
  pair.set_mod_revision(revision);
  pair.set_version(1);
  return EntryRef::parse(pair.SerializeAsString());
}

using Model = std::map<std::string, std::string>;

std::vector<std::pair<std::string, std::string>> listed(const Tree& tree, const KeyRange& range) {
  std::vector<std::pair<std::string, std::string>> all;
  tree.visit(range, [&](const Entry& e) {
    all.emplace_back(e.key(), e.value());
    return true;
  });
  return all;
}

void expect_same(const Tree& tree, const Model& model, const std::string& key,
                 const std::string& end) {
  const KeyRange range{key, end};
  std::vector<std::pair<std::string, std::string>> expected;
  for (const auto& [k, v] : model) {
    if (range.contains(k)) expected.emplace_back(k, v);
  }
  ASSERT_EQ(listed(tree, range), expected);
  ASSERT_EQ(tree.count(range), expected.size());
}

TEST(Tree, DoesAsAMapDoesAndItsCopiesStayAsTheyAre) {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    // Few keys make it shrink to nothing and back, many make it three levels deep.
    const uint32_t space = seed % 3 == 0 ? 12 : seed % 3 == 1 ? 400 : 20'000;
    const auto key = [&] { return "k" + std::to_string(random() % space); };
    Tree tree;
    Model model;
    std::vector<std::pair<Tree, Model>> copies;
    for (int i = 0; i < 12'000; ++i) {
      const std::string k = seed % 4 == 0 && i < 6000 ? "s" + std::to_string(100'000 + i) : key();
      const bool shrinking = i / 3000 % 2 == 1;
      if (random() % 10 < (shrinking ? 7u : 3u)) {
        const EntryRef gone = tree.erase(k);
        const auto found = model.find(k);
        ASSERT_EQ(bool(gone), found != model.end());
        if (gone) {
          ASSERT_EQ(gone->value(), found->second);
          model.erase(found);
        }
      } else {
        const std::string v = std::to_string(i);
        const EntryRef replaced = tree.put(entry(k, v));
        ASSERT_EQ(bool(replaced), model.contains(k));
        if (replaced) {
          ASSERT_EQ(replaced->value(), model[k]);
        }
        model[k] = v;
      }
      ASSERT_EQ(tree.size(), model.size());
      if (i % 1000 == 0) {
        copies.emplace_back(tree, model);
        expect_same(tree, model, std::string(1, '\0'), std::string(1, '\0'));
      }
      if (i % 50 == 0) {
        expect_same(tree, model, key(), key());
        expect_same(tree, model, key(), "");
        expect_same(tree, model, key(), std::string(1, '\0'));
      }
    }
    for (const auto& [old_tree, old_model] : copies) {
      expect_same(old_tree, old_model, std::string(1, '\0'), std::string(1, '\0'));
    }
  }
}

TEST(Tree, AnEntryIsTheRecordInPieces) {
  mvccpb::KeyValue pair;
  pair.set_key("key");
  pair.set_value("value");
  pair.set_create_revision(300);
  pair.set_mod_revision(70'000);
  pair.set_version(5);
  pair.set_lease(7);
  const std::string record = pair.SerializeAsString();
  const EntryRef e = EntryRef::parse(record);
  ASSERT_TRUE(e);
  EXPECT_EQ(e->record(), record);
  EXPECT_EQ(e->key(), "key");
  EXPECT_EQ(e->value(), "value");
  EXPECT_EQ(e->revisions().created, 300);
  EXPECT_EQ(e->revisions().modified, 70'000);
  EXPECT_EQ(e->revisions().version, 5);
  pair.clear_value();
  EXPECT_EQ(std::string(e->before_value()) + std::string(e->after_value()),
            pair.SerializeAsString());
  EXPECT_FALSE(EntryRef::parse(record.substr(0, record.size() - 1)));
  EXPECT_FALSE(EntryRef::parse(""));
}

TEST(Tree, RangesCover) {
  const std::string all(1, '\0');
  EXPECT_TRUE((KeyRange{all, all}.covers({"a", ""})));
  EXPECT_TRUE((KeyRange{all, all}.covers({"a", all})));
  EXPECT_TRUE((KeyRange{"a", "c"}.covers({"a", "c"})));
  EXPECT_TRUE((KeyRange{"a", "c"}.covers({"b", ""})));
  EXPECT_FALSE((KeyRange{"a", "c"}.covers({"c", ""})));
  EXPECT_FALSE((KeyRange{"a", "c"}.covers({"b", "d"})));
  EXPECT_FALSE((KeyRange{"a", "c"}.covers({"b", all})));
  EXPECT_FALSE((KeyRange{"b", all}.covers({"a", all})));
}

// What is promised: at most 400 bytes a key beside key and value.
TEST(Tree, AKeyCostsLittle) {
  constexpr size_t kKeys = 200'000;
  const std::string value(256, 'v');
  const size_t before = gatehouse::testing::live_heap_bytes();
  Tree tree;
  size_t payload = 0;
  for (size_t i = 0; i < kKeys; ++i) {
    const std::string key = "/registry/pods/default/pod-" + std::to_string(i * 7919 % kKeys);
    payload += key.size() + value.size();
    tree.put(entry(key, value, static_cast<int64_t>(i + 2)));
  }
  ASSERT_EQ(tree.size(), kKeys);
  const size_t overhead = (gatehouse::testing::live_heap_bytes() - before - payload) / kKeys;
  RecordProperty("overhead_bytes_a_key", static_cast<int>(overhead));
  EXPECT_LE(overhead, 120u);
}

}  // namespace
}  // namespace gatehouse::mirror
