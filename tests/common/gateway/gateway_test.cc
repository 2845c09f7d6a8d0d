// REST requests to services of the same process: bodies, headers, streams, back-pressure, errors.
#include "common/gateway/gateway.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "common/env/sim_executor.h"
#include "common/rpc/local_target.h"
#include "common/rpc/typed.h"
#include "proto/rpc.pb.h"
#include "tests/common/rpc/fake_stream.h"

namespace gatehouse::gateway {
namespace {

using rpc::testing::FakeServerStream;
namespace pb = etcdserverpb;

// Answers each message of a watch by an event of that many keys; says when it was cancelled.
class EchoWatch final : public rpc::ServerHandler {
 public:
  EchoWatch(rpc::ServerCall& call, std::string& log) : call_(call), log_(log) {}
  void on_message(std::string_view message) override {
    pb::WatchRequest request;
    ASSERT_TRUE(request.ParseFromArray(message.data(), static_cast<int>(message.size())));
    if (request.create_request().key() == "fail") {
      call_.finish(unavailable("etcdserver: no leader"));
      return;
    }
    pb::WatchResponse response;
    response.set_watch_id(++watches_);
    response.set_cancel_reason(request.create_request().key());
    rpc::send_message(call_, response);
    call_.want_message();
  }
  void on_half_close() override { log_ += "half-closed "; }
  void on_cancel(const Status&) override { log_ += "cancelled "; }

 private:
  rpc::ServerCall& call_;
  std::string& log_;
  int64_t watches_ = 0;
};

// Sends what a reader takes, for as long as it takes.
class Flood final : public rpc::ServerHandler {
 public:
  Flood(rpc::ServerCall& call, size_t& sent) : call_(call), sent_(sent) {}
  void on_message(std::string_view) override {}
  void on_half_close() override { on_can_send(); }
  void on_can_send() override {
    pb::SnapshotResponse response;
    response.set_blob(std::string(1000, 'b'));
    while (call_.can_send() && sent_ < 5'000) {
      ++sent_;
      rpc::send_message(call_, response);
    }
    if (sent_ == 5'000) call_.finish(Status());
  }
  void on_cancel(const Status&) override {}

 private:
  rpc::ServerCall& call_;
  size_t& sent_;
};

class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest() {
    rpc::add_unary<pb::RangeRequest, pb::RangeResponse>(
        server_, "etcdserverpb.KV", "Range",
        [this](rpc::ServerCall& call, const pb::RangeRequest& request, pb::RangeResponse& response) {
          metadata_ = call.metadata();
          deadline_ = call.deadline_ms();
          if (request.key().empty()) return invalid_argument("etcdserver: key is not provided");
          if (request.key() == "who") {
            return Status(StatusCode::kUnauthenticated, "etcdserver: invalid auth token");
          }
          response.set_count(7);
          response.add_kvs()->set_key(request.key());
          return Status();
        });
    server_.add({"etcdserverpb.Watch", "Watch", rpc::MethodKind::kBidiStream},
                [this](rpc::ServerCall& call) { return std::make_unique<EchoWatch>(call, log_); });
    server_.add({"etcdserverpb.Maintenance", "Snapshot", rpc::MethodKind::kServerStream},
                [this](rpc::ServerCall& call) { return std::make_unique<Flood>(call, flooded_); });
  }

  struct Exchange {
    FakeServerStream stream;
    std::unique_ptr<http::StreamHandler> handler;
  };
  std::unique_ptr<Exchange> open(const std::string& path, const http::Headers& headers = {}) {
    auto exchange = std::make_unique<Exchange>();
    exchange->stream.head = {"POST", path, "http", "h:1", headers};
    exchange->handler = gateway_.start(exchange->stream);
    return exchange;
  }
  std::string post(const std::string& path, const std::string& body,
                   const http::Headers& headers = {}) {
    last_ = open(path, headers);
    last_->stream.body(*last_->handler, body);
    last_->handler->on_end({});
    sim_.run_until_idle();
    EXPECT_EQ(last_->stream.owed, 0u);
    return std::to_string(last_->stream.status) + " " + last_->stream.sent;
  }
  std::string header(const char* name) {
    return std::string(last_->stream.response.get(name).value_or("(none)"));
  }

