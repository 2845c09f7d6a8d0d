#include "member/backend/freelist.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace gatehouse::backend {
namespace {

TEST(Freelist, TakesTheExactRunElseTheFrontOfTheShortestLonger) {
  Freelist list;
  list.add(10, 5);
  list.add(20, 2);
  list.add(30, 3);
  EXPECT_EQ(list.allocate(2), 20u);
  EXPECT_EQ(list.allocate(2), 30u);
  EXPECT_EQ(list.allocate(1), 32u);
  EXPECT_EQ(list.allocate(4), 10u);
  EXPECT_EQ(list.allocate(2), 0u);
  EXPECT_EQ(list.free_pages(), 1u);
  EXPECT_EQ(list.all(), std::vector<PageId>({14}));
}

TEST(Freelist, MergesWithBothNeighbours) {
  Freelist list;
  list.add(10, 2);
  list.add(14, 2);
  EXPECT_EQ(list.allocate(6), 0u);
  list.add(12, 2);
  EXPECT_EQ(list.allocate(6), 10u);
}

TEST(Freelist, PendingPagesWaitForTheStatesThatUseThem) {
  Freelist list;
  list.add_pending(5, 10, 1);
  list.add_pending(6, 11, 2);
  EXPECT_EQ(list.pending_pages(), 3u);
  list.release(4);  // a state of commit 4 uses what 5 freed
  EXPECT_EQ(list.allocate(1), 0u);
  list.release(5);
  EXPECT_EQ(list.allocate(1), 10u);
  EXPECT_EQ(list.all(), std::vector<PageId>({11, 12}));
  list.release(6);
  EXPECT_EQ(list.pending_pages(), 0u);
  EXPECT_EQ(list.allocate(2), 11u);
}

TEST(Freelist, AgreesWithASetOfPages) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Freelist list;
  std::set<PageId> free;
  std::vector<std::pair<PageId, uint64_t>> used{{2, 2000}};
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0 && !used.empty()) {
      // Frees a part of a run in use.
      const size_t at = random() % used.size();
      auto [first, count] = used[at];
      used[at] = used.back();
      used.pop_back();
      const uint64_t head = random() % count;
      const uint64_t length = 1 + random() % (count - head);
      if (head > 0) used.push_back({first, head});
      if (head + length < count) used.push_back({first + head + length, count - head - length});
      list.add(first + head, length);
      for (uint64_t i = 0; i < length; ++i) ASSERT_TRUE(free.insert(first + head + i).second);
    } else {
      const uint64_t count = 1 + random() % 8;
      const PageId first = list.allocate(count);
      if (first == 0) {
        // Then there is no run of that length.
        uint64_t longest = 0;
        uint64_t run = 0;
        PageId last = 0;
        for (PageId page : free) {
          run = page == last + 1 ? run + 1 : 1;
          last = page;
          longest = std::max(longest, run);
        }
        ASSERT_LT(longest, count);
        continue;
      }
      for (uint64_t i = 0; i < count; ++i) ASSERT_EQ(free.erase(first + i), 1u);
      used.push_back({first, count});
    }
    ASSERT_EQ(list.free_pages(), free.size());
  }
  EXPECT_EQ(list.all(), std::vector<PageId>(free.begin(), free.end()));
}

TEST(Freelist, EncodesManyPagesWithTheNumberInTheBody) {
  std::vector<PageId> pages(0xFFFF);
  for (size_t i = 0; i < pages.size(); ++i) pages[i] = i + 3;
  const uint64_t run = freelist_run_pages(pages.size(), 4096);
  EXPECT_EQ(run, (16 + 8 * (0xFFFF + 1)) / 4096 + 1u);
  const std::string bytes = encode_freelist(2, pages, 4096, run);
  EXPECT_EQ(load<uint16_t>(bytes.data() + 10), 0xFFFF);
  EXPECT_EQ(load<uint64_t>(bytes.data() + 16), 0xFFFFu);
  EXPECT_EQ(load<uint64_t>(bytes.data() + 24), 3u);
  // formats.md, 1.5: page 7 listing pages 5 and 6.
  const std::string two = encode_freelist(7, {5, 6}, 4096, 1);
  EXPECT_EQ(two.substr(0, 32),
            std::string("\7\0\0\0\0\0\0\0\x10\0\2\0\0\0\0\0\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0", 32));
}

}  // namespace
}  // namespace gatehouse::backend
