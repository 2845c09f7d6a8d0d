#include "tests/sim/linearizability.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "common/env/entropy.h"

namespace gatehouse::sim {
namespace {

using Kind = Operation::Kind;

Operation read(uint64_t asked, uint64_t told, Value found) {
  return {Kind::kRead, kAbsent, kAbsent, asked, told, found, 0};
}
Operation put(uint64_t asked, uint64_t told, Value value, Value found = kAbsent) {
  return {Kind::kPut, kAbsent, value, asked, told, found, 0};
}
Operation erase(uint64_t asked, uint64_t told, Value found) {
  return {Kind::kDelete, kAbsent, kAbsent, asked, told, found, 0};
}
Operation compare_and_put(uint64_t asked, uint64_t told, Value expected, Value value, Value found) {
  return {Kind::kCompareAndPut, expected, value, asked, told, found, 0};
}

bool linearizable(const History& history) {
  uint64_t steps = 1'000'000;
  const bool good = !check_linearizable(history, steps);
  EXPECT_GT(steps, 0U);
  return good;
}

TEST(Linearizability, OneAfterTheOther) {
  EXPECT_TRUE(linearizable({}));
  EXPECT_TRUE(linearizable({read(1, 2, 0), put(3, 4, 7), read(5, 6, 7), erase(7, 8, 7)}));
  EXPECT_FALSE(linearizable({put(1, 2, 7), read(3, 4, 0)})) << "a stale read";
  EXPECT_FALSE(linearizable({put(1, 2, 7), put(3, 4, 8, 7), read(5, 6, 7)})) << "a lost write";
  EXPECT_FALSE(linearizable({put(1, 2, 7), put(3, 4, 8, 0)})) << "what it found is not there";
  EXPECT_FALSE(linearizable({read(1, 2, 9)})) << "out of thin air";
}

TEST(Linearizability, AtTheSameTimeEitherMayBeFirst) {
  EXPECT_TRUE(linearizable({put(1, 4, 7), read(2, 3, 0)}));
  EXPECT_TRUE(linearizable({put(1, 4, 7), read(2, 3, 7)}));
  EXPECT_FALSE(linearizable({put(1, 6, 7), read(2, 3, 7), read(4, 5, 0)})) << "back again";
  EXPECT_FALSE(linearizable({compare_and_put(1, 3, 0, 5, 0), compare_and_put(2, 4, 0, 6, 0)}))
      << "both cannot have found nothing";
  EXPECT_TRUE(linearizable({compare_and_put(1, 3, 0, 5, 0), compare_and_put(2, 4, 0, 6, 5)}));
}

TEST(Linearizability, WithoutAnAnswerItMayHaveHappenedOrNot) {
  EXPECT_TRUE(linearizable({put(1, kNever, 7), read(2, 3, 0)}));
  EXPECT_TRUE(linearizable({put(1, kNever, 7), read(2, 3, 0), read(4, 5, 7)})) << "late";
  EXPECT_FALSE(linearizable({read(1, 2, 7), put(3, kNever, 7)})) << "before it was asked";
  EXPECT_FALSE(linearizable({put(1, kNever, 7), read(2, 3, 7), read(4, 5, 0)})) << "once only";
  EXPECT_TRUE(linearizable({put(1, 2, 7), erase(3, kNever, 0), read(4, 5, 7), read(6, 7, 0)}));
  EXPECT_FALSE(linearizable({put(1, 2, 7), erase(3, kNever, 0), read(4, 5, 0), read(6, 7, 7)}));
  EXPECT_TRUE(linearizable({compare_and_put(1, kNever, 0, 5, 0), read(2, 3, 5)}));
  EXPECT_FALSE(linearizable({compare_and_put(1, kNever, 9, 5, 0), read(2, 3, 5)}));
}

TEST(Linearizability, RevisionsOrderWhatHappensOnDifferentKeys) {
  const auto at = [](Operation operation, int64_t revision) {
    operation.revision = revision;
    return operation;
  };
  History a = {at(put(1, 2, 7), 2), at(read(5, 6, 7), 3)};
  History b = {at(put(3, 4, 8), 3)};
  EXPECT_EQ(check_revisions({&a, &b}), std::nullopt);
  a[1].revision = 2;
  EXPECT_NE(check_revisions({&a, &b}), std::nullopt) << "a read of the past";
  a[1].revision = 3;
  b[0].revision = 2;
  EXPECT_NE(check_revisions({&a, &b}), std::nullopt) << "a change without a revision of its own";
}

// What the search is to find, by trying all orders and all choices of what happened.
bool some_order_explains(const History& history) {
  std::vector<size_t> order(history.size());
  std::iota(order.begin(), order.end(), 0);
  do {
    bool possible = true;
    for (size_t i = 0; possible && i < order.size(); ++i) {
      for (size_t j = i + 1; possible && j < order.size(); ++j) {
        possible = history[order[j]].told > history[order[i]].asked;
      }
    }
    if (!possible) continue;
    for (uint64_t happened = 0; happened < (uint64_t{1} << history.size()); ++happened) {
      Value value = kAbsent;
      bool good = true;
      for (const size_t i : order) {
        const Operation& each = history[i];
        if ((happened >> i & 1) == 0) {
          good = good && !each.answered();
          continue;
        }
        if (each.answered()) good = good && each.found == value;
        if (each.kind == Kind::kPut || each.kind == Kind::kDelete) value = each.value;
        if (each.kind == Kind::kCompareAndPut && value == each.expected) value = each.value;
      }
      if (good) return true;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

TEST(Linearizability, AgreesWithTryingEverything) {
  env::SeededEntropy entropy(4);
  int good = 0;
  int bad = 0;
  for (int round = 0; round < 3000; ++round) {
    const size_t count = 2 + entropy.below(4);
    std::vector<uint64_t> moments(2 * count);
    std::iota(moments.begin(), moments.end(), 1);
    for (size_t i = moments.size() - 1; i > 0; --i) {
      std::swap(moments[i], moments[entropy.below(i + 1)]);
    }
    History history;
    for (size_t i = 0; i < count; ++i) {
      Operation each;
      each.kind = static_cast<Kind>(entropy.below(4));
      each.asked = std::min(moments[2 * i], moments[2 * i + 1]);
      each.told = entropy.below(4) == 0 ? kNever : std::max(moments[2 * i], moments[2 * i + 1]);
      if (each.kind == Kind::kPut || each.kind == Kind::kCompareAndPut) each.value = i + 1;
      if (each.kind == Kind::kCompareAndPut) each.expected = entropy.below(count + 1);
      if (each.answered()) each.found = entropy.below(count + 1);
      history.push_back(each);
    }
    const bool expected = some_order_explains(history);
    ASSERT_EQ(linearizable(history), expected) << "round " << round << [&] {
      std::string text;
      for (const Operation& each : history) text += "\n" + describe(each);
      return text;
    }();
    ++(expected ? good : bad);
  }
  EXPECT_GT(good, 100);
  EXPECT_GT(bad, 100);
}

}  // namespace
}  // namespace gatehouse::sim
