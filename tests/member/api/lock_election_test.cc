// Lock and Election on a store in memory, where it can be chosen what happens while a call waits.
// That they answer as etcd's do is for the differential test (lock_election_client.cc) to say.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/env/sim_executor.h"
#include "common/rpc/local_target.h"
#include "member/api/election.h"
#include "member/api/lock.h"
#include "proto/v3election.pb.h"
#include "proto/v3lock.pb.h"
#include "tests/member/api/fake_etcd.h"

namespace gatehouse::api {
namespace {

using Names = std::vector<std::string>;

template <typename Response>
struct Outcome {
  std::unique_ptr<rpc::ClientCall> call;
  std::optional<Status> status;
  Response response;
  std::string text() const { return status ? status->to_string() : "(waits)"; }
};

class ConcurrencyTest : public ::testing::Test {
 protected:
  ConcurrencyTest() {
    lock_.add_to(server_);
    election_.add_to(server_);
  }

  template <typename Response, typename Request>
  std::unique_ptr<Outcome<Response>> begin(const char* path, const Request& request,
                                           rpc::CallOptions options = {}) {
    auto outcome = std::make_unique<Outcome<Response>>();
    outcome->call = rpc::call_unary_typed<Response>(
        target_, path, options, request,
        [to = outcome.get()](const rpc::CallResult& result, const Response& response) {
          to->status = result.status;
          to->response = response;
        });
    return outcome;
  }
  std::unique_ptr<Outcome<v3lockpb::LockResponse>> lock(int64_t lease,
                                                        rpc::CallOptions options = {}) {
    v3lockpb::LockRequest request;
    request.set_name("n");
    request.set_lease(lease);
    auto outcome =
        begin<v3lockpb::LockResponse>("/v3lockpb.Lock/Lock", request, std::move(options));
    sim_.run_until_idle();
    return outcome;
  }
  std::unique_ptr<Outcome<v3electionpb::CampaignResponse>> campaign(int64_t lease,
                                                                    const std::string& value) {
    v3electionpb::CampaignRequest request;
    request.set_name("n");
    request.set_lease(lease);
    request.set_value(value);
    auto outcome =
        begin<v3electionpb::CampaignResponse>("/v3electionpb.Election/Campaign", request);
    sim_.run_until_idle();
    return outcome;
  }

