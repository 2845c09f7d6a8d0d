// An Upstream before three members in memory: which member gets a call, what happens when one goes,
// and what is sent twice.
#include "proxy/upstream/upstream.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/log/capture.h"
#include "common/metrics/metrics.h"
#include "common/rpc/typed.h"
#include "proto/rpc.pb.h"
#include "proxy/upstream/member_sync.h"
#include "tests/common/rpc/rig.h"

namespace gatehouse::upstream {
namespace {

using rpc::testing::Host;
using rpc::testing::Recorder;
using rpc::testing::Rig;

constexpr CallKind kRead = {.stream = false, .repeat = Repeat::kUntilAnswered};
constexpr CallKind kWrite = {.stream = false, .repeat = Repeat::kNever};
constexpr CallKind kStream = {.stream = true, .repeat = Repeat::kUntilAnswered};

const std::vector<std::string> kMembers = {"m1:1", "m2:1", "m3:1"};

struct Cluster {
  explicit Cluster(Balancer balancer = Balancer::kRoundRobin,
                   std::vector<std::string> started = kMembers) {
    for (const std::string& address : started) start(address);
    Options options;
    options.endpoints = kMembers;
    options.balancer = balancer;
    options.connection_for = [](const std::string&) {
      rpc::SubchannelOptions connection;
      connection.backoff.first_ms = 200;
      connection.backoff.max_ms = 1000;
      return connection;
    };
    upstream = std::make_unique<Upstream>(
        rig.sim, rig.entropy, [this](const std::string&) -> net::Dialer& { return *rig.dialer; },
        options, log.logger(), metrics);
    rig.sim.advance(10);
  }

  Host& start(const std::string& address) {
    Host& host = rig.host(address);
    rpc::add_unary<etcdserverpb::StatusRequest, etcdserverpb::StatusResponse>(
        host.server, "etcdserverpb.Maintenance", "Status",
        [this, address](rpc::ServerCall&, const etcdserverpb::StatusRequest&,
                        etcdserverpb::StatusResponse& response) {
          response.mutable_header()->set_member_id(static_cast<uint64_t>(address[1] - '0'));
          response.set_leader(without_leader == address ? 0 : leader);
          response.set_islearner(learner == address);
          return Status();
        });
    rpc::add_unary<etcdserverpb::PutRequest, etcdserverpb::PutResponse>(
        host.server, "etcdserverpb.KV", "Put",
        [this, address](rpc::ServerCall&, const etcdserverpb::PutRequest&,
                        etcdserverpb::PutResponse&) {
          ++puts[address];
          return Status();
        });
    rpc::add_unary<etcdserverpb::MemberListRequest, etcdserverpb::MemberListResponse>(
        host.server, "etcdserverpb.Cluster", "MemberList",
        [this](rpc::ServerCall&, const etcdserverpb::MemberListRequest&,
               etcdserverpb::MemberListResponse& response) {
          response = member_list;
          return Status();
        });
    return host;
  }

  void begin(Recorder& recorder, CallKind kind, std::string_view path,
             rpc::CallOptions options = {}) {
    recorder.call = upstream->start(path, kind, std::move(options), recorder);
  }

  void unary(Recorder& recorder, CallKind kind, rpc::CallOptions options = {}) {
    begin(recorder, kind, "/test.Echo/Unary", std::move(options));
    recorder.call->send("hello");
    recorder.call->half_close();
    rig.sim.run_until_idle();
  }

  StatusCode put_once() {
    Recorder recorder;
    begin(recorder, kWrite, "/etcdserverpb.KV/Put");
    recorder.call->send("");
    recorder.call->half_close();
    rig.sim.run_until_idle();
    return recorder.code();
  }

  StatusCode call_once(CallKind kind) {
    Recorder recorder;
    unary(recorder, kind);
    return recorder.code();
  }

  int started(const std::string& address) { return rig.hosts.at(address)->state.started; }
  int started() { return started("m1:1") + started("m2:1") + started("m3:1"); }

  void stop(const std::string& address) {
    rig.hosts.at(address)->stop_listening();
    rig.network.reset_all(address);
  }

