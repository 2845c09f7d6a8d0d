#include "member/lease/deadline_heap.h"

#include <gtest/gtest.h>

#include <set>

#include "common/env/entropy.h"

namespace gatehouse::lease {
namespace {

struct Item {
  uint32_t place = kNotInHeap;
};
using Heap = DeadlineHeap<Item, &Item::place>;

TEST(DeadlineHeap, IsAsASortedSetInLockstep) {
  const uint64_t seed = env::SystemEntropy().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  env::SeededEntropy random(seed);
  std::vector<Item> items(300);
  std::vector<uint64_t> due(items.size());
  std::multiset<uint64_t> model;
  Heap heap;
  for (int step = 0; step < 20'000; ++step) {
    const size_t i = random.below(items.size());
    if (random.below(3) != 0) {
      if (items[i].place != kNotInHeap) model.erase(model.find(due[i]));
      due[i] = random.below(1000);
      model.insert(due[i]);
      heap.set(items[i], due[i]);
    } else {
      if (items[i].place != kNotInHeap) model.erase(model.find(due[i]));
      heap.remove(items[i]);
      ASSERT_EQ(items[i].place, kNotInHeap);
    }
    ASSERT_EQ(heap.size(), model.size());
    if (!model.empty()) {
      ASSERT_EQ(heap.top().due_ms, *model.begin());
    }
  }
  while (!heap.empty()) {
    ASSERT_EQ(heap.top().due_ms, *model.begin());
    model.erase(model.begin());
    heap.remove(*heap.top().item);
  }
  EXPECT_TRUE(model.empty());
}

TEST(DeadlineHeap, TakesASortedListAndForgetsAll) {
  std::vector<Item> items(3);
  Heap heap;
  heap.assign({{1, &items[2]}, {2, &items[0]}, {3, &items[1]}});
  EXPECT_EQ(heap.top().item, &items[2]);
  heap.set(items[1], 0);
  EXPECT_EQ(heap.top().item, &items[1]);
  heap.clear();
  EXPECT_TRUE(heap.empty());
  for (const Item& item : items) EXPECT_EQ(item.place, kNotInHeap);
}

}  // namespace
}  // namespace gatehouse::lease
