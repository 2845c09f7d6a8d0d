// The server against a stream in memory: what each kind of request, good or bad, is answered.
#include "common/rpc/server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/env/sim_executor.h"
#include "common/rpc/framing.h"
#include "common/rpc/gzip.h"
#include "tests/common/rpc/fake_stream.h"

namespace gatehouse::rpc {
namespace {

using testing::FakeServerStream;

// Notes what a handler is told; what it does is up to the test.
struct Probe {
  std::vector<std::string> log;
  ServerCall* call = nullptr;
  int handlers = 0;
  Status late;  // what to say when the deadline passes; OK: what handlers say by themselves
  std::function<void(ServerCall&, std::string_view)> on_message;
  std::function<void(ServerCall&)> on_half_close;
  std::function<void(ServerCall&)> on_start;
};

class ProbeHandler final : public ServerHandler {
 public:
  ProbeHandler(Probe& probe, ServerCall& call) : probe_(probe), call_(call) {
    ++probe_.handlers;
    probe_.call = &call;
    if (probe_.on_start) probe_.on_start(call);
  }
  ~ProbeHandler() override {
    --probe_.handlers;
    probe_.call = nullptr;
  }
  void on_message(std::string_view message) override {
    probe_.log.push_back("message " + std::string(message.substr(0, 40)));
    if (probe_.on_message) probe_.on_message(call_, message);
  }
  void on_half_close() override {
    probe_.log.push_back("half-close");
    if (probe_.on_half_close) probe_.on_half_close(call_);
  }
  void on_can_send() override { probe_.log.push_back("can send"); }
  Status too_late() const override {
    return probe_.late.ok() ? ServerHandler::too_late() : probe_.late;
  }
  void on_cancel(const Status& why) override { probe_.log.push_back("cancel " + why.to_string()); }

 private:
  Probe& probe_;
  ServerCall& call_;
};

struct Observer final : ServerObserver {
  void on_call_started(const Method& method, const Metadata&) override {
    log.push_back("start " + method.name);
  }
  void on_message_received(const Method&, size_t bytes) override {
    log.push_back("in " + std::to_string(bytes));
  }
  void on_message_sent(const Method&, size_t bytes) override {
    log.push_back("out " + std::to_string(bytes));
  }
  void on_call_finished(const Method&, StatusCode code, uint64_t duration_us) override {
    log.push_back("end " + std::string(status_code_name(code)) + " " + std::to_string(duration_us));
  }
  std::vector<std::string> log;
};

using Log = std::vector<std::string>;

class ServerTest : public ::testing::Test {
 protected:
  ServerTest()
      : server_(ServerLimits{.max_receive_bytes = 1000, .max_metadata_bytes = 2000}, &observer_) {
    const auto factory = [this](ServerCall& call) {
      return std::make_unique<ProbeHandler>(probe_, call);
    };
    server_.add({"test.Echo", "Unary", MethodKind::kUnary}, factory);
    server_.add({"test.Echo", "Collect", MethodKind::kClientStream}, factory);
    server_.add({"test.Echo", "List", MethodKind::kServerStream}, factory);
    server_.add({"test.Echo", "Chat", MethodKind::kBidiStream}, factory);
  }

  void start(const std::string& path = "/test.Echo/Unary") {
    stream_.head.path = path;
    handler_ = server_.start(stream_, sim_);
    ASSERT_NE(handler_, nullptr);
  }

