#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/httpio/server_connection.h"
#include "tests/common/http/frames.h"
#include "tests/common/httpio/server_support.h"
#include "tests/common/tls/session_pair.h"

namespace gatehouse::httpio::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServerTls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    authority_ = new tls::TestCertificates;
    context_ = new std::shared_ptr<const tls::Context>(
        tls::must(tls::Context::server(tls::server_options(authority_->server()))));
  }
  static void TearDownTestSuite() {
    delete context_;
    delete authority_;
  }

  // A TLS client that has shaken hands, offering these protocols.
  std::unique_ptr<net::TlsStream> connect(SimServer& server, std::vector<std::string> alpn,
                                          const net::LinkOptions& link = {}) {
    tls::ClientOptions options = tls::client_options(*authority_);
    options.alpn = std::move(alpn);
    auto stream = std::make_unique<net::TlsStream>(
        server.sim, server.connect(link, *context_),
        *tls::Session::create(tls::must(tls::Context::client(options))));
    bool done = false;
    stream->handshake(5'000, [&](const Status& status) {
      EXPECT_EQ(status, Status());
      done = true;
    });
    server.sim.run_until_idle();
    EXPECT_TRUE(done);
    return stream;
  }

  static tls::TestCertificates* authority_;
  static std::shared_ptr<const tls::Context>* context_;
};

tls::TestCertificates* ServerTls::authority_ = nullptr;
std::shared_ptr<const tls::Context>* ServerTls::context_ = nullptr;

TEST_F(ServerTls, GoesByAlpnElseByTheFirstBytes) {
  for (const size_t chunk : {size_t{1}, size_t{100'000}}) {
    SimServer server;
    const net::LinkOptions link{.max_chunk_bytes = chunk};
    Http2Peer agreed(server.sim, connect(server, {"h2", "http/1.1"}, link));
    Http2Peer sniffed(server.sim, connect(server, {}, link));
    TestCall first, second;
    agreed.get(first, "/1");
    sniffed.get(second, "/2");
    RawClient one(connect(server, {"http/1.1"}, link));
    RawClient sniffed_one(connect(server, {}, link));
    one.stream->write("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    sniffed_one.stream->write("GET /4 HTTP/1.1\r\nHost: h\r\n\r\n");
    server.sim.run_until_idle();
    EXPECT_TRUE(first.ended && second.ended);
    EXPECT_THAT(one.sink.bytes, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(sniffed_one.sink.bytes, StartsWith("HTTP/1.1 200"));
    ASSERT_EQ(server.handler.served.size(), 4u);
    EXPECT_EQ(server.counters.handshakes_failed, 0u);
  }
}

TEST_F(ServerTls, ClearHttpIsAnswered400InClear) {
  for (const size_t chunk : {size_t{1}, size_t{100'000}}) {
    SimServer server;
    RawClient client(server.connect({.max_chunk_bytes = chunk}, *context_));
    client.stream->write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    server.sim.run_until_idle();
    EXPECT_THAT(client.sink.bytes, StartsWith("HTTP/1.0 400 Bad Request\r\n"));
    EXPECT_THAT(client.sink.bytes, HasSubstr("Client sent an HTTP request to an HTTPS server."));
    EXPECT_TRUE(client.sink.ended);
    EXPECT_EQ(server.counters.handshakes_failed, 1u);
    ASSERT_EQ(server.observer.handshakes.size(), 1u);
  }
}

TEST_F(ServerTls, OtherClearTextIsClosed) {
  SimServer server;
  RawClient client(server.connect({}, *context_));
  client.stream->write(http::testing::kPreface);
  RawClient garbage(server.connect({}, *context_));
  garbage.stream->write("\x01\x02\x03");
  server.sim.run_until_idle();
  EXPECT_EQ(client.sink.bytes, "");
  EXPECT_TRUE(client.sink.ended);
  EXPECT_TRUE(garbage.sink.ended);
  EXPECT_EQ(server.counters.handshakes_failed, 2u);
}

TEST_F(ServerTls, TlsOnAClearPortIsAnswered) {
  SimServer server;
  auto stream = std::make_unique<net::TlsStream>(
      server.sim, server.connect(),
      *tls::Session::create(tls::must(tls::Context::client(tls::client_options(*authority_)))));
  std::optional<Status> result;
  stream->handshake(5'000, [&](const Status& status) { result = status; });
  server.sim.run_until_idle();
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->ok());
  ASSERT_EQ(server.observer.handshakes.size(), 1u);
  EXPECT_THAT(server.observer.handshakes[0].message(), HasSubstr("port without TLS"));
}

TEST_F(ServerTls, TheHandshakeDeadlineCountsFromTheConnection) {
  SimServer server;
  RawClient silent(server.connect({}, *context_));
  RawClient slow(server.connect({}, *context_));
  server.sim.advance(6'000);
  slow.stream->write("\x16\x03\x01");
  server.sim.advance(3'999);
  EXPECT_FALSE(silent.closed() || slow.closed());
  server.sim.advance(1);
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(slow.closed());
  EXPECT_EQ(server.counters.handshakes_failed, 2u);
  for (const Status& why : server.observer.handshakes) {
    EXPECT_EQ(why.message(), "tls: handshake timed out");
  }
}

TEST_F(ServerTls, APortCheckIsNoFailure) {
  SimServer server;
  RawClient client(server.connect({}, *context_));
  client.stream.reset();
  server.sim.run_until_idle();
  EXPECT_EQ(server.open(), 0u);
  EXPECT_EQ(server.counters.handshakes_failed, 0u);
}

TEST_F(ServerTls, LeavingWithinTheHandshakeIsTold) {
  SimServer server;
  RawClient client(server.connect({}, *context_));
  client.stream->write("\x16\x03\x01\x00\x10");
  server.sim.run_until_idle();
  client.stream.reset();
  server.sim.run_until_idle();
  EXPECT_EQ(server.open(), 0u);
  EXPECT_EQ(server.counters.handshakes_failed, 1u);
}

TEST_F(ServerTls, DrainClosesHandshakesAndServes) {
  SimServer server;
  server.handler.on_end = {};
  RawClient half(server.connect({}, *context_));
  half.stream->write("\x16\x03\x01");
  Http2Peer client(server.sim, connect(server, {"h2"}));
  TestCall call;
  client.get(call, "/");
  server.sim.run_until_idle();
  bool drained = false;
  server.worker->drain([&] { drained = true; });
  server.sim.run_until_idle();
  EXPECT_TRUE(half.closed());
  ASSERT_EQ(server.handler.served.size(), 1u);
  TestServer::echo(*server.handler.served[0]);
  server.sim.run_until_idle();
  EXPECT_TRUE(call.ended);
  EXPECT_TRUE(client.ended()) << "close_notify came";
  client.close();
  server.sim.run_until_idle();
  EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace gatehouse::httpio::testing