  env::SimExecutor sim_;
  rpc::Server server_;
  testing::FakeEtcd etcd_{server_};
  rpc::LocalTarget inner_{server_, sim_, {.address = "inner"}};
  LockService lock_{inner_};
  ElectionService election_{inner_};
  rpc::LocalTarget target_{server_, sim_, {.address = "client"}};
};

TEST_F(ConcurrencyTest, TheQueueMovesOnOneByOne) {
  const auto first = lock(1), second = lock(2), third = lock(0x10);
  EXPECT_EQ(first->text(), "OK");
  EXPECT_EQ(first->response.key(), "n/1");
  EXPECT_EQ(second->text(), "(waits)");
  EXPECT_EQ(third->text(), "(waits)");
  EXPECT_EQ(etcd_.names(), Names({"n/1", "n/10", "n/2"}));
  etcd_.remove({"n/1"});
  sim_.run_until_idle();
  EXPECT_EQ(second->text(), "OK");
  EXPECT_EQ(third->text(), "(waits)");
  EXPECT_EQ(lock(2)->text(), "OK") << "who has it gets it again";
  etcd_.revoke(2);
  sim_.run_until_idle();
  EXPECT_EQ(third->text(), "OK");
  EXPECT_EQ(third->response.key(), "n/10");
  EXPECT_EQ(etcd_.watching, 0u);
}

TEST_F(ConcurrencyTest, WithoutALease) {
  const auto outcome = lock(0);
  EXPECT_EQ(outcome->response.key(), "n/abc");
  EXPECT_EQ(etcd_.granted_ttl, 60);
  EXPECT_EQ(lock(-5)->text(), "(waits)");
  EXPECT_EQ(etcd_.names(), Names({"n/-5", "n/abc"}));
}

TEST_F(ConcurrencyTest, TheLeaseOfOneWhoWaitsEnds) {
  const auto first = lock(1), second = lock(2);
  etcd_.revoke(2);
  sim_.run_until_idle();
  EXPECT_EQ(second->text(), "(waits)");
  etcd_.remove({"n/1"});
  sim_.run_until_idle();
  EXPECT_EQ(second->text(), "Unknown: mutex: session is expired");
}

TEST_F(ConcurrencyTest, WhoIsCancelledLeavesTheQueue) {
  const auto first = lock(1);
  auto second = lock(2);
  second->call.reset();
  sim_.run_until_idle();
  EXPECT_EQ(etcd_.names(), Names({"n/1"}));
  EXPECT_EQ(etcd_.watching, 0u);

  const auto late = lock(3, {.deadline_ms = sim_.now_ms() + 50});
  EXPECT_EQ(etcd_.names(), Names({"n/1", "n/3"}));
  sim_.advance(50);
  EXPECT_EQ(late->text(), "DeadlineExceeded: context deadline exceeded");
  EXPECT_EQ(etcd_.names(), Names({"n/1"}));

  auto candidate = campaign(4, "v");
  EXPECT_EQ(candidate->text(), "(waits)");
  candidate->call.reset();
  sim_.run_until_idle();
  EXPECT_EQ(etcd_.names(), Names({"n/1"}));
}

// The transaction that takes the place is under way, and cannot be called back.
TEST_F(ConcurrencyTest, CancelledWhileItTakesItsPlace) {
  etcd_.txn_delay_ms = 100;
  auto cancelled = lock(1);
  auto candidate = campaign(2, "v");
  sim_.advance(50);
  EXPECT_EQ(etcd_.names(), Names());
  cancelled->call.reset();
  candidate->call.reset();
  sim_.advance(50);
  EXPECT_EQ(etcd_.names(), Names({"n/1", "n/2"}));
  sim_.advance(100);
  EXPECT_EQ(etcd_.names(), Names());
  EXPECT_EQ(inner_.calls_in_flight(), 0u);
}

// The place was another call's already: it is not this one's to give up.
TEST_F(ConcurrencyTest, CancelledWhileItTakesThePlaceItHas) {
  const auto held = lock(1);
  etcd_.txn_delay_ms = 100;
  auto again = lock(1);
  again->call.reset();
  sim_.advance(500);
  EXPECT_EQ(etcd_.names(), Names({"n/1"}));
}

TEST_F(ConcurrencyTest, InnerCallsAreTheCallersOwn) {
  const auto first = lock(1, {.metadata = {{"token", "alice"}}});
  auto second = lock(2, {.metadata = {{"token", "bob"}}});
  second->call.reset();
  sim_.run_until_idle();
  EXPECT_EQ(etcd_.metadata, "alice@client bob@client");
}

TEST_F(ConcurrencyTest, AFailureKeepsItsTextAndLosesItsCode) {
  const auto first = lock(1);
  etcd_.refusal = Status(StatusCode::kUnavailable, "etcdserver: request timed out");
  const auto second = lock(2);
  EXPECT_EQ(second->text(), "Unknown: etcdserver: request timed out");
  EXPECT_EQ(etcd_.names(), Names({"n/1"})) << "and its place is given up";
}

TEST_F(ConcurrencyTest, CampaignWithAnotherValueProclaimsIt) {
  EXPECT_EQ(campaign(1, "a")->text(), "OK");
  const auto again = campaign(1, "b");
  EXPECT_EQ(again->text(), "OK");
  EXPECT_EQ(again->response.leader().rev(), 2);
  EXPECT_EQ(etcd_.keys["n/1"].value(), "b");
  EXPECT_EQ(etcd_.keys["n/1"].create_revision(), 2);
}

// An observer that does not read holds the watch back, not the member's memory.
TEST_F(ConcurrencyTest, ASlowObserver) {
  struct Observer final : rpc::ClientHandler {
    void on_message(std::string_view message) override {
      CHECK(rpc::parse_message(message, last).ok());
      ++seen;
      if (reading) call->want_message();
    }
    void on_finish(const rpc::CallResult& result) override { status = result.status; }
    std::unique_ptr<rpc::ClientCall> call;
    v3electionpb::LeaderResponse last;
    size_t seen = 0;
    bool reading = false;
    std::optional<Status> status;
  } observer;
  v3electionpb::LeaderRequest request;
  request.set_name("n");
  observer.call = target_.start("/v3electionpb.Election/Observe", {}, observer);
  observer.call->send(rpc::serialize_message(request));
  observer.call->half_close();
  sim_.run_until_idle();
  EXPECT_EQ(observer.seen, 0u);
  etcd_.put("n/1", "first", 1);
  sim_.run_until_idle();
  EXPECT_EQ(observer.seen, 1u);
  EXPECT_EQ(observer.last.kv().value(), "first");
  for (int i = 0; i < 1000; ++i) etcd_.put("n/1", std::string(1000, 'x') + std::to_string(i), 1);
  sim_.run_until_idle();
  EXPECT_EQ(observer.seen, 1u);
  observer.reading = true;
  observer.call->want_message();
  sim_.run_until_idle();
  EXPECT_EQ(observer.seen, 1001u);
  // The next leader, and the one after it that was there before.
  etcd_.put("n/2", "second", 2);
  etcd_.remove({"n/1"});
  sim_.run_until_idle();
  EXPECT_EQ(observer.last.kv().value(), "second");
  EXPECT_FALSE(observer.status);
  observer.call.reset();
  sim_.run_until_idle();
  EXPECT_EQ(etcd_.watching, 0u);
}

TEST_F(ConcurrencyTest, AnObserverThatLosesItsWayIsTold) {
  etcd_.refusal = unavailable("etcdserver: no leader");
  v3electionpb::LeaderRequest request;
  request.set_name("n");
  const auto outcome =
      begin<v3electionpb::LeaderResponse>("/v3electionpb.Election/Observe", request);
  sim_.run_until_idle();
  EXPECT_EQ(outcome->text(), "Unknown: election: observe closed early");
}

TEST(PlaceTest, KeysAreAsGoWritesThem) {
  EXPECT_EQ(concurrency::place_key("n/", 0x7fffffffffffffff), "n/7fffffffffffffff");
  EXPECT_EQ(concurrency::place_key("n/", INT64_MIN), "n/-8000000000000000");
  EXPECT_EQ(concurrency::queue_end(concurrency::queue_prefix("")), "0");
}

}  // namespace
}  // namespace gatehouse::api