  env::SimExecutor sim_;
  Observer observer_;
  Probe probe_;
  Server server_;
  FakeServerStream stream_;
  std::unique_ptr<http::StreamHandler> handler_;
};

// ---- answers

TEST_F(ServerTest, UnaryCall) {
  probe_.on_half_close = [](ServerCall& call) {
    call.send("answer");
    call.finish(Status());
  };
  start();
  stream_.message(*handler_, "question");
  EXPECT_EQ(stream_.heads, 0);
  handler_->on_end({});
  EXPECT_EQ(probe_.log, Log({"message question", "half-close"}));
  EXPECT_EQ(stream_.status, 200);
  EXPECT_EQ(stream_.response.get("content-type"), "application/grpc");
  EXPECT_EQ(stream_.sent, std::string("\0\0\0\0\6answer", 11));
  EXPECT_TRUE(stream_.ended);
  EXPECT_EQ(stream_.grpc_status(), "0");
  EXPECT_EQ(stream_.trailers.size(), 1u) << "no grpc-message for OK";
  EXPECT_FALSE(stream_.trailers_only());
  EXPECT_EQ(stream_.owed, 0u);
  EXPECT_EQ(observer_.log, Log({"start Unary", "in 8", "out 6", "end OK 0"}));
  sim_.run_until_idle();
  EXPECT_EQ(probe_.handlers, 0) << "a finished handler goes before the stream does";
}

TEST_F(ServerTest, AnErrorBeforeAnyMessageIsTrailersOnly) {
  probe_.on_half_close = [](ServerCall& call) {
    call.finish(not_found("no such thing: 100%"), {{"detail", "x"}, {"raw-bin", "\x01"}});
  };
  start();
  stream_.message(*handler_, "q");
  handler_->on_end({});
  EXPECT_TRUE(stream_.trailers_only());
  EXPECT_EQ(stream_.grpc_status(), "5");
  EXPECT_EQ(stream_.grpc_message(), "no such thing: 100%25");
  EXPECT_EQ(stream_.response.get("detail"), "x");
  EXPECT_EQ(stream_.response.get("raw-bin"), "AQ");
  EXPECT_EQ(stream_.response.get("content-type"), "application/grpc");
  EXPECT_TRUE(stream_.sent.empty());
}

TEST_F(ServerTest, TheContentSubtypeComesBack) {
  stream_.head.headers = {{"content-type", "application/grpc+proto"}};
  probe_.on_start = [](ServerCall& call) { call.finish(Status()); };
  start();
  EXPECT_EQ(stream_.response.get("content-type"), "application/grpc+proto");
}

TEST_F(ServerTest, InitialAndTrailingMetadata) {
  probe_.on_start = [](ServerCall& call) { call.send_initial_metadata({{"early", "1"}}); };
  probe_.on_half_close = [](ServerCall& call) {
    call.send_initial_metadata({{"late", "1"}});  // once only
    call.finish(Status(StatusCode::kAborted, "a"), {{"after", "2"}});
  };
  start();
  EXPECT_EQ(stream_.response.get("early"), "1");
  stream_.message(*handler_, "q");
  handler_->on_end({});
  EXPECT_EQ(stream_.heads, 1);
  EXPECT_EQ(stream_.trailers.get("after"), "2");
  EXPECT_EQ(stream_.grpc_status(), "10");
}

TEST_F(ServerTest, WhatAHandlerSeesOfTheCall) {
  stream_.head.headers.add("token", "abc");
  stream_.head.headers.add("x-bin", "AQI");
  stream_.head.headers.add("grpc-timeout", "5S");
  const uint64_t now = sim_.now_ms();
  start();
  ASSERT_NE(probe_.call, nullptr);
  EXPECT_EQ(probe_.call->method().name, "Unary");
  EXPECT_EQ(probe_.call->metadata(), (Metadata{{"token", "abc"}, {"x-bin", "\1\2"}}));
  EXPECT_EQ(probe_.call->deadline_ms(), now + 5000);
  EXPECT_EQ(probe_.call->peer().address, "127.0.0.1:5");
  EXPECT_EQ(&probe_.call->executor(), &sim_);
}

TEST_F(ServerTest, FinishTwiceAndSendAfterFinishDoNothing) {
  probe_.on_half_close = [](ServerCall& call) {
    call.finish(Status());
    call.finish(not_found("late"));
    call.send("late");
    call.send_initial_metadata({{"late", "x"}});
    call.want_message();
  };
  start();
  stream_.message(*handler_, "q");
  handler_->on_end({});
  EXPECT_EQ(stream_.grpc_status(), "0");
  EXPECT_EQ(stream_.heads, 1);
  EXPECT_EQ(observer_.log.back(), "end OK 0");
}

// ---- requests that start no call

struct BadRequest {
  const char* what;
  std::function<void(http::RequestHead&)> change;
  int http_status;
  const char* grpc_status;
  const char* message;
};

TEST_F(ServerTest, RequestsThatStartNoCall) {
  const std::string big(2100, 'x');
  const std::vector<BadRequest> cases = {
      {"unknown service", [](auto& h) { h.path = "/nobody.Here/Unary"; }, 200, "12",
       "unknown service nobody.Here"},
      {"unknown method", [](auto& h) { h.path = "/test.Echo/Nothing"; }, 200, "12",
       "unknown method Nothing for service test.Echo"},
      {"slash in service", [](auto& h) { h.path = "/a/b/c"; }, 200, "12", "unknown service a/b"},
      {"no method", [](auto& h) { h.path = "/test.Echo"; }, 200, "12",
       "malformed method name: \"/test.Echo\""},
      {"no path", [](auto& h) { h.path = ""; }, 200, "12", "malformed method name: \"\""},
      {"GET", [](auto& h) { h.method = "GET"; }, 405, "13",
       "Received a HEADERS frame with :method \"GET\" which should be POST"},
      {"grpc-web",
       [](auto& h) {
         h.headers = {{"content-type", "application/grpc-web"}};
       },
       415, "3", "invalid gRPC request content-type \"application/grpc-web\""},
      {"no type", [](auto& h) { h.headers = {}; }, 415, "3",
       "invalid gRPC request content-type \"\""},
      {"timeout", [](auto& h) { h.headers.add("grpc-timeout", "10"); }, 400, "13",
       "malformed grpc-timeout: transport: timeout unit is not recognized: \"10\""},
      {"encoding", [](auto& h) { h.headers.add("grpc-encoding", "snappy"); }, 200, "12",
       "grpc: Decompressor is not installed for grpc-encoding \"snappy\""},
      {"base64", [](auto& h) { h.headers.add("x-bin", "%%"); }, 400, "13", nullptr},
      {"metadata", [&big](auto& h) { h.headers.add("x", big); }, 200, "8",
       "received metadata larger than max (2133 vs. 2000)"},
  };
  for (const BadRequest& bad : cases) {
    SCOPED_TRACE(bad.what);
    FakeServerStream stream;
    bad.change(stream.head);
    const std::unique_ptr<http::StreamHandler> handler = server_.start(stream, sim_);
    ASSERT_NE(handler, nullptr);
    EXPECT_TRUE(stream.trailers_only());
    EXPECT_EQ(stream.status, bad.http_status);
    EXPECT_EQ(stream.grpc_status(), bad.grpc_status);
    if (bad.message != nullptr) {
      EXPECT_EQ(stream.grpc_message(), bad.message);
    }
    // The rest of the request is swallowed and credited.
    stream.message(*handler, "ignored");
    handler->on_end({});
    EXPECT_EQ(stream.owed, 0u);
  }
  EXPECT_EQ(probe_.handlers, 0);
  EXPECT_TRUE(observer_.log.empty());
}

TEST_F(ServerTest, AnUnknownEncodingIsToldTheKnownOnes) {
  stream_.head.headers.add("grpc-encoding", "br");
  start();
  EXPECT_EQ(stream_.response.get("grpc-accept-encoding"), "identity,gzip");
}

TEST_F(ServerTest, IsGrpc) {
  http::RequestHead head;
  EXPECT_FALSE(Server::is_grpc(head));
  head.headers = {{"content-type", "application/grpc+json"}};
  EXPECT_TRUE(Server::is_grpc(head));
  head.headers = {{"content-type", "application/grpc-web"}};
  EXPECT_FALSE(Server::is_grpc(head));
  head.headers = {{"content-type", "application/json"}};
  EXPECT_FALSE(Server::is_grpc(head));
}

TEST_F(ServerTest, TrailersHeaderIsNotInsistedOn) {
  stream_.head.headers = {{"content-type", "application/grpc"}};
  start();
  EXPECT_EQ(probe_.handlers, 1);
}

// ---- messages

TEST_F(ServerTest, AUnaryCallWithoutAMessage) {
  start();
  handler_->on_end({});
  EXPECT_EQ(stream_.grpc_status(), "13");
  EXPECT_EQ(stream_.grpc_message(),
            "cardinality violation: received no request message from non-client-streaming RPC");
  EXPECT_EQ(probe_.log.size(), 1u);
  EXPECT_EQ(probe_.log[0].substr(0, 16), "cancel Internal:");
  EXPECT_EQ(observer_.log.back(), "end Internal 0");
}

TEST_F(ServerTest, AUnaryCallWithTwoMessages) {
  for (const bool at_once : {true, false}) {
    FakeServerStream stream;
    const std::unique_ptr<http::StreamHandler> handler = server_.start(stream, sim_);
    std::string both;
    append_message(both, "1");
    append_message(both, "2");
    if (at_once) {
      stream.body(*handler, both);
    } else {
      stream.body(*handler, both.substr(0, 7));
      stream.body(*handler, both.substr(7));
    }
    EXPECT_TRUE(stream.ended);
    EXPECT_EQ(stream.grpc_status(), "13");
    EXPECT_EQ(stream.grpc_message(),
              "cardinality violation: received multiple request messages for "
              "non-client-streaming RPC");
    EXPECT_EQ(stream.owed, 0u);
  }
}

TEST_F(ServerTest, AMessageTooLargeIsRefusedOnItsPrefix) {
  start();
  std::string framed;
  append_message(framed, std::string(1001, 'x'));
  stream_.body(*handler_, framed.substr(0, 5));
  EXPECT_TRUE(stream_.ended);
  EXPECT_EQ(stream_.grpc_status(), "8");
  EXPECT_EQ(stream_.grpc_message(), "grpc: received message larger than max (1001 vs. 1000)");
  EXPECT_EQ(probe_.log.size(), 1u);
  stream_.body(*handler_, framed.substr(5));
  EXPECT_EQ(stream_.owed, 0u);

  // What follows the prefix in the same piece is credited, too.
  FakeServerStream at_once;
  const std::unique_ptr<http::StreamHandler> handler = server_.start(at_once, sim_);
  at_once.body(*handler, framed);
  EXPECT_TRUE(at_once.ended);
  EXPECT_EQ(at_once.owed, 0u);
}

TEST_F(ServerTest, ARequestCutWithinAMessage) {
  start("/test.Echo/Collect");
  stream_.body(*handler_, std::string("\0\0\0\0\5ab", 7));
  handler_->on_end({});
  EXPECT_EQ(stream_.grpc_status(), "13");
  EXPECT_EQ(stream_.grpc_message(), "unexpected EOF");
}

TEST_F(ServerTest, OneMessageAtATimeForAStream) {
  start("/test.Echo/Collect");
  std::string three;
  append_message(three, "1");
  append_message(three, "2");
  append_message(three, "3");
  stream_.body(*handler_, three);
  handler_->on_end({});
  EXPECT_EQ(probe_.log, Log({"message 1"}));
  EXPECT_EQ(stream_.owed, 12u) << "what is not wanted keeps its part of the window";

  probe_.call->want_message();
  EXPECT_EQ(probe_.log.size(), 1u) << "not from inside the call";
  sim_.run_until_idle();
  EXPECT_EQ(probe_.log, Log({"message 1", "message 2"}));
  EXPECT_EQ(stream_.owed, 6u);

  probe_.call->want_message();
  sim_.run_until_idle();
  EXPECT_EQ(probe_.log, Log({"message 1", "message 2", "message 3", "half-close"}))
      << "the half-close comes after the last message, wanted or not";
  EXPECT_EQ(stream_.owed, 0u);
}

TEST_F(ServerTest, WantingInsideOfAMessageDrainsThemAll) {
  probe_.on_message = [](ServerCall& call, std::string_view) { call.want_message(); };
  start("/test.Echo/Chat");
  std::string many;
  for (int i = 0; i < 3; ++i) append_message(many, std::to_string(i));
  stream_.body(*handler_, many);
  EXPECT_EQ(probe_.log, Log({"message 0", "message 1", "message 2"}));
  EXPECT_EQ(stream_.owed, 0u);
}

TEST_F(ServerTest, FinishingInAMessageCreditsTheRest) {
  probe_.on_message = [](ServerCall& call, std::string_view) { call.finish(Status()); };
  start("/test.Echo/Chat");
  std::string many;
  for (int i = 0; i < 3; ++i) append_message(many, std::to_string(i));
  stream_.body(*handler_, many);
  EXPECT_EQ(probe_.log, Log({"message 0"}));
  EXPECT_EQ(stream_.owed, 0u);
  stream_.body(*handler_, many);
  EXPECT_EQ(stream_.owed, 0u);
}

TEST_F(ServerTest, FinishingLaterCreditsWhatWasKept) {
  start("/test.Echo/Chat");
  std::string many;
  for (int i = 0; i < 3; ++i) append_message(many, std::to_string(i));
  stream_.body(*handler_, many);
  EXPECT_EQ(stream_.owed, 12u);
  probe_.call->finish(Status());
  EXPECT_EQ(stream_.owed, 0u);
}

// ---- compression

TEST_F(ServerTest, GzipBothWays) {
  const std::string text(500, 'g');
  stream_.head.headers.add("grpc-encoding", "gzip");
  stream_.head.headers.add("grpc-accept-encoding", "identity, deflate, gzip");
  probe_.on_half_close = [&text](ServerCall& call) {
    call.send(text);
    call.finish(Status());
  };
  start();
  std::string framed;
  append_message(framed, gzip_compress(text), true);
  stream_.body(*handler_, framed);
  handler_->on_end({});
  EXPECT_EQ(probe_.log[0], "message " + text.substr(0, 40));
  EXPECT_EQ(stream_.response.get("grpc-encoding"), "gzip");
  ASSERT_GT(stream_.sent.size(), 5u);
  EXPECT_EQ(stream_.sent[0], 1);
  EXPECT_EQ(*gzip_decompress(stream_.sent.substr(5), 1000), text);
  EXPECT_EQ(observer_.log[1], "in 500") << "sizes are of messages, not of the wire";
}

TEST_F(ServerTest, NoCompressionForThoseWhoDoNotTakeIt) {
  stream_.head.headers.add("grpc-encoding", "gzip");
  probe_.on_start = [](ServerCall& call) { call.send(std::string(500, 'x')); };
  start();
  EXPECT_FALSE(stream_.response.get("grpc-encoding"));
  EXPECT_EQ(stream_.sent[0], 0);
}

TEST_F(ServerTest, ABombIsRefused) {
  stream_.head.headers.add("grpc-encoding", "gzip");
  start();
  std::string framed;
  append_message(framed, gzip_compress(std::string(100'000, '\0')), true);
  ASSERT_LT(framed.size(), 1000u);
  stream_.body(*handler_, framed);
  EXPECT_EQ(stream_.grpc_status(), "8");
  EXPECT_EQ(stream_.grpc_message(),
            "grpc: received message after decompression larger than max 1000");
}

// ---- deadlines, cancellation, back-pressure

TEST_F(ServerTest, TheDeadlineEndsTheCall) {
  stream_.head.headers.add("grpc-timeout", "100m");
  start();
  stream_.message(*handler_, "q");
  handler_->on_end({});
  sim_.advance(99);
  EXPECT_FALSE(stream_.ended);
  sim_.advance(1);
  EXPECT_TRUE(stream_.trailers_only());
  EXPECT_EQ(stream_.grpc_status(), "4");
  EXPECT_EQ(stream_.grpc_message(), "context deadline exceeded");
  EXPECT_EQ(probe_.log.back(), "cancel DeadlineExceeded: context deadline exceeded");
  EXPECT_EQ(observer_.log.back(), "end DeadlineExceeded 100000");
  EXPECT_EQ(probe_.handlers, 0);
}

TEST_F(ServerTest, AHandlerWordsItsOwnDeadline) {
  probe_.late = unavailable("perhaps it was done");
  stream_.head.headers.add("grpc-timeout", "100m");
  start();
  sim_.advance(100);
  EXPECT_EQ(stream_.grpc_status(), "14");
  EXPECT_EQ(stream_.grpc_message(), "perhaps it was done");
  EXPECT_EQ(probe_.log.back(), "cancel Unavailable: perhaps it was done");
}

TEST_F(ServerTest, ADeadlineOfZeroHasPassed) {
  stream_.head.headers.add("grpc-timeout", "0n");
  start();
  sim_.run_until_idle();
  EXPECT_EQ(stream_.grpc_status(), "4");
}

TEST_F(ServerTest, AFinishedCallHasNoDeadline) {
  stream_.head.headers.add("grpc-timeout", "100m");
  probe_.on_start = [](ServerCall& call) { call.finish(Status()); };
  start();
  sim_.run_until_idle();
  EXPECT_EQ(sim_.next_due_ms(), UINT64_MAX);
}

TEST_F(ServerTest, TheClientGoes) {
  start("/test.Echo/Chat");
  handler_->on_abort({http::ErrorCode::kCancel, true, false, unavailable("reset")});
  EXPECT_EQ(probe_.log, Log({"cancel Canceled: context canceled"}));
  EXPECT_EQ(observer_.log.back(), "end Canceled 0");
  handler_.reset();
  EXPECT_EQ(probe_.handlers, 0);
  EXPECT_FALSE(stream_.ended);
}

TEST_F(ServerTest, TheClientGoesAfterTheEnd) {
  probe_.on_start = [](ServerCall& call) { call.finish(Status()); };
  start("/test.Echo/Chat");
  handler_->on_abort({http::ErrorCode::kCancel, true, false, unavailable("reset")});
  EXPECT_EQ(probe_.log, Log());
  EXPECT_EQ(observer_.log, Log({"start Chat", "end OK 0"})) << "finished once";
}

TEST_F(ServerTest, CanSendFollowsWhatWaits) {
  start("/test.Echo/Chat");
  EXPECT_TRUE(probe_.call->can_send());
  handler_->on_writable();
  EXPECT_EQ(probe_.log, Log()) << "nobody was told to wait";
  stream_.unsent_bytes = ServerCall::kSendWindow + 1;
  probe_.call->send("x");
  EXPECT_FALSE(probe_.call->can_send());
  stream_.unsent_bytes = 0;
  EXPECT_TRUE(probe_.call->can_send());
  handler_->on_writable();
  EXPECT_EQ(probe_.log, Log({"can send"}));
  handler_->on_writable();
  EXPECT_EQ(probe_.log, Log({"can send"})) << "once for each stall";
}

// One byte at a time: the same calls, the same answers.
TEST_F(ServerTest, AnyChunking) {
  probe_.on_message = [](ServerCall& call, std::string_view m) {
    call.send(m);
    call.want_message();
  };
  probe_.on_half_close = [](ServerCall& call) { call.finish(Status()); };
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 50; ++i) append_message(bytes, std::string(static_cast<size_t>(i * 7), 'a'));
  for (size_t piece : {1, 2, 5, 6, 100, 100'000}) {
    FakeServerStream stream;
    stream.head.path = "/test.Echo/Chat";
    const std::unique_ptr<http::StreamHandler> handler = server_.start(stream, sim_);
    for (size_t at = 0; at < bytes.size(); at += piece) {
      stream.body(*handler, std::string_view(bytes).substr(at, piece));
    }
    handler->on_end({});
    EXPECT_EQ(stream.sent, bytes) << piece;
    EXPECT_EQ(stream.grpc_status(), "0");
    EXPECT_EQ(stream.owed, 0u);
  }
}

TEST(ServerDeathTest, OnePathTwice) {
  Server server;
  server.add({"a.B", "C", MethodKind::kUnary}, nullptr);
  EXPECT_DEATH(server.add({"a.B", "C", MethodKind::kUnary}, nullptr), "/a.B/C");
  EXPECT_EQ(server.methods().size(), 1u);
}

}  // namespace
}  // namespace gatehouse::rpc
