#include "common/env/entropy.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

namespace gatehouse::env {
namespace {

// What the reference program gives after splitmix64 filled its state from 0: the same on every
// machine, or a printed seed would be worth nothing.
TEST(SeededEntropy, GivesThePublishedSequence) {
  SeededEntropy zero(0);
  EXPECT_EQ(zero.next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(zero.next(), 0xbf6e1f784956452au);
  EXPECT_EQ(zero.next(), 0x1a5f849d4933e6e0u);
}

TEST(SeededEntropy, SameSeedSameNumbers) {
  SeededEntropy a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t word = a.next();
    EXPECT_EQ(word, b.next());
    differs = differs || word != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Entropy, BelowCoversItsRangeEvenly) {
  SeededEntropy entropy(1);
  std::array<int, 10> seen{};
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t n = entropy.below(10);
    ASSERT_LT(n, 10u);
    ++seen[n];
  }
  for (int count : seen) EXPECT_NEAR(count, 10'000, 500);
  EXPECT_EQ(entropy.below(1), 0u);
}

TEST(Entropy, UnitAndJitterStayInRange) {
  SeededEntropy entropy(2);
  uint64_t lowest = UINT64_MAX, highest = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double u = entropy.unit();
    EXPECT_GE(u, 0.0);
    EXPECT_LT(u, 1.0);
    const uint64_t j = entropy.jittered(1'000, 0.2);
    lowest = std::min(lowest, j);
    highest = std::max(highest, j);
  }
  EXPECT_GE(lowest, 800u);
  EXPECT_LE(lowest, 810u);
  EXPECT_LE(highest, 1'200u);
  EXPECT_GE(highest, 1'190u);
}

TEST(Entropy, FillsOddLengths) {
  SeededEntropy entropy(3);
  for (size_t n : {0u, 1u, 7u, 8u, 9u, 31u}) {
    std::vector<std::byte> bytes(n + 1, std::byte{0xaa});
    entropy.fill(std::span(bytes).first(n));
    EXPECT_EQ(bytes[n], std::byte{0xaa}) << "wrote past the end of " << n << " bytes";
  }
  std::array<std::byte, 32> a{}, b{};
  entropy.fill(a);
  entropy.fill(b);
  EXPECT_NE(a, b);
}

TEST(SystemEntropy, DoesNotRepeat) {
  SystemEntropy entropy;
  std::set<uint64_t> words;
  for (int i = 0; i < 1'000; ++i) words.insert(entropy.next());
  EXPECT_EQ(words.size(), 1'000u);
}

}  // namespace
}  // namespace gatehouse::env
