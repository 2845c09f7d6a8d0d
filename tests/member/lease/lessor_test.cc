// What every member's lessor does: what the log says, keys, rows, restarts.
#include "member/lease/lessor.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/member/lease/lessor_for_test.h"

namespace gatehouse::lease {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(MinimumTtl, IsOneAndAHalfElectionTimeoutsRoundedUp) {
  EXPECT_EQ(minimum_ttl(10, 100), 2);
  EXPECT_EQ(minimum_ttl(10, 1000), 15);
  EXPECT_EQ(minimum_ttl(5, 100), 1);  // 7 ticks: integer division comes first
  EXPECT_EQ(minimum_ttl(100, 500), 75);
}

TEST(Lessor, WritesTheRowThatEtcdWrites) {
  Fixture f;
  ASSERT_EQ(f.grant(0x5a4aa1f852e43f0b, 1000).value(), 1000);
  EXPECT_EQ(f.row(0x5a4aa1f852e43f0b), "\x08\x8b\xfe\x90\x97\x85\xbf\xa8\xa5\x5a\x10\xe8\x07");
  ASSERT_TRUE(f.revoke(0x5a4aa1f852e43f0b).ok());
  EXPECT_EQ(f.row(0x5a4aa1f852e43f0b), "");
}

TEST(Lessor, SaysWhatIsWrongInTheWordsOfTheCatalogue) {
  Fixture f;
  EXPECT_EQ(f.grant(0, 10).status(),
            Status(StatusCode::kNotFound, "etcdserver: requested lease not found"));
  EXPECT_EQ(f.grant(1, kMaxTtl + 1).status(),
            Status(StatusCode::kOutOfRange, "etcdserver: too large lease TTL"));
  EXPECT_EQ(f.grant(1, kMaxTtl).value(), kMaxTtl);
  EXPECT_EQ(f.grant(1, 10).status(),
            Status(StatusCode::kFailedPrecondition, "etcdserver: lease already exists"));
  EXPECT_EQ(f.revoke(2), Status(StatusCode::kNotFound, "etcdserver: requested lease not found"));
  EXPECT_EQ(f.lessor.time_to_live(2, true).status().code(), StatusCode::kNotFound);
}

TEST(Lessor, RaisesShortTtls) {
  Fixture f({.minimum_ttl = 5});
  EXPECT_EQ(f.grant(1, 4).value(), 5);
  EXPECT_EQ(f.grant(2, 0).value(), 5);
  EXPECT_EQ(f.grant(3, -7).value(), 5);
  EXPECT_EQ(f.grant(4, 6).value(), 6);
  EXPECT_EQ(f.row(3), "\x08\x03\x10\x05");
}

TEST(Lessor, KeysAreUnderOneLeaseAtATime) {
  Fixture f;
  ASSERT_TRUE(f.grant(1, 10).ok() && f.grant(2, 10).ok());
  EXPECT_EQ(f.lessor.lease_of("a"), kNoLease);
  for (const char* key : {"c", "a", "b", "a"}) f.lessor.attach(key, 1);
  EXPECT_THAT(f.lessor.keys(1), ElementsAre("a", "b", "c"));
  EXPECT_EQ(f.lessor.lease_of("a"), 1);
  f.lessor.attach("b", 2);
  EXPECT_THAT(f.lessor.keys(1), ElementsAre("a", "c"));
  EXPECT_THAT(f.lessor.keys(2), ElementsAre("b"));
  f.lessor.detach("c");
  f.lessor.detach("never there");
  EXPECT_THAT(f.lessor.time_to_live(1, true)->keys, ElementsAre("a"));
  EXPECT_THAT(f.lessor.time_to_live(1, false)->keys, IsEmpty());
  ASSERT_TRUE(f.revoke(1).ok());
  EXPECT_EQ(f.lessor.lease_of("a"), kNoLease);
  EXPECT_EQ(f.lessor.lease_of("b"), 2);
  f.lessor.attach("b", 77);  // a lease that is not there
  EXPECT_EQ(f.lessor.lease_of("b"), kNoLease);
  EXPECT_THAT(f.lessor.keys(2), IsEmpty());
}

TEST(Lessor, ComesBackFromItsRows) {
  Fixture f;
  ASSERT_TRUE(f.grant(1, 10).ok() && f.grant(-2, 2000).ok() && f.grant(3, 30).ok());
  f.lessor.checkpoint(f.writer(), -2, 1500, true);
  f.lessor.checkpoint(f.writer(), 3, 20, false);
  f.lessor.checkpoint(f.writer(), 99, 20, true);
  f.writer().end();
  f.lessor.attach("a", 1);
  f.lessor.promote(0);
  ASSERT_TRUE(f.backend->commit().ok());
  f.open();

  ASSERT_TRUE(f.lessor.restore(*f.backend->read()).ok());
  EXPECT_FALSE(f.lessor.primary());
  EXPECT_THAT(f.lessor.leases(), ElementsAre(-2, 1, 3));
  EXPECT_EQ(f.lessor.lease_of("a"), kNoLease) << "the store attaches again";
  f.lessor.promote(1000);
  EXPECT_EQ(f.lessor.time_to_live(1, false)->remaining, 11);
  EXPECT_EQ(f.lessor.time_to_live(-2, false)->remaining, 1501);
  EXPECT_EQ(f.lessor.time_to_live(-2, false)->granted, 2000);
  EXPECT_EQ(f.lessor.time_to_live(3, false)->remaining, 31) << "that checkpoint was not durable";
  EXPECT_EQ(f.row(99), "");

  // A member with a longer election timeout opens the same file.
  Lessor slower({.minimum_ttl = 15}, [] { return uint64_t{0}; });
  ASSERT_TRUE(slower.restore(*f.backend->read()).ok());
  EXPECT_EQ(slower.time_to_live(1, false)->granted, 15);
  EXPECT_EQ(slower.time_to_live(3, false)->granted, 30);
}

TEST(Lessor, RefusesRowsThatAreNoLeases) {
  const std::pair<std::string, std::string> rows[] = {
      {"12345678", "\x08\x01\x10\x05"},  // another id
      {std::string(7, '\0') + "\x01", "\x08"},  // torn
      {std::string(7, '\0') + "\x01", "nonsense"},
      {std::string(7, '\0') + "\x01", "\x08\x01\x18" + std::string(9, '\xff') + "\x01"},
      {"k", ""},
  };
  for (const auto& [key, value] : rows) {
    Fixture f;
    f.writer().put(backend::Bucket::kLease, key, value);
    f.writer().end();
    EXPECT_EQ(f.lessor.restore(*f.backend->read()).code(), StatusCode::kDataLoss);
  }
}

TEST(Lessor, CountsGrantsRevokesAndRenewals) {
  metrics::Registry registry;
  Fixture f({.metrics = Metrics(registry)});
  ASSERT_TRUE(f.grant(1, 10).ok() && f.grant(2, 20).ok() && f.revoke(2).ok());
  f.lessor.promote(0);
  f.lessor.renew(1, {});
  const std::string text = registry.serialize();
  for (const char* line :
       {"etcd_debugging_lease_granted_total 2\n", "etcd_debugging_lease_revoked_total 1\n",
        "etcd_debugging_lease_renewed_total 1\n", "etcd_debugging_lease_ttl_total_sum 30\n",
        "etcd_debugging_lease_ttl_total_bucket{le=\"16\"} 1\n"}) {
    EXPECT_THAT(text, testing::HasSubstr(line));
  }
}

// For the thread sanitizer: all that other threads may do while the writer works.
TEST(Lessor, IsReadWhileItIsWritten) {
  Fixture f;
  f.lessor.promote(0);
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      f.lessor.renew(3, [](Lessor::Renewal) {});
      static_cast<void>(f.lessor.time_to_live(5, true));
      f.lessor.leases();
      f.lessor.keys(7);
      f.lessor.expired(10);
      f.now += 100;
    }
  });
  for (int round = 0; round < 300; ++round) {
    const LeaseId id = round % 20 + 1;
    if (f.grant(id, 5).ok()) {
      f.lessor.attach("key" + std::to_string(id), id);
    } else {
      f.lessor.detach("key" + std::to_string(id));
      EXPECT_TRUE(f.revoke(id).ok());
    }
    if (round % 50 == 0) f.lessor.demote();
    if (round % 50 == 25) f.lessor.promote(1000);
  }
  stop = true;
  reader.join();
}

}  // namespace
}  // namespace gatehouse::lease
