// The service as a gRPC client sees it: messages, metadata, ends.
#include "member/api/watch.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "proto/rpc.pb.h"
#include "tests/common/rpc/fake_stream.h"
#include "tests/member/mvcc/watch_rig.h"

namespace gatehouse::api {
namespace {

using mvcc::testing::Rig;

struct Call {
  explicit Call(bool has_leader_metadata = false) {
    stream.head.path = "/etcdserverpb.Watch/Watch";
    if (has_leader_metadata) stream.head.headers.add("hasleader", "true");
  }
  void create(const std::string& key, const std::string& end = "", int64_t start = 0) {
    etcdserverpb::WatchRequest request;
    request.mutable_create_request()->set_key(key);
    request.mutable_create_request()->set_range_end(end);
    request.mutable_create_request()->set_start_revision(start);
    send(request);
  }
  void send(const etcdserverpb::WatchRequest& request) {
    stream.message(*handler, request.SerializeAsString());
  }
  std::vector<etcdserverpb::WatchResponse> frames() {
    std::vector<etcdserverpb::WatchResponse> out;
    std::string_view rest = stream.sent;
    while (rest.size() >= 5) {
      const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(rest[i])); };
      const size_t size = byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4);
      out.emplace_back();
      EXPECT_TRUE(out.back().ParseFromString(std::string(rest.substr(5, size))));
      rest.remove_prefix(5 + size);
    }
    stream.sent.clear();
    return out;
  }

  rpc::testing::FakeServerStream stream;
  std::unique_ptr<http::StreamHandler> handler;
};

struct WatchServiceTest : ::testing::Test {
  WatchServiceTest() {
    WatchContext context;
    context.may_watch = [this](const rpc::ServerCall&, std::string_view key, std::string_view end) {
      asked.emplace_back(std::string(key) + "," + std::string(end));
      return may;
    };
    context.has_leader = [this] { return leader; };
    context.election_timeout_ms = 1000;
    service = std::make_unique<WatchService>(*rig.group, context);
    add_watch(server, *service);
  }
  void start(Call& call) { call.handler = server.start(call.stream, rig.sim); }

  Rig rig;
  bool leader = true;
  Status may;
  std::vector<std::string> asked;
  rpc::Server server;
  std::unique_ptr<WatchService> service;
};

TEST_F(WatchServiceTest, EventsFlowOnAfterHalfClose) {
  Call call;
  start(call);
  call.create("");
  call.handler->on_end({});
  rig.store.put(std::string(1, '\0'), "v");
  rig.publish();
  rig.run();
  const auto frames = call.frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[0].created());
  EXPECT_EQ(frames[1].events_size(), 1);
  EXPECT_FALSE(call.stream.ended);
  EXPECT_EQ(asked, (std::vector<std::string>{std::string(1, '\0') + ","}));
}

TEST_F(WatchServiceTest, RefusedInTheLongForm) {
  Call call;
  start(call);
  may = Status(StatusCode::kPermissionDenied, "etcdserver: permission denied");
  call.create("a");
  rig.run();
  call.create("a", "", -5);
  rig.run();
  const auto frames = call.frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].cancel_reason(),
            "rpc error: code = PermissionDenied desc = etcdserver: permission denied");
  EXPECT_EQ(frames[0].watch_id(), -1);
  EXPECT_TRUE(frames[0].created() && frames[0].canceled());
  EXPECT_EQ(frames[1].cancel_reason(), "etcdserver: mvcc: required revision has been compacted");
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(WatchServiceTest, UnknownRequestsAreIgnoredAndGarbageEndsTheStream) {
  Call call;
  start(call);
  call.stream.message(*call.handler, std::string("\x7a\x01x", 3));  // member 15 of the union
  rig.run();
  EXPECT_FALSE(call.stream.ended);
  call.stream.message(*call.handler, "\xff\xff\xff");
  rig.run();
  EXPECT_EQ(call.stream.grpc_status(), "13");
  EXPECT_EQ(rig.group->watchers(), 0u);
}

TEST_F(WatchServiceTest, NoLeaderAtTheStart) {
  leader = false;
  Call wants(true);
  start(wants);
  Call does_not;
  start(does_not);
  rig.run();
  EXPECT_EQ(wants.stream.grpc_status(), "14");
  EXPECT_EQ(wants.stream.grpc_message(), "etcdserver: no leader");
  EXPECT_FALSE(does_not.stream.ended);
}

TEST_F(WatchServiceTest, CutAfterThreeElectionTimeoutsWithoutLeader) {
  Call wants(true);
  start(wants);
  Call does_not;
  start(does_not);
  wants.create("a");
  rig.sim.advance(5000);
  leader = false;
  rig.sim.advance(2000);
  leader = true;
  rig.sim.advance(1000);
  leader = false;
  rig.sim.advance(2900);
  EXPECT_FALSE(wants.stream.ended);
  rig.sim.advance(1100);
  EXPECT_EQ(wants.stream.grpc_status(), "14");
  EXPECT_EQ(wants.stream.grpc_message(), "etcdserver: no leader");
  EXPECT_FALSE(does_not.stream.ended);
  EXPECT_EQ(rig.group->watchers(), 0u);
}

TEST_F(WatchServiceTest, ShutDownEndsAllAndWhatComesLater) {
  Call call;
  start(call);
  call.create("a");
  service->shut_down();
  EXPECT_EQ(rig.group->watchers(), 0u);
  Call late;
  start(late);
  rig.run();
  for (Call* each : {&call, &late}) {
    EXPECT_EQ(each->stream.grpc_status(), "14");
    EXPECT_EQ(each->stream.grpc_message(), "etcdserver: server stopped");
  }
  EXPECT_EQ(service->streams(), 0u);
}

TEST_F(WatchServiceTest, AClientThatGoesTakesItsWatchersAlong) {
  Call call;
  start(call);
  call.create("a");
  EXPECT_EQ(rig.group->watchers(), 1u);
  call.handler->on_abort({});
  EXPECT_EQ(rig.group->watchers(), 0u);
  rig.store.put("a", "1");
  rig.publish();
  rig.run();
}

TEST_F(WatchServiceTest, AClientThatDoesNotReadGetsNoRequestsServedAndNoEvents) {
  Call call;
  start(call);
  call.create("a");
  rig.run();
  call.stream.unsent_bytes = 1 << 20;
  call.create("b");  // served: it had been asked for
  rig.run();
  call.create("c");
  rig.store.put("a", "1");
  rig.publish();
  rig.run();
  EXPECT_EQ(call.frames().size(), 2u);
  call.stream.unsent_bytes = 0;
  call.handler->on_writable();
  rig.run();
  const auto frames = call.frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].created() + frames[1].created(), 1);
  EXPECT_EQ(frames[0].events_size() + frames[1].events_size(), 1);
}

}  // namespace
}  // namespace gatehouse::api
