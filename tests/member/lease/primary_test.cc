// What the primary does: ends, renewals, promotion, checkpoints.
#include <gmock/gmock.h>

#include <map>

#include "tests/member/lease/lessor_for_test.h"

namespace gatehouse::lease {
namespace {

using Checkpoint = Lessor::Checkpoint;
using Renewal = Lessor::Renewal;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Primary, LeasesLastForEverElsewhere) {
  Fixture f;
  ASSERT_TRUE(f.grant(1, 10).ok());
  f.now += 1'000'000;
  EXPECT_THAT(f.lessor.expired(10), IsEmpty());
  EXPECT_EQ(f.lessor.time_to_live(1, false)->remaining, Lessor::kForever);
  EXPECT_EQ(f.lessor.renew(1, {}).state, Renewal::kNotPrimary);
  f.lessor.promote(1000);
  EXPECT_TRUE(f.lessor.primary());
  EXPECT_EQ(f.lessor.time_to_live(1, false)->remaining, 11);
  f.lessor.demote();
  EXPECT_EQ(f.lessor.time_to_live(1, false)->remaining, Lessor::kForever);
}

TEST(Primary, HandsOutWhatHasExpiredOnceUntilTheRetry) {
  Fixture f({.revoke_retry_ms = 7000});
  f.lessor.promote(1000);
  ASSERT_TRUE(f.grant(1, 10).ok() && f.grant(2, 5).ok() && f.grant(3, 20).ok());
  f.now += 4999;
  EXPECT_THAT(f.lessor.expired(10), IsEmpty());
  EXPECT_EQ(f.lessor.time_to_live(2, false)->remaining, 0);
  f.now += 1;
  EXPECT_THAT(f.lessor.expired(10), ElementsAre(2));
  EXPECT_THAT(f.lessor.expired(10), IsEmpty());
  f.now += 5000;
  EXPECT_THAT(f.lessor.expired(10), ElementsAre(1));
  EXPECT_EQ(f.lessor.time_to_live(2, false)->remaining, -5);
  f.now += 2000;
  EXPECT_THAT(f.lessor.expired(10), ElementsAre(2)) << "still there after the request timeout";
  EXPECT_TRUE(f.revoke(2).ok());
  f.now += 100'000;
  EXPECT_THAT(f.lessor.expired(1), ElementsAre(1)) << "due for its retry before 3 ended";
  EXPECT_THAT(f.lessor.expired(1), ElementsAre(3));
}

TEST(Primary, RenewalGivesTheFullTtlAgain) {
  Fixture f;
  f.lessor.promote(0);
  ASSERT_TRUE(f.grant(1, 10).ok());
  f.now += 9999;
  const Lessor::Renewed renewed = f.lessor.renew(1, {});
  EXPECT_EQ(renewed.state, Renewal::kRenewed);
  EXPECT_EQ(renewed.ttl, 10);
  EXPECT_FALSE(renewed.clear_checkpoint);
  f.now += 9999;
  EXPECT_THAT(f.lessor.expired(10), IsEmpty());
  EXPECT_EQ(f.lessor.renew(2, {}).state, Renewal::kNotFound);
}

TEST(Primary, WhoRenewsTooLateWaitsForTheRevoke) {
  Fixture f;
  f.lessor.promote(0);
  ASSERT_TRUE(f.grant(1, 10).ok() && f.grant(2, 10).ok());
  std::vector<std::pair<LeaseId, Renewal>> told;
  const auto tell = [&told](LeaseId id) {
    return [&told, id](Renewal state) { told.emplace_back(id, state); };
  };
  EXPECT_EQ(f.lessor.renew(1, tell(1)).state, Renewal::kRenewed);
  f.now += 10'000;
  EXPECT_EQ(f.lessor.renew(1, tell(1)).state, Renewal::kExpired);
  EXPECT_EQ(f.lessor.renew(1, tell(1)).state, Renewal::kExpired);
  EXPECT_EQ(f.lessor.renew(2, tell(2)).state, Renewal::kExpired);
  EXPECT_THAT(told, IsEmpty());
  ASSERT_TRUE(f.revoke(1).ok());
  EXPECT_THAT(told,
              ElementsAre(std::pair(1, Renewal::kNotFound), std::pair(1, Renewal::kNotFound)));
  told.clear();
  f.lessor.demote();
  EXPECT_THAT(told, ElementsAre(std::pair(2, Renewal::kNotPrimary)));
  told.clear();
  f.lessor.promote(0);
  EXPECT_EQ(f.lessor.renew(2, tell(2)).state, Renewal::kRenewed) << "a promotion revives it";
  f.now += 10'000;
  EXPECT_EQ(f.lessor.renew(2, tell(2)).state, Renewal::kExpired);
  ASSERT_TRUE(f.lessor.restore(*f.backend->read()).ok());
  EXPECT_THAT(told, ElementsAre(std::pair(2, Renewal::kNotPrimary)));
}

TEST(Primary, ListsLeasesByTheirEnd) {
  Fixture f;
  f.lessor.promote(0);
  ASSERT_TRUE(f.grant(1, 30).ok() && f.grant(2, 10).ok() && f.grant(3, 20).ok());
  EXPECT_THAT(f.lessor.leases(), ElementsAre(2, 3, 1));
  f.now += 5000;
  f.lessor.renew(2, {});
  f.lessor.renew(3, {});
  EXPECT_THAT(f.lessor.leases(), ElementsAre(2, 3, 1));
  f.now += 9000;
  f.lessor.renew(2, {});
  EXPECT_THAT(f.lessor.leases(), ElementsAre(2, 3, 1));  // 24, 25, 30 s
  f.lessor.demote();
  EXPECT_THAT(f.lessor.leases(), ElementsAre(1, 2, 3));
}

// How many end in each second after `from`.
std::map<uint64_t, size_t> ends_by_second(Fixture& f) {
  std::map<uint64_t, size_t> ends;
  for (const LeaseId id : f.lessor.leases()) {
    ++ends[static_cast<uint64_t>(f.lessor.time_to_live(id, false)->remaining)];
  }
  return ends;
}

TEST(Primary, SpreadsEndsAfterAPromotion) {
  Fixture f;
  for (LeaseId id = 1; id <= 10'000; ++id) ASSERT_TRUE(f.grant(id, id <= 9000 ? 10 : 60).ok());
  f.lessor.promote(1000);
  for (const auto& [second, count] : ends_by_second(f)) EXPECT_LE(count, kSpreadPerSecond);
  // 9000 that would end at second 11 take twelve; those of second 61 are not put off by them.
  EXPECT_EQ(f.lessor.time_to_live(1, false)->remaining, 11);
  EXPECT_EQ(f.lessor.time_to_live(9000, false)->remaining, 22);
  EXPECT_EQ(f.lessor.time_to_live(9001, false)->remaining, 61);
  size_t most = 0;
  for (int scan = 0; scan < 200; ++scan) {
    const std::vector<LeaseId> expired = f.lessor.expired(SIZE_MAX);
    for (const LeaseId id : expired) ASSERT_TRUE(f.revoke(id).ok());
    most = std::max(most, expired.size());
    f.now += 1000;
  }
  EXPECT_LE(most, kSpreadPerSecond);
  EXPECT_EQ(f.lessor.size(), 0u);
}

TEST(Primary, DoesNotSpreadAFew) {
  Fixture f;
  for (LeaseId id = 1; id < 1000; ++id) ASSERT_TRUE(f.grant(id, 10).ok());
  f.lessor.promote(1000);
  f.now += 11'000;
  EXPECT_EQ(f.lessor.expired(SIZE_MAX).size(), 999u);
}

TEST(Primary, TakesCheckpointsOfLongLeases) {
  Fixture f({.checkpoint_interval_ms = kCheckpointIntervalMs});
  f.lessor.promote(0);
  ASSERT_TRUE(f.grant(1, 300).ok() && f.grant(2, 301).ok() && f.grant(3, 1000).ok());
  f.now += kCheckpointIntervalMs - 1;
  EXPECT_THAT(f.lessor.due_checkpoints(10), IsEmpty());
  f.now += 1;
  EXPECT_THAT(f.lessor.due_checkpoints(1), testing::SizeIs(1));
  EXPECT_THAT(f.lessor.due_checkpoints(10), testing::SizeIs(1));
  EXPECT_THAT(f.lessor.due_checkpoints(10), IsEmpty());
  f.lessor.checkpoint(f.writer(), 3, 700, true);
  f.writer().end();
  f.now += kCheckpointIntervalMs;
  EXPECT_THAT(f.lessor.due_checkpoints(10), ElementsAre(Checkpoint{3, 400}));
  f.lessor.checkpoint(f.writer(), 3, 400, true);
  f.writer().end();

  // The next leader goes by the checkpoint, until the lease is renewed.
  f.lessor.demote();
  EXPECT_THAT(f.lessor.due_checkpoints(10), IsEmpty());
  f.lessor.promote(1000);
  EXPECT_EQ(f.lessor.time_to_live(3, false)->remaining, 401);
  const Lessor::Renewed renewed = f.lessor.renew(3, {});
  EXPECT_EQ(renewed.ttl, 1000);
  EXPECT_TRUE(renewed.clear_checkpoint);
  EXPECT_EQ(f.lessor.time_to_live(3, false)->remaining, 1000);
  f.lessor.checkpoint(f.writer(), 3, 0, true);
  f.writer().end();
  EXPECT_FALSE(f.lessor.renew(3, {}).clear_checkpoint);
  EXPECT_EQ(f.row(3), "\x08\x03\x10\xe8\x07");
}

TEST(Primary, TakesNoCheckpointsUnlessAsked) {
  Fixture f;
  f.lessor.promote(0);
  ASSERT_TRUE(f.grant(1, 100'000).ok());
  f.now += 1'000'000;
  EXPECT_THAT(f.lessor.due_checkpoints(10), IsEmpty());
}

}  // namespace
}  // namespace gatehouse::lease
