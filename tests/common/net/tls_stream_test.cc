#include "common/net/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "common/env/sim_executor.h"
#include "common/net/memory_network.h"
#include "tests/common/loop/support.h"
#include "tests/common/tls/session_pair.h"

namespace gatehouse::net {
namespace {

using loop::NotingSink;
using ::testing::HasSubstr;

// One authority for all tests: making certificates is what takes time.
class TlsStreams : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { authority_ = new tls::TestCertificates; }
  static void TearDownTestSuite() {
    delete authority_;
    authority_ = nullptr;
  }

  void connect(const LinkOptions& link = {}, bool client_certificate = false) {
    tls::ServerOptions server_options = tls::server_options(authority_->server());
    tls::ClientOptions client_options = tls::client_options(*authority_);
    if (client_certificate) {
      server_options.client_auth = tls::ClientAuth::kRequire;
      server_options.trusted_ca_file = authority_->ca_file();
      const auto files = authority_->client("root");
      client_options.cert_file = files.cert_file;
      client_options.key_file = files.key_file;
    }
    client_options.alpn = {"h2"};
    StreamPair pair = make_memory_pair(sim_, sim_, link);
    server_ = std::make_unique<TlsStream>(
        sim_, std::move(pair.second),
        *tls::Session::create(tls::must(tls::Context::server(server_options))));
    client_ = std::make_unique<TlsStream>(
        sim_, std::move(pair.first),
        *tls::Session::create(tls::must(tls::Context::client(client_options))));
  }

  void shake_hands() {
    std::optional<Status> server, client;
    server_->handshake(10'000, [&](const Status& status) {
      server = status;
      if (status.ok()) server_->start(server_sink_);
    });
    client_->handshake(10'000, [&](const Status& status) {
      client = status;
      if (status.ok()) client_->start(client_sink_);
    });
    EXPECT_FALSE(server || client) << "told from inside handshake()";
    sim_.run_until_idle();
    ASSERT_TRUE(server && client);
    EXPECT_EQ(*server, Status());
    EXPECT_EQ(*client, Status());
  }

  static tls::TestCertificates* authority_;
  env::SimExecutor sim_;
  NotingSink server_sink_, client_sink_;
  std::unique_ptr<TlsStream> server_, client_;
};

tls::TestCertificates* TlsStreams::authority_ = nullptr;

