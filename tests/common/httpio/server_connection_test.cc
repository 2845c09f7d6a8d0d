#include "common/httpio/server_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/net/sniff.h"
#include "tests/common/http/frames.h"
#include "tests/common/httpio/server_support.h"

namespace gatehouse::httpio::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

std::string client_preface() { return std::string(net::kHttp2Preface) + http::testing::settings(); }

// ---- one port, several protocols; any chunking

TEST(ServerConnection, ServesHttp1AndHttp2OnOnePort) {
  for (const size_t chunk : {size_t{1}, size_t{7}, size_t{100'000}}) {
    SimServer server;
    RawClient one(server.connect({.max_chunk_bytes = chunk}));
    one.stream->write("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
    Http2Peer two(server.sim, server.connect({.max_chunk_bytes = chunk}));
    TestCall call;
    ASSERT_TRUE(two.get(call, "/b", "another body"));
    server.sim.run_until_idle();
    EXPECT_THAT(one.sink.bytes, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(one.sink.bytes, HasSubstr("body"));
    ASSERT_TRUE(call.ended) << "in chunks of " << chunk;
    EXPECT_EQ(call.status, 200);
    EXPECT_EQ(call.body, "another body");
    EXPECT_EQ(server.counters.requests, 2u);
    EXPECT_EQ(server.counters.connections_opened, 2u);
    EXPECT_EQ(server.open(), 2u) << "both may go on";
    EXPECT_GT(server.counters.bytes_received, 0u);
    EXPECT_GT(server.counters.bytes_sent, 0u);
    EXPECT_TRUE(server.observer.failures.empty());
  }
}

TEST(ServerConnection, CallsOfOneTurnLeaveInOneWrite) {
  SimServer server;
  RawClient one(server.connect());
  std::string pipelined;
  for (int i = 0; i < 50; ++i) pipelined += kGet;
  one.stream->write(pipelined);
  server.sim.run_until_idle();
  EXPECT_EQ(server.counters.requests, 50u);
  EXPECT_EQ(server.numbers.writes, 1);

  Http2Peer two(server.sim, server.connect());
  server.sim.run_until_idle();
  server.numbers.writes = 0;
  std::vector<std::unique_ptr<TestCall>> calls;
  server.sim.post([&] {
    for (int i = 0; i < 50; ++i) {
      calls.push_back(std::make_unique<TestCall>());
      ASSERT_TRUE(two.get(*calls.back(), "/"));
    }
  });
  server.sim.run_until_idle();
  for (const auto& call : calls) EXPECT_TRUE(call->ended);
  EXPECT_EQ(server.numbers.writes, 1);
}

TEST(ServerConnection, AForeignProtocolIsAnsweredAndClosed) {
  SimServer server;
  RawClient client(server.connect());
  client.stream->write("\r\n\x01\x02 nonsense\r\n\r\n");
  server.sim.run_until_idle();
  EXPECT_THAT(client.sink.bytes, StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(client.sink.ended);
  EXPECT_EQ(server.observer.failures.size(), 1u);
}

TEST(ServerConnection, WhoConnectsAndLeavesIsNoFailure) {
  SimServer server;
  RawClient client(server.connect());
  client.stream.reset();
  server.sim.run_until_idle();
  EXPECT_EQ(server.open(), 0u);
  EXPECT_EQ(server.counters.connections_closed, 1u);
  EXPECT_TRUE(server.observer.failures.empty());
}

// ---- deadlines

TEST(ServerConnection, SilenceIsClosedAtTheHeadTimeout) {
  SimServer server;
  RawClient client(server.connect());
  server.sim.advance(29'999);
  EXPECT_FALSE(client.closed());
  server.sim.advance(1);
  EXPECT_TRUE(client.sink.ended);
  EXPECT_EQ(client.sink.bytes, "") << "nothing was asked";
  EXPECT_EQ(server.open(), 0u);
}

TEST(ServerConnection, SlowHeadsAreAnswered408) {
  SimServer server;
  RawClient client(server.connect());
  const std::string head = "GET / HTTP/1.1\r\nx-long: " + std::string(100, 'x');
  // One byte a second: never idle, never done.
  for (size_t i = 0; i < 29; ++i) {
    client.stream->write(head.substr(i, 1));
    server.sim.advance(1'000);
    ASSERT_FALSE(client.closed()) << i;
  }
  server.sim.advance(1'001);
  EXPECT_THAT(client.sink.bytes, StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(client.sink.ended);
  ASSERT_EQ(server.observer.failures.size(), 1u);
  EXPECT_EQ(server.observer.failures[0].code(), StatusCode::kDeadlineExceeded);
}

TEST(ServerConnection, ALaterSlowHeadToo) {
  SimServer server;
  RawClient client(server.connect());
  client.stream->write(kGet);
  server.sim.advance(1'000'000);
  EXPECT_FALSE(client.closed()) << "an idle connection stays";
  client.stream->write("G");
  server.sim.advance(29'999);
  EXPECT_FALSE(client.closed());
  server.sim.advance(1);
  EXPECT_TRUE(client.sink.ended);
  EXPECT_THAT(client.sink.bytes, HasSubstr("HTTP/1.1 408 "));
}

TEST(ServerConnection, ASlowBodyIsNoSlowHead) {
  SimServer server;
  RawClient client(server.connect());
  client.stream->write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 100; ++i) {
    server.sim.advance(1'000);
    client.stream->write("x");
  }
  server.sim.run_until_idle();
  EXPECT_THAT(client.sink.bytes, StartsWith("HTTP/1.1 200"));
  EXPECT_FALSE(client.closed());
}

TEST(ServerConnection, AnHttp2ConnectionMayBeIdleForEver) {
  ServerConnectionOptions options;
  options.keepalive_interval_ms = 0;
  SimServer server(options);
  Http2Peer client(server.sim, server.connect());
  server.sim.advance(24 * 3'600'000);
  EXPECT_FALSE(client.ended());
  EXPECT_EQ(server.open(), 1u);
}

TEST(ServerConnection, TheIdleTimeoutClosesBothProtocols) {
  ServerConnectionOptions options;
  options.idle_timeout_ms = 60'000;
  SimServer server(options);
  server.handler.on_end = {};  // answers when the test does
  RawClient one(server.connect());
  Http2Peer two(server.sim, server.connect());
  RawClient busy(server.connect());
  one.stream->write(kGet);
  busy.stream->write("GET /busy HTTP/1.1\r\nHost: h\r\n\r\n");
  server.sim.run_until_idle();
  ASSERT_EQ(server.handler.served.size(), 2u);
  TestServer::echo(*server.handler.served[0]);
  server.sim.advance(59'999);
  EXPECT_FALSE(one.closed() || two.ended());
  server.sim.advance(1);
  EXPECT_TRUE(one.sink.ended);
  EXPECT_TRUE(two.ended());
  EXPECT_TRUE(two.session().finished());
  EXPECT_FALSE(two.session().can_open()) << "it got a GOAWAY";
  server.sim.advance(1'000'000);
  EXPECT_FALSE(busy.closed()) << "a request under way is not idle";
  EXPECT_TRUE(server.observer.failures.empty());
}

TEST(ServerConnection, KeepaliveFindsTheDead) {
  ServerConnectionOptions options;
  options.keepalive_interval_ms = 10'000;
  options.keepalive_timeout_ms = 3'000;
  SimServer server(options);
  server.handler.on_end = {};
  Http2Peer alive(server.sim, server.connect());
  // Says hello, asks for something, and is never heard of again.
  RawClient dead(server.connect());
  dead.stream->write(client_preface());
  server.sim.run_until_idle();
  TestCall call;
  alive.get(call, "/watch");
  server.sim.advance(12'999);
  EXPECT_FALSE(dead.closed());
  EXPECT_EQ(server.open(), 2u);
  server.sim.advance(1);
  EXPECT_TRUE(dead.closed());
  EXPECT_EQ(server.open(), 1u);
  ASSERT_EQ(server.observer.failures.size(), 1u);
  EXPECT_THAT(server.observer.failures[0].message(), HasSubstr("keepalive"));
  server.sim.advance(1'000'000);
  EXPECT_EQ(server.open(), 1u) << "who answers stays";
  EXPECT_FALSE(call.over());
}

// ---- back-pressure and the end

TEST(ServerConnection, WhoDoesNotReadCostsABoundedAmount) {
  SimServer server;
  const size_t total = 20'000'000;
  const std::string piece(64 * 1024, 'x');
  size_t sent = 0;
  const auto send = [&](Served& served) {
    while (sent < total && served.stream->unsent() <= 1'000'000) {
      served.stream->send_body(piece);
      sent += piece.size();
    }
    if (sent >= total) served.stream->send_end();
  };
  server.handler.on_end = [&](Served& served) {
    served.stream->send_head(200, {});
    send(served);
  };
  server.handler.on_writable = send;
  RawClient client(server.connect());
  client.stream->pause_reading();
  client.stream->write(kGet);
  server.sim.advance(60'000);
  EXPECT_LT(sent, 4'000'000u) << "the handler is held back";
  EXPECT_LE(server.numbers.most_unsent,
            ServerConnection::kMaxUnsentBytes + ServerConnection::kWriteBytes + piece.size());
  client.stream->resume_reading();
  server.sim.advance(1'000);
  EXPECT_EQ(sent, (total + piece.size() - 1) / piece.size() * piece.size());
  EXPECT_GE(client.sink.bytes.size(), sent);
  EXPECT_FALSE(client.closed());
}

TEST(ServerConnection, InputWaitsWhileTheSessionWantsNone) {
  SimServer server;
  server.handler.on_end = {};
  RawClient client(server.connect({.window_bytes = 64 * 1024}));
  std::string pipelined;
  while (pipelined.size() < 2'000'000) pipelined += kGet;
  const size_t requests = pipelined.size() / kGet.size();
  client.stream->write(pipelined);
  server.sim.run_until_idle();
  EXPECT_EQ(server.handler.served.size(), 1u);
  EXPECT_GT(client.stream->unsent(), 1'000'000u) << "the client is held back";
  // Answered one by one, all come.
  for (size_t i = 0; i < requests; ++i) {
    ASSERT_GT(server.handler.served.size(), i);
    TestServer::echo(*server.handler.served[i]);
    server.sim.run_until_idle();
  }
  EXPECT_EQ(server.counters.requests, requests);
  EXPECT_EQ(client.stream->unsent(), 0u);
}

TEST(ServerConnection, TheLastResponseIsNotLostToAReset) {
  SimServer server;
  RawClient client(server.connect({.delay_ms = 10}));
  client.stream->write("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  server.sim.advance(15);
  // More comes while the server has finished; closing with it unread would be a reset.
  client.stream->write("late bytes that nobody wants");
  server.sim.advance(40);
  EXPECT_THAT(client.sink.bytes, StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(client.sink.ended);
  EXPECT_FALSE(client.sink.broken);
  EXPECT_EQ(server.open(), 1u) << "it lingers";
  server.sim.advance(2'000);
  EXPECT_EQ(server.open(), 0u);
}

TEST(ServerConnection, LingeringEndsWithThePeer) {
  SimServer server;
  RawClient client(server.connect());
  client.stream->write("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  server.sim.run_until_idle();
  EXPECT_TRUE(client.sink.ended);
  EXPECT_EQ(server.open(), 1u);
  client.stream->finish_writing();
  server.sim.run_until_idle();
  EXPECT_EQ(server.open(), 0u);
}

TEST(ServerConnection, TheLastOutputDoesNotWaitForEver) {
  ServerConnectionOptions options;
  options.flush_timeout_ms = 5'000;
  SimServer server(options);
  server.handler.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body(std::string(100'000, 'x'));
    served.stream->send_end();
  };
  RawClient client(server.connect({.window_bytes = 10'000}));
  client.stream->pause_reading();
  client.stream->write("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  server.sim.advance(4'999);
  EXPECT_EQ(server.open(), 1u);
  server.sim.advance(1);
  EXPECT_EQ(server.open(), 0u);
}

TEST(ServerConnection, AHalfClosedClientGetsItsAnswer) {
  SimServer server;
  server.handler.on_end = {};
  RawClient client(server.connect());
  client.stream->write(kGet);
  client.stream->finish_writing();
  server.sim.advance(1'000);
  ASSERT_EQ(server.handler.served.size(), 1u);
  ASSERT_FALSE(server.handler.served[0]->abort);
  TestServer::echo(*server.handler.served[0]);
  server.sim.run_until_idle();
  EXPECT_THAT(client.sink.bytes, StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(client.sink.ended);
  EXPECT_EQ(server.open(), 0u) << "both sides are done";
}

TEST(ServerConnection, ALostConnectionAbortsItsRequests) {
  for (const uint64_t at : {uint64_t{150}, uint64_t{400}}) {
    SimServer server;
    server.handler.on_end = {};
    Http2Peer client(server.sim, server.connect({.break_after_bytes = at}));
    std::vector<std::unique_ptr<TestCall>> calls;
    for (int i = 0; i < 20; ++i) {
      calls.push_back(std::make_unique<TestCall>());
      client.get(*calls.back(), "/" + std::string(20, 'x') + std::to_string(i));
    }
    server.sim.run_until_idle();
    ASSERT_TRUE(client.broken());
    for (const auto& served : server.handler.served) {
      ASSERT_TRUE(served->abort);
      EXPECT_THAT(served->abort->status.message(), HasSubstr("connection reset by peer"));
    }
    EXPECT_EQ(server.handler.alive(), 0u);
    EXPECT_EQ(server.open(), 0u);
  }
}

// ---- the worker's end

TEST(ServerWorker, DrainLetsRequestsFinish) {
  SimServer server;
  server.handler.on_end = {};
  RawClient idle(server.connect());
  RawClient silent(server.connect());
  RawClient busy(server.connect());
  Http2Peer watching(server.sim, server.connect());
  TestCall call;
  idle.stream->write(kGet);
  busy.stream->write("GET /busy HTTP/1.1\r\nHost: h\r\n\r\n");
  watching.get(call, "/watch");
  server.sim.run_until_idle();
  ASSERT_EQ(server.handler.served.size(), 3u);
  TestServer::echo(*server.handler.served[0]);
  server.sim.run_until_idle();

  bool drained = false;
  server.worker->drain([&] {
    drained = true;
    server.worker.reset();
  });
  server.sim.run_until_idle();
  EXPECT_TRUE(idle.sink.ended);
  EXPECT_TRUE(silent.sink.ended);
  EXPECT_FALSE(busy.closed());
  EXPECT_FALSE(watching.session().can_open()) << "GOAWAY came";
  EXPECT_FALSE(call.over());
  EXPECT_FALSE(drained);
  RawClient late(server.connect());
  server.sim.run_until_idle();
  EXPECT_TRUE(late.sink.ended) << "no new connections";

  TestServer::echo(*server.handler.served[1]);
  TestServer::echo(*server.handler.served[2]);
  server.sim.run_until_idle();
  EXPECT_THAT(busy.sink.bytes, HasSubstr("HTTP/1.1 200"));
  EXPECT_TRUE(busy.sink.ended);
  EXPECT_TRUE(call.ended);
  EXPECT_FALSE(drained) << "the last ones linger";
  server.sim.advance(2'000);
  EXPECT_TRUE(drained);
  EXPECT_EQ(server.counters.connections_closed, server.counters.connections_opened);
}

TEST(ServerWorker, CloseAllCutsAndAborts) {
  SimServer server;
  server.handler.on_end = {};
  RawClient one(server.connect());
  Http2Peer two(server.sim, server.connect());
  TestCall call;
  one.stream->write(kGet);
  two.get(call, "/watch");
  server.sim.run_until_idle();
  ASSERT_EQ(server.handler.alive(), 2u);
  bool drained = false;
  server.worker->drain([&] { drained = true; });
  server.sim.run_until_idle();
  server.worker->close_all(unavailable("the server is shutting down"));
  server.sim.run_until_idle();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(one.closed());
  ASSERT_TRUE(call.abort);
  EXPECT_EQ(server.handler.alive(), 0u);
  ASSERT_TRUE(server.handler.served[0]->abort);
  EXPECT_EQ(server.handler.served[0]->abort->status.message(), "the server is shutting down");
}

TEST(ServerWorker, DestroyingItCutsConnections) {
  SimServer server;
  server.handler.on_end = {};
  RawClient client(server.connect());
  client.stream->write(kGet);
  server.sim.run_until_idle();
  server.worker.reset();
  server.sim.run_until_idle();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server.handler.alive(), 0u);
}

}  // namespace
}  // namespace gatehouse::httpio::testing
