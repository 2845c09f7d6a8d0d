// Handshake, data and the end of a session, in memory.
#include "common/tls/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "tests/common/tls/session_pair.h"

namespace gatehouse::tls {
namespace {

using ::testing::HasSubstr;

class SessionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    authority_ = new TestCertificates;
    server_files_ = new TestCertificates::Files(authority_->server());
  }
  static void TearDownTestSuite() {
    delete server_files_;
    delete authority_;
  }

  static SessionPair connected() {
    SessionPair pair(must(Context::client(client_options(*authority_))),
                     must(Context::server(server_options(*server_files_))));
    pair.pump();
    EXPECT_TRUE(pair.both_done()) << pair.client_status.to_string()
                                  << pair.server_status.to_string();
    return pair;
  }

  static TestCertificates* authority_;
  static TestCertificates::Files* server_files_;
};

TestCertificates* SessionTest::authority_ = nullptr;
TestCertificates::Files* SessionTest::server_files_ = nullptr;

std::string random_bytes(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

TEST_F(SessionTest, AClientSpeaksFirst) {
  auto client = Session::create(must(Context::client(client_options(*authority_))));
  ASSERT_TRUE(client.ok());
  EXPECT_GT((*client)->output_size(), 0u);
  EXPECT_EQ(taken_output(**client)[0], 22);
  auto server = Session::create(must(Context::server(server_options(*server_files_))));
  ASSERT_TRUE(server.ok());
  EXPECT_EQ((*server)->output_size(), 0u);
}

TEST_F(SessionTest, WhatIsAgreedOnIsTheSameOnBothSides) {
  SessionPair pair = connected();
  EXPECT_EQ(pair.client->alpn(), "h2");
  EXPECT_EQ(pair.server->alpn(), "h2");
  EXPECT_EQ(pair.client->cipher_suite(), pair.server->cipher_suite());
  EXPECT_EQ(pair.client->version(), pair.server->version());
  EXPECT_THAT(std::string(pair.client->version()), ::testing::AnyOf("TLS1.2", "TLS1.3"));
  EXPECT_EQ(pair.server->server_name(), "localhost");
  EXPECT_EQ(pair.server->peer_certificate(), nullptr);
  const PeerCertificate* server = pair.client->peer_certificate();
  ASSERT_NE(server, nullptr);
  EXPECT_TRUE(server->verified);
  EXPECT_EQ(server->common_name, "server");
  EXPECT_THAT(server->dns_names, ::testing::ElementsAre("localhost", "*.cluster.test"));
  EXPECT_THAT(server->ip_addresses, ::testing::ElementsAre("127.0.0.1", "::1"));
}

TEST_F(SessionTest, OneByteAtATime) {
  SessionPair pair(must(Context::client(client_options(*authority_))),
                   must(Context::server(server_options(*server_files_))));
  pair.pump(1);
  ASSERT_TRUE(pair.both_done()) << pair.client_status.to_string() << pair.server_status.to_string();
  const std::string sent = random_bytes(40'000, 7);
  ASSERT_TRUE(pair.server->write(sent).ok());
  pair.pump(1);
  EXPECT_EQ(taken_plaintext(*pair.client), sent);
}

TEST_F(SessionTest, TenMegabytesEachWayInPiecesOfAnySize) {
  const uint64_t seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  SessionPair pair = connected();
  constexpr size_t kSize = 10u << 20;
  const std::string up = random_bytes(kSize, seed), down = random_bytes(kSize, seed + 1);
  std::string got_up, got_down;
  size_t at_up = 0, at_down = 0;
  while (got_up.size() < kSize || got_down.size() < kSize) {
    const std::string_view next_up = std::string_view(up).substr(at_up, random() % 70'000);
    const std::string_view next_down = std::string_view(down).substr(at_down, random() % 70'000);
    at_up += next_up.size();
    at_down += next_down.size();
    ASSERT_TRUE(pair.client->write(next_up).ok());
    ASSERT_TRUE(pair.server->write(next_down).ok());
    pair.pump(1 + random() % 20'000);
    pair.server->take_plaintext(got_up);
    pair.client->take_plaintext(got_down);
    ASSERT_TRUE(pair.client_status.ok()) << pair.client_status.to_string();
    ASSERT_TRUE(pair.server_status.ok()) << pair.server_status.to_string();
  }
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
}

TEST_F(SessionTest, DataThatArrivesWithTheEndOfTheHandshakeIsNotLost) {
  SessionPair pair(must(Context::client(client_options(*authority_))),
                   must(Context::server(server_options(*server_files_))));
  ASSERT_TRUE(pair.server->feed(taken_output(*pair.client)).ok());
  ASSERT_TRUE(pair.client->feed(taken_output(*pair.server)).ok());
  std::string finished = taken_output(*pair.client);
  if (!pair.client->handshake_done()) {  // TLS 1.2: the server's Finished is the last
    ASSERT_TRUE(pair.server->feed(finished).ok());
    ASSERT_TRUE(pair.server->handshake_done());
    ASSERT_TRUE(pair.server->write("early").ok());
    ASSERT_TRUE(pair.client->feed(taken_output(*pair.server)).ok());
    EXPECT_TRUE(pair.client->handshake_done());
    EXPECT_EQ(taken_plaintext(*pair.client), "early");
  } else {
    ASSERT_TRUE(pair.client->write("early").ok());
    finished += taken_output(*pair.client);
    ASSERT_TRUE(pair.server->feed(finished).ok());
    EXPECT_TRUE(pair.server->handshake_done());
    EXPECT_EQ(taken_plaintext(*pair.server), "early");
  }
}

TEST_F(SessionTest, TakingAppendsAndForgets) {
  SessionPair pair = connected();
  ASSERT_TRUE(pair.client->write("one").ok());
  pair.pump();
  std::string got = "zero ";
  EXPECT_EQ(pair.server->plaintext_size(), 3u);
  pair.server->take_plaintext(got);
  EXPECT_EQ(got, "zero one");
  EXPECT_EQ(pair.server->plaintext_size(), 0u);
  EXPECT_EQ(taken_plaintext(*pair.server), "");
}

TEST_F(SessionTest, NothingIsWrittenForNothing) {
  SessionPair pair = connected();
  EXPECT_TRUE(pair.client->write("").ok());
  EXPECT_EQ(pair.client->output_size(), 0u);
  EXPECT_TRUE(pair.client->feed("").ok());
}

TEST_F(SessionTest, WritingBeforeTheHandshakeIsRefusedAndHarmless) {
  SessionPair pair(must(Context::client(client_options(*authority_))),
                   must(Context::server(server_options(*server_files_))));
  EXPECT_EQ(pair.client->write("x").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(pair.server->write("x").code(), StatusCode::kFailedPrecondition);
  pair.pump();
  EXPECT_TRUE(pair.both_done());
}

TEST_F(SessionTest, CloseNotifyIsTheEndOfTheStream) {
  SessionPair pair = connected();
  ASSERT_TRUE(pair.client->write("last words").ok());
  pair.client->close_notify();
  pair.client->close_notify();
  EXPECT_EQ(pair.client->write("more").code(), StatusCode::kFailedPrecondition);
  pair.pump();
  EXPECT_EQ(taken_plaintext(*pair.server), "last words");
  EXPECT_TRUE(pair.server->peer_closed());
  EXPECT_FALSE(pair.client->peer_closed());
  EXPECT_TRUE(pair.server->end_of_input().ok());
  // The other direction is still open.
  ASSERT_TRUE(pair.server->write("answer").ok());
  pair.server->close_notify();
  pair.pump();
  EXPECT_EQ(taken_plaintext(*pair.client), "answer");
  EXPECT_TRUE(pair.client->end_of_input().ok());
}

TEST_F(SessionTest, AnEndWithoutCloseNotifyIsTruncation) {
  SessionPair pair = connected();
  ASSERT_TRUE(pair.client->write("first").ok());
  pair.pump();
  const Status status = pair.server->end_of_input();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("without close_notify"));
  EXPECT_EQ(taken_plaintext(*pair.server), "first");
  EXPECT_EQ(pair.server->write("x"), status);
}

TEST_F(SessionTest, AnEndDuringTheHandshakeSaysSo) {
  SessionPair pair(must(Context::client(client_options(*authority_))),
                   must(Context::server(server_options(*server_files_))));
  EXPECT_EQ(pair.server->end_of_input().message(),
            "tls: connection closed by the peer during the handshake");
  EXPECT_FALSE(pair.server->handshake_done());
}

TEST_F(SessionTest, AFlippedBitIsFoundAndThePeerIsTold) {
  SessionPair pair = connected();
  ASSERT_TRUE(pair.client->write("attack at dawn").ok());
  std::string bytes = taken_output(*pair.client);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 0x10);
  const Status status = pair.server->feed(bytes);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), ::testing::StartsWith("tls: "));
  EXPECT_EQ(taken_plaintext(*pair.server), "");
  EXPECT_EQ(pair.server->feed("more"), status);
  EXPECT_EQ(pair.server->write("more"), status);
  EXPECT_EQ(pair.client->feed(taken_output(*pair.server)).message(),
            "remote error: tls: bad record MAC");
}

TEST_F(SessionTest, ARecordIsNotAcceptedTwice) {
  SessionPair pair = connected();
  ASSERT_TRUE(pair.client->write("pay once").ok());
  const std::string bytes = taken_output(*pair.client);
  ASSERT_TRUE(pair.server->feed(bytes).ok());
  EXPECT_EQ(taken_plaintext(*pair.server), "pay once");
  EXPECT_FALSE(pair.server->feed(bytes).ok());
  EXPECT_EQ(taken_plaintext(*pair.server), "");
}

TEST_F(SessionTest, PlaintextBeforeAnErrorIsKept) {
  SessionPair pair = connected();
  ASSERT_TRUE(pair.client->write("good").ok());
  std::string bytes = taken_output(*pair.client);
  bytes += std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  EXPECT_FALSE(pair.server->feed(bytes).ok());
  EXPECT_EQ(taken_plaintext(*pair.server), "good");
}

TEST_F(SessionTest, GarbageIsRefusedAtOnce) {
  for (const std::string_view garbage :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"),
        std::string_view("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string_view("\0\0\0\0", 4),
        std::string_view("\x80\x2e\x01\x03\x01", 5)}) {
    auto server = Session::create(must(Context::server(server_options(*server_files_))));
    ASSERT_TRUE(server.ok());
    const Status status = (*server)->feed(garbage);
    EXPECT_EQ(status.message(), "tls: first record does not look like a TLS handshake");
    EXPECT_EQ((*server)->feed("x"), status);
  }
}

TEST_F(SessionTest, GarbageOfEveryKindNeverHangsOrCrashes) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto context = must(Context::server(server_options(*server_files_)));
  const auto client_context = must(Context::client(client_options(*authority_)));
  for (int round = 0; round < 300; round++) {
    SessionPair pair(client_context, context);
    std::string hello = taken_output(*pair.client);
    const size_t flips = 1 + random() % 4;
    for (size_t i = 0; i < flips; i++) {
      hello[random() % hello.size()] ^= static_cast<char>(1 + random() % 255);
    }
    if (random() % 4 == 0) hello += random_bytes(random() % 3000, random());
    // Accepted (the flip was in what is free), refused, or waiting for more: never both an error
    // and an open session.
    const Status status = pair.server->feed(hello);
    EXPECT_FALSE(pair.server->handshake_done()) << status.to_string();
    EXPECT_EQ(pair.server->plaintext_size(), 0u);
  }
}

TEST_F(SessionTest, RecordsTooLargeAreRefused) {
  SessionPair pair = connected();
  std::string record("\x17\x03\x03\xff\xff", 5);
  record += std::string(0xffff, 'x');
  EXPECT_FALSE(pair.server->feed(record).ok());
}

TEST_F(SessionTest, AlpnFollowsTheServersPreference) {
  ServerOptions server = server_options(*server_files_);
  ClientOptions client = client_options(*authority_);
  client.alpn = {"http/1.1", "h2"};
  SessionPair pair(must(Context::client(client)), must(Context::server(server)));
  pair.pump();
  EXPECT_EQ(pair.client->alpn(), "h2");

  client.alpn = {"http/1.1"};
  SessionPair older(must(Context::client(client)), must(Context::server(server)));
  older.pump();
  EXPECT_EQ(older.client->alpn(), "http/1.1");
  EXPECT_EQ(older.server->alpn(), "http/1.1");
}

TEST_F(SessionTest, AlpnWithoutOverlapIsRefusedByName) {
  ClientOptions client = client_options(*authority_);
  client.alpn = {"spdy/3"};
  SessionPair pair(must(Context::client(client)),
                   must(Context::server(server_options(*server_files_))));
  pair.pump();
  EXPECT_EQ(pair.server_status.message(),
            "tls: no application protocol (ALPN) in common with the peer");
  EXPECT_EQ(pair.client_status.message(), "remote error: tls: no application protocol");
}

TEST_F(SessionTest, AlpnIsOptionalOnEitherSide) {
  ClientOptions client = client_options(*authority_);
  client.alpn = {};
  SessionPair no_offer(must(Context::client(client)),
                       must(Context::server(server_options(*server_files_))));
  no_offer.pump();
  EXPECT_TRUE(no_offer.both_done());
  EXPECT_EQ(no_offer.server->alpn(), "");

  ServerOptions server = server_options(*server_files_);
  server.alpn = {};
  SessionPair no_answer(must(Context::client(client_options(*authority_))),
                        must(Context::server(server)));
  no_answer.pump();
  EXPECT_TRUE(no_answer.both_done());
  EXPECT_EQ(no_answer.client->alpn(), "");
}

TEST_F(SessionTest, ThreadsShareOneContext) {
  TestCertificates::Files client_files = authority_->client("worker");
  ServerOptions server = server_options(*server_files_);
  server.client_auth = ClientAuth::kRequire;
  server.trusted_ca_file = authority_->ca_file();
  ClientOptions client = client_options(*authority_);
  client.cert_file = client_files.cert_file;
  client.key_file = client_files.key_file;
  const auto server_context = must(Context::server(server));
  const auto client_context = must(Context::client(client));
  std::vector<std::thread> threads;
  std::vector<int> done(3, 0);
  for (size_t i = 0; i < done.size(); i++) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 8; round++) {
        SessionPair pair(client_context, server_context);
        pair.pump();
        if (!pair.both_done() || !pair.client->write("hello").ok()) continue;
        pair.pump();
        if (taken_plaintext(*pair.server) == "hello") done[i]++;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(done, ::testing::Each(8));
}

TEST_F(SessionTest, ASessionOutlivesTheHolderOfItsContext) {
  auto server_context = must(Context::server(server_options(*server_files_)));
  auto client_context = must(Context::client(client_options(*authority_)));
  SessionPair pair(std::move(client_context), std::move(server_context));
  pair.pump();
  EXPECT_TRUE(pair.both_done());
}

}  // namespace
}  // namespace gatehouse::tls