TEST_F(TlsStreams, CarryBytesBothWays) {
  connect({}, true);
  shake_hands();
  EXPECT_TRUE(server_->peer().tls);
  EXPECT_EQ(server_->peer().alpn, "h2");
  EXPECT_EQ(server_->peer().address, "memory:a");
  EXPECT_TRUE(server_->peer().certificate_verified);
  EXPECT_EQ(server_->peer().certificate_common_name, "root");
  EXPECT_TRUE(client_->peer().certificate_verified);
  const std::string big(300'000, 'b');
  client_->write("hello");
  server_->write(big);
  sim_.run_until_idle();
  EXPECT_EQ(server_sink_.bytes, "hello");
  EXPECT_TRUE(client_sink_.bytes == big);
}

TEST_F(TlsStreams, OneByteAtATime) {
  connect({.max_chunk_bytes = 1}, true);
  shake_hands();
  client_->write("hello");
  server_->write("and back");
  sim_.run_until_idle();
  EXPECT_EQ(server_sink_.bytes, "hello");
  EXPECT_EQ(client_sink_.bytes, "and back");
}

// The client's first request may come with the last flight of its handshake: before anybody has
// called start().
TEST_F(TlsStreams, BytesBeforeStartAreKept) {
  connect();
  bool server_done = false;
  server_->handshake(10'000, [&](const Status& status) { server_done = status.ok(); });
  client_->handshake(10'000, [&](const Status& status) {
    ASSERT_TRUE(status.ok());
    client_->start(client_sink_);
    client_->write("early");
  });
  sim_.run_until_idle();
  ASSERT_TRUE(server_done);
  server_->start(server_sink_);
  EXPECT_EQ(server_sink_.bytes, "") << "told from inside start()";
  sim_.run_until_idle();
  EXPECT_EQ(server_sink_.bytes, "early");
}

TEST_F(TlsStreams, CloseNotifyIsTheEndOfADirection) {
  connect();
  shake_hands();
  client_->write("last");
  client_->finish_writing();
  sim_.run_until_idle();
  EXPECT_EQ(server_sink_.bytes, "last");
  EXPECT_TRUE(server_sink_.ended);
  server_->write("answer");
  sim_.run_until_idle();
  EXPECT_EQ(client_sink_.bytes, "answer");
  EXPECT_FALSE(client_sink_.broken || server_sink_.broken);
}

TEST_F(TlsStreams, AStreamCutShortIsBroken) {
  connect();
  shake_hands();
  client_->write("half of");
  client_.reset();  // the transport ends without close_notify
  sim_.run_until_idle();
  EXPECT_EQ(server_sink_.bytes, "half of");
  EXPECT_FALSE(server_sink_.ended);
  ASSERT_TRUE(server_sink_.broken);
  EXPECT_THAT(server_sink_.broken->message(), HasSubstr("close_notify"));
}

TEST_F(TlsStreams, TheHandshakeHasADeadline) {
  connect();
  // The client never begins.
  std::optional<Status> server;
  server_->handshake(10'000, [&](const Status& status) { server = status; });
  sim_.advance(9'999);
  EXPECT_FALSE(server);
  sim_.advance(1);
  ASSERT_TRUE(server);
  EXPECT_EQ(*server, Status(StatusCode::kDeadlineExceeded, "tls: handshake timed out"));
}

TEST_F(TlsStreams, AnUnknownAuthorityFailsBothSides) {
  connect();
  tls::TestCertificates stranger("stranger");
  StreamPair pair = make_memory_pair(sim_, sim_);
  server_ = std::make_unique<TlsStream>(sim_, std::move(pair.second),
                                        *tls::Session::create(tls::must(tls::Context::server(
                                            tls::server_options(stranger.server())))));
  client_ = std::make_unique<TlsStream>(
      sim_, std::move(pair.first),
      *tls::Session::create(tls::must(tls::Context::client(tls::client_options(*authority_)))));
  std::optional<Status> server, client;
  server_->handshake(10'000, [&](const Status& status) { server = status; });
  client_->handshake(10'000, [&](const Status& status) {
    client = status;
    sim_.destroy_later(std::move(client_));
  });
  sim_.run_until_idle();
  ASSERT_TRUE(server && client);
  EXPECT_EQ(client->code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(client->message(), HasSubstr("unknown authority"));
  // The alert reached it.
  EXPECT_THAT(server->message(), HasSubstr("remote error: tls: "));
}

TEST_F(TlsStreams, BytesReadBeforeAreFedFirst) {
  connect();
  StreamPair pair = make_memory_pair(sim_, sim_);
  NotingSink peek;
  std::unique_ptr<env::ByteStream> raw = std::move(pair.second);
  raw->start(peek);
  tls::ClientOptions client_options = tls::client_options(*authority_);
  client_ = std::make_unique<TlsStream>(
      sim_, std::move(pair.first),
      *tls::Session::create(tls::must(tls::Context::client(client_options))));
  client_->handshake(10'000, [&](const Status& status) {
    ASSERT_TRUE(status.ok()) << status.to_string();
    client_->start(client_sink_);
  });
  sim_.run_until_idle();
  ASSERT_FALSE(peek.bytes.empty());
  EXPECT_EQ(peek.bytes[0], '\x16');
  server_ = std::make_unique<TlsStream>(sim_, std::move(raw),
                                        *tls::Session::create(tls::must(tls::Context::server(
                                            tls::server_options(authority_->server())))),
                                        peek.bytes);
  bool done = false;
  server_->handshake(10'000, [&](const Status& status) { done = status.ok(); });
  sim_.run_until_idle();
  EXPECT_TRUE(done);
}

TEST_F(TlsStreams, ALostConnectionIsToldOnce) {
  connect({.break_after_bytes = 6'000});
  shake_hands();
  server_->write(std::string(20'000, 'x'));
  sim_.run_until_idle();
  ASSERT_TRUE(client_sink_.broken && server_sink_.broken);
  EXPECT_EQ(client_sink_.broken->message(), "connection reset by peer");
}

TEST_F(TlsStreams, PausedReadingHoldsTheSenderBack) {
  connect({.window_bytes = 32 * 1024});
  shake_hands();
  server_->pause_reading();
  client_->write(std::string(200'000, 'x'));
  sim_.run_until_idle();
  EXPECT_GT(client_->unsent(), 100'000u);
  EXPECT_LT(server_sink_.bytes.size(), 64u * 1024);
  server_->resume_reading();
  sim_.run_until_idle();
  EXPECT_EQ(server_sink_.bytes.size(), 200'000u);
  EXPECT_EQ(client_->unsent(), 0u);
  EXPECT_EQ(client_sink_.drained, 1);
}

}  // namespace
}  // namespace gatehouse::net