  env::SimExecutor sim_;
  rpc::Server server_;
  rpc::LocalTarget target_{server_, sim_, {.address = "gateway"}};
  metrics::Registry registry_;
  Metrics metrics_{registry_, "some_rest"};
  transcode::Transcoder transcoder_;
  Gateway gateway_{sim_,
                   [this](const transcode::Route&) -> rpc::CallTarget& { return target_; },
                   transcoder_,
                   metrics_,
                   {.max_send_bytes = 1000, .max_receive_bytes = 1 << 20, .max_body_bytes = 2000}};
  rpc::Metadata metadata_;
  std::optional<uint64_t> deadline_;
  std::string log_;
  size_t flooded_ = 0;
  std::unique_ptr<Exchange> last_;
};

TEST_F(GatewayTest, Unary) {
  EXPECT_EQ(post("/v3/kv/range", R"({"key":"Zm9v"})",
                 {{"authorization", "tok"}, {"grpc-metadata-hasleader", "true"}, {"grpc-timeout", "2S"}}),
            R"(200 {"kvs":[{"key":"Zm9v"}],"count":"7"})");
  EXPECT_EQ(header("content-type"), "application/json");
  EXPECT_EQ(header("grpc-metadata-content-type"), "application/grpc");
  EXPECT_EQ(header("access-control-allow-origin"), "*");
  EXPECT_EQ(rpc::find(metadata_, "authorization"), "tok");
  EXPECT_EQ(rpc::find(metadata_, "hasleader"), "true");
  EXPECT_EQ(deadline_, sim_.now_ms() + 2000);
  const std::string text = registry_.serialize();
  EXPECT_NE(text.find("some_rest_requests_total{path=\"/kv/range\",code=\"200\"} 1"),
            std::string::npos);
  EXPECT_NE(text.find("some_rest_request_duration_seconds_count{path=\"/kv/range\"} 1"),
            std::string::npos);
  EXPECT_NE(text.find("some_rest_requests_in_flight 1"), std::string::npos);
}

TEST_F(GatewayTest, Errors) {
  EXPECT_EQ(post("/v3/kv/range", "").substr(0, 3), "400");
  EXPECT_NE(last_->stream.sent.find(R"("message":"etcdserver: key is not provided","code":3)"),
            std::string::npos)
      << last_->stream.sent;
  EXPECT_EQ(post("/v3/kv/range", R"({"key":"d2hv"})").substr(0, 3), "401");
  EXPECT_EQ(header("www-authenticate"), "etcdserver: invalid auth token");
  EXPECT_EQ(post("/v3/kv/range", R"({"key":)").substr(0, 3), "400");
  EXPECT_EQ(post("/v3/kv/put", "{}").substr(0, 3), "501") << "not registered here";
  EXPECT_EQ(post("/v3/kv/range", R"({"key":")" + std::string(1600, 'A') + "\"}").substr(0, 3), "429");
  EXPECT_EQ(post("/v3/kv/range", std::string(2001, ' ')).substr(0, 3), "429");
  EXPECT_EQ(post("/v3/kv/range", "{}", {{"grpc-timeout", "soon"}}).substr(0, 3), "400");
}

TEST_F(GatewayTest, AWatchGoesOnAfterItsRequest) {
  EXPECT_EQ(post("/v3/watch", R"({"create_request":{"key":"YQ=="}}{"create_request":{"key":"Yg=="}})"),
            "200 {\"result\":{\"watch_id\":\"1\",\"cancel_reason\":\"a\"}}\n"
            "{\"result\":{\"watch_id\":\"2\",\"cancel_reason\":\"b\"}}\n");
  EXPECT_FALSE(last_->stream.ended);
  EXPECT_EQ(log_, "");
  last_->handler->on_abort({});
  sim_.run_until_idle();
  EXPECT_EQ(log_, "cancelled ");
  EXPECT_EQ(target_.calls_in_flight(), 0u);
}

TEST_F(GatewayTest, AStreamThatFails) {
  EXPECT_EQ(post("/v3/watch", R"({"create_request":{"key":"ZmFpbA=="}})").substr(0, 3), "503")
      << "before its first message";
  EXPECT_TRUE(last_->stream.ended);
  post("/v3/watch", R"({"create_request":{"key":"YQ=="}}{"create_request":{"key":"ZmFpbA=="}})");
  EXPECT_EQ(last_->stream.status, 200);
  EXPECT_NE(last_->stream.sent.find("{\"error\":{\"code\":14,\"message\":\"etcdserver: no leader\""),
            std::string::npos)
      << last_->stream.sent;
  EXPECT_TRUE(last_->stream.ended);
}

TEST_F(GatewayTest, ASlowClientStopsTheStream) {
  last_ = open("/v3/maintenance/snapshot");
  last_->stream.unsent_bytes = 1 << 20;
  last_->handler->on_end({});
  sim_.run_until_idle();
  EXPECT_LT(flooded_, 1000u);
  EXPECT_LT(last_->stream.sent.size(), 2000u);
  last_->stream.unsent_bytes = 0;
  last_->handler->on_writable();
  sim_.run_until_idle();
  EXPECT_EQ(flooded_, 5000u);
  EXPECT_TRUE(last_->stream.ended);
}

TEST_F(GatewayTest, TheClientLeavesItsUnaryCall) {
  last_ = open("/v3/kv/range");
  last_->stream.body(*last_->handler, R"({"key":"Zm9v"})");
  last_->handler->on_end({});
  last_->handler->on_abort({});
  last_->handler.reset();
  sim_.run_until_idle();
  EXPECT_EQ(last_->stream.heads, 0);
  EXPECT_NE(registry_.serialize().find("some_rest_requests_in_flight 0"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::gateway
