// A million leases with a key each: what they cost. The bounds are coarse, for slow machines; the
// figures are printed.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "member/lease/lessor.h"
#include "tests/common/base/heap.h"

namespace gatehouse::lease {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr LeaseId kLeases = 20'000;
constexpr bool kMeasured = false;
#else
constexpr LeaseId kLeases = 1'000'000;
constexpr bool kMeasured = true;
#endif

// Rows are not what is measured here.
class NoRows final : public backend::Writer {
 public:
  void put(backend::Bucket, std::string_view, std::string_view) override {}
  void append(backend::Bucket, std::string_view, std::string_view) override {}
  void remove(backend::Bucket, std::string_view) override {}
  bool get(backend::Bucket, std::string_view, std::string_view&) const override { return false; }
  void end() override {}
};

class Stopwatch {
 public:
  // Seconds since the last call, printed per lease.
  double lap(const char* what) {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = std::chrono::steady_clock::now();
    std::printf("%-28s %6.0f ns each\n", what, seconds * 1e9 / static_cast<double>(kLeases));
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

TEST(Scale, AMillionLeasesAreCheap) {
  NoRows writer;
  uint64_t now = 0;
  const size_t before = gatehouse::testing::live_heap_bytes();
  Lessor lessor({}, [&now] { return now; });
  Stopwatch watch;
  double seconds = 0;
  lessor.promote(1000);
  for (LeaseId id = 1; id <= kLeases; ++id) {
    ASSERT_TRUE(lessor.grant(writer, id, 60 + id % 1000).ok());
  }
  seconds += watch.lap("grant");
  for (LeaseId id = 1; id <= kLeases; ++id) {
    lessor.attach("registry/key/" + std::to_string(id), id);
  }
  seconds += watch.lap("attach");
  const size_t used = gatehouse::testing::live_heap_bytes() - before;
  std::printf("%zu bytes a lease with its key\n", used / static_cast<size_t>(kLeases));
  for (LeaseId id = 1; id <= kLeases; ++id) {
    ++now;
    if (now % 100 == 0) now -= 99;
    lessor.renew(id, {});
  }
  seconds += watch.lap("renew");
  for (int i = 0; i < kLeases; ++i) ASSERT_TRUE(lessor.expired(kExpiredPerScan).empty());
  seconds += watch.lap("scan with nothing expired");
  lessor.demote();
  seconds += watch.lap("demote");
  lessor.promote(1000);
  seconds += watch.lap("promote");
  now += uint64_t{1} << 40;
  size_t revoked = 0;
  for (;;) {
    const std::vector<LeaseId> expired = lessor.expired(kExpiredPerScan);
    if (expired.empty()) break;
    for (const LeaseId id : expired) {
      for (const std::string& key : lessor.keys(id)) lessor.detach(key);
      ASSERT_TRUE(lessor.revoke(writer, id).ok());
      ++revoked;
    }
  }
  seconds += watch.lap("expire and revoke");
  EXPECT_EQ(revoked, static_cast<size_t>(kLeases));
  EXPECT_EQ(lessor.size(), 0u);
  if (kMeasured) {
    EXPECT_LE(used, 250'000'000u);
    EXPECT_LE(seconds, 30);
  }
}

}  // namespace
}  // namespace gatehouse::lease