  Rig rig;
  log::Capture log;
  metrics::Registry registry;
  Metrics metrics{registry};
  uint64_t leader = 1;
  std::map<std::string, int> puts;
  std::string without_leader;
  std::string learner;
  etcdserverpb::MemberListResponse member_list;
  std::unique_ptr<Upstream> upstream;
};

rpc::CallOptions answering_after(uint64_t ms) {
  rpc::CallOptions options;
  options.metadata = {{"delay-ms", std::to_string(ms)}};
  return options;
}

TEST(Upstream, SpreadsCallsOverAllMembers) {
  Cluster cluster;
  for (int i = 0; i < 30; ++i) ASSERT_EQ(cluster.call_once(kWrite), StatusCode::kOk);
  for (const std::string& member : kMembers) EXPECT_EQ(cluster.started(member), 10) << member;
}

TEST(Upstream, WhatTheLeaderCarriesOutGoesToIt) {
  Cluster cluster;
  for (int i = 0; i < 20; ++i) ASSERT_EQ(cluster.put_once(), StatusCode::kOk);
  EXPECT_EQ(cluster.puts["m1:1"], 20);
  // The others learn of a new leader at the next probe; until then it costs a hop, no more.
  cluster.leader = 3;
  cluster.rig.sim.advance(2'100);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(cluster.put_once(), StatusCode::kOk);
  EXPECT_EQ(cluster.puts["m3:1"], 20);
  cluster.stop("m3:1");
  cluster.rig.sim.advance(10);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(cluster.put_once(), StatusCode::kOk);
  EXPECT_EQ(cluster.puts["m1:1"] + cluster.puts["m2:1"], 40);
}

TEST(Upstream, ABusyLeaderIsHelped) {
  Cluster cluster(Balancer::kLeastRequest);
  std::array<Recorder, 60> waiting;  // for what their clients have still to send
  for (Recorder& call : waiting) cluster.begin(call, kWrite, "/etcdserverpb.KV/Put");
  cluster.rig.sim.run_until_idle();
  const std::string page = cluster.registry.serialize();
  const auto in_flight = [&page](const std::string& member) {
    const std::string series =
        "gatehouse_proxy_upstream_requests_in_flight{endpoint=\"" + member + "\"} ";
    const size_t at = page.find(series);
    return at == std::string::npos ? -1 : std::stoi(page.substr(at + series.size()));
  };
  EXPECT_NEAR(in_flight("m1:1"), 20 + 2 * 16 / 3, 3);
  EXPECT_NEAR(in_flight("m2:1"), 20 - 16 / 3, 3);
  EXPECT_NEAR(in_flight("m3:1"), 20 - 16 / 3, 3);
}

TEST(Upstream, SpreadsStreamsByTheirNumber) {
  Cluster cluster(Balancer::kLeastRequest);
  std::array<Recorder, 6> streams;
  for (Recorder& stream : streams) cluster.begin(stream, kStream, "/test.Echo/Chat");
  cluster.rig.sim.run_until_idle();
  for (const std::string& member : kMembers) EXPECT_EQ(cluster.started(member), 2) << member;
}

TEST(Upstream, ACallThatNeverLeftGoesToAnotherMemberEvenIfItWrites) {
  Cluster cluster(Balancer::kRoundRobin, {"m2:1"});
  for (int i = 0; i < 20; ++i) ASSERT_EQ(cluster.call_once(kWrite), StatusCode::kOk);
  EXPECT_EQ(cluster.started("m2:1"), 20);
}

TEST(Upstream, AWriteThatMayHaveRunIsNotSentAgain) {
  Cluster cluster;
  Recorder recorder;
  cluster.unary(recorder, kWrite, answering_after(1000));
  ASSERT_EQ(cluster.started(), 1);
  for (const std::string& member : kMembers) cluster.rig.network.reset_all(member);
  cluster.rig.sim.advance(3000);
  EXPECT_EQ(recorder.code(), StatusCode::kUnavailable) << recorder.status();
  EXPECT_EQ(recorder.result->executed, rpc::Executed::kMaybe);
  EXPECT_EQ(cluster.started(), 1);
}

TEST(Upstream, AReadIsSentAgainWhenItsMemberGoes) {
  Cluster cluster;
  Recorder recorder;
  cluster.unary(recorder, kRead, answering_after(100));
  ASSERT_EQ(cluster.started(), 1);
  for (const std::string& member : kMembers) {
    if (cluster.started(member) == 1) cluster.stop(member);
  }
  cluster.rig.sim.advance(200);
  EXPECT_EQ(recorder.status(), "OK");
  EXPECT_EQ(recorder.messages, std::vector<std::string>{"hello"});
  EXPECT_EQ(cluster.started(), 2);
}

TEST(Upstream, AStreamIsSentAgainOnlyUntilItsFirstAnswer) {
  Cluster cluster;
  Recorder silent;
  cluster.begin(silent, kStream, "/test.Echo/Hang");
  silent.call->send("watch this");
  Recorder answered;
  cluster.begin(answered, kStream, "/test.Echo/Chat");
  answered.call->send("and this");
  cluster.rig.sim.run_until_idle();
  ASSERT_EQ(answered.messages.size(), 1u);
  ASSERT_EQ(cluster.started(), 2);

  for (const std::string& member : kMembers) cluster.rig.network.reset_all(member);
  cluster.rig.sim.advance(10);
  EXPECT_EQ(answered.code(), StatusCode::kUnavailable);
  EXPECT_FALSE(silent.finished()) << silent.status();
  EXPECT_EQ(cluster.started(), 3);
  size_t messages = 0;
  for (const std::string& member : kMembers)
    messages += cluster.rig.hosts.at(member)->state.messages;
  EXPECT_EQ(messages, 3u) << "what the client had sent is sent again";
}

TEST(Upstream, ADeadMemberIsLeftWithinOneFailedCallAndComesBack) {
  Cluster cluster;
  cluster.stop("m1:1");
  int failed = 0;
  for (int i = 0; i < 100; ++i) failed += cluster.call_once(kWrite) == StatusCode::kOk ? 0 : 1;
  EXPECT_LE(failed, 1);

  cluster.rig.hosts.at("m1:1")->listen();
  cluster.rig.sim.advance(2500);
  const int before = cluster.started("m1:1");
  for (int i = 0; i < 30; ++i) ASSERT_EQ(cluster.call_once(kWrite), StatusCode::kOk);
  EXPECT_EQ(cluster.started("m1:1"), before + 10);
}

TEST(Upstream, MembersThatAreBackAreTriedWhenAnotherGoes) {
  Cluster cluster;
  cluster.stop("m1:1");
  cluster.rig.sim.advance(10'000);  // the pauses between attempts are long by now
  cluster.rig.hosts.at("m1:1")->listen();
  cluster.stop("m2:1");
  cluster.rig.sim.advance(10);
  cluster.stop("m3:1");
  cluster.rig.sim.advance(10);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(cluster.call_once(kRead), StatusCode::kOk);
}

TEST(Upstream, AMemberWithoutLeaderIsLeftOutUntilItHasOne) {
  Cluster cluster;
  cluster.without_leader = "m2:1";
  cluster.rig.sim.advance(2500);
  EXPECT_EQ(cluster.log.count("it has no leader"), 1u);
  const int before = cluster.started("m2:1");
  for (int i = 0; i < 30; ++i) ASSERT_EQ(cluster.call_once(kRead), StatusCode::kOk);
  EXPECT_EQ(cluster.started("m2:1"), before);

  cluster.without_leader.clear();
  cluster.rig.sim.advance(2500);
  for (int i = 0; i < 30; ++i) ASSERT_EQ(cluster.call_once(kRead), StatusCode::kOk);
  EXPECT_EQ(cluster.started("m2:1"), before + 10);
}

TEST(Upstream, ALearnerGetsNoCalls) {
  Cluster cluster;
  cluster.learner = "m3:1";
  cluster.rig.sim.advance(2500);
  for (int i = 0; i < 30; ++i) ASSERT_EQ(cluster.call_once(kRead), StatusCode::kOk);
  EXPECT_EQ(cluster.started("m3:1"), 0);
}

TEST(Upstream, AMemberThatSwallowsPacketsIsFoundByTheProbe) {
  Cluster cluster;
  cluster.rig.network.partition("client", "m1:1");
  cluster.rig.sim.advance(5000);
  EXPECT_TRUE(cluster.upstream->usable());
  const int before = cluster.started("m1:1");
  for (int i = 0; i < 30; ++i) ASSERT_EQ(cluster.call_once(kWrite), StatusCode::kOk);
  EXPECT_EQ(cluster.started("m1:1"), before);
}

TEST(Upstream, WithAllMembersGoneCallsFailAndNameWhy) {
  Cluster cluster;
  for (const std::string& member : kMembers) cluster.stop(member);
  cluster.rig.sim.advance(1000);
  Recorder recorder;
  cluster.unary(recorder, kRead);
  EXPECT_EQ(recorder.code(), StatusCode::kUnavailable);
  EXPECT_NE(recorder.status().find("connection refused"), std::string::npos) << recorder.status();
  EXPECT_FALSE(cluster.upstream->usable());
}

TEST(Upstream, RetriesStopWhenTheBudgetIsSpent) {
  Cluster cluster;
  rpc::CallOptions failing;
  failing.metadata = {{"status", "14"}};
  for (int i = 0; i < 200; ++i) {
    Recorder recorder;
    cluster.unary(recorder, kRead, failing);
    ASSERT_EQ(recorder.code(), StatusCode::kUnavailable);
  }
  // 10 retries to begin with, and a fifth of one for each call.
  EXPECT_NEAR(cluster.started(), 200 + 10 + 40, 1);
  EXPECT_GT(cluster.metrics.retries_refused.value(), 100u);
}

TEST(Upstream, OnlyUnavailableIsRepeated) {
  Cluster cluster;
  rpc::CallOptions failing;
  failing.metadata = {{"status", "5"}};
  Recorder recorder;
  cluster.unary(recorder, kRead, failing);
  EXPECT_EQ(recorder.code(), StatusCode::kNotFound);
  EXPECT_EQ(cluster.started(), 1);
}

TEST(Upstream, ACallGivenUpIsCancelledAtTheMember) {
  Cluster cluster;
  Recorder recorder;
  cluster.begin(recorder, kStream, "/test.Echo/Hang");
  recorder.call->send("x");
  cluster.rig.sim.run_until_idle();
  recorder.call.reset();
  cluster.rig.sim.run_until_idle();
  int cancelled = 0;
  for (const std::string& member : kMembers) {
    cancelled += cluster.rig.hosts.at(member)->state.cancelled;
  }
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(recorder.finishes, 0);
}

TEST(Upstream, AMemberThatLeavesTheListFinishesWhatItCarries) {
  Cluster cluster;
  std::array<Recorder, 3> calls;
  for (Recorder& call : calls) cluster.unary(call, kWrite, answering_after(500));
  ASSERT_EQ(cluster.started("m1:1"), 1);
  cluster.upstream->set_endpoints({"m2:1", "m3:1"});
  cluster.rig.sim.advance(1000);
  for (Recorder& call : calls) EXPECT_EQ(call.status(), "OK");
  for (Recorder& call : calls) call.call.reset();
  cluster.rig.sim.advance(10);
  EXPECT_EQ(cluster.rig.network.open_connections("m1:1"), 0u);
  EXPECT_EQ(cluster.rig.hosts.at("m2:1")->connections, 1)
      << "those that stay keep their connection";
}

TEST(MemberSync, TakesTheClientUrlsOfTheVotingMembers) {
  Cluster cluster;
  for (const char* url : {"m3:1", "m2:1"}) {
    cluster.member_list.add_members()->add_clienturls(url);
  }
  etcdserverpb::Member& joining = *cluster.member_list.add_members();
  joining.add_clienturls("m1:1");
  joining.set_islearner(true);
  MemberSync sync(*cluster.upstream, 1000);
  cluster.rig.sim.advance(900);
  EXPECT_EQ(cluster.upstream->endpoints(), kMembers);
  cluster.rig.sim.advance(200);
  EXPECT_EQ(cluster.upstream->endpoints(), (std::vector<std::string>{"m2:1", "m3:1"}));
}

TEST(MemberSync, KeepsWhatItHasWhenTheListIsEmpty) {
  Cluster cluster;
  MemberSync sync(*cluster.upstream, 1000);
  cluster.rig.sim.advance(5000);
  EXPECT_EQ(cluster.upstream->endpoints(), kMembers);
}

}  // namespace
}  // namespace gatehouse::upstream
