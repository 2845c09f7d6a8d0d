// Flow control both ways: who does not read is not sent more, holds up nobody else, and costs no
// more memory than a window.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/http/http2.h"
#include "tests/common/http/frames.h"
#include "tests/common/http/recorder.h"
#include "tests/common/http/wire.h"

namespace gatehouse::http::testing {
namespace {

constexpr uint32_t kStreamWindow = 100'000;
constexpr uint32_t kConnectionWindow = 300'000;

struct Pair {
  Pair()
      : server(make_http2_server(
            host, requests, {.address = "memory"},
            {.stream_window_bytes = kStreamWindow, .connection_window_bytes = kConnectionWindow})),
        client(make_http2_client(host, {.stream_window_bytes = kStreamWindow,
                                        .connection_window_bytes = kConnectionWindow})) {
    run();
  }
  void run() { ASSERT_TRUE(exchange_all(*client, *server, Chunking::whole(), 16384)); }

  TestHost host;
  TestServer requests;
  std::unique_ptr<Http2Server> server;
  std::unique_ptr<Http2Client> client;
};

TEST(Http2Flow, HandlerThatDoesNotReadGetsOneWindow) {
  Pair pair;
  pair.requests.consume = false;
  TestCall call;
  ASSERT_TRUE(call.start(*pair.client, request_head("POST", "/"), std::string(1'000'000, 'x')));
  pair.run();
  Served& served = *pair.requests.served[0];
  EXPECT_EQ(served.body.size(), kStreamWindow);
  EXPECT_EQ(call.stream->unsent(), 1'000'000 - kStreamWindow);
  EXPECT_EQ(call.writable, 0);
  // What it reads comes back to the peer, in parts and then all.
  served.stream->consumed(60'000);
  pair.run();
  EXPECT_EQ(served.body.size(), kStreamWindow + 60'000);
  size_t consumed = 60'000;
  while (!served.ended) {
    served.stream->consumed(served.body.size() - consumed);
    consumed = served.body.size();
    pair.run();
  }
  EXPECT_EQ(served.body.size(), 1'000'000u);
  EXPECT_TRUE(call.ended);
}

TEST(Http2Flow, SmallPiecesAddUpToAWindow) {
  Pair pair;
  pair.requests.consume = false;
  TestCall call;
  ASSERT_TRUE(call.start(*pair.client, request_head("POST", "/"), std::string(500'000, 'x')));
  pair.run();
  Served& served = *pair.requests.served[0];
  size_t consumed = 0;
  for (int i = 0; i < 1'000'000 && !served.ended; ++i) {
    ASSERT_LT(consumed, served.body.size()) << "the window did not come back";
    const size_t piece = std::min<size_t>(100, served.body.size() - consumed);
    served.stream->consumed(piece);
    consumed += piece;
    if (i % 10 == 0) pair.run();
  }
  EXPECT_TRUE(call.ended);
}

TEST(Http2Flow, OneStalledStreamStopsNoOther) {
  Pair pair;
  pair.requests.consume = false;
  TestCall stalled;
  ASSERT_TRUE(stalled.start(*pair.client, request_head("POST", "/"), std::string(500'000, 'x')));
  pair.run();
  pair.requests.consume = true;
  for (int i = 0; i < 20; ++i) {
    TestCall call;
    ASSERT_TRUE(call.start(*pair.client, request_head("POST", "/"), std::string(150'000, 'y')));
    pair.run();
    EXPECT_EQ(call.body.size(), 150'000u);
  }
  EXPECT_FALSE(stalled.over());
}

TEST(Http2Flow, ClientThatDoesNotReadGetsOneWindow) {
  Pair pair;
  pair.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body(std::string(400'000, 'x'));
  };
  TestCall call;
  call.consume = false;
  ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
  pair.run();
  Served& served = *pair.requests.served[0];
  EXPECT_EQ(call.body.size(), kStreamWindow);
  EXPECT_EQ(served.stream->unsent(), 400'000 - kStreamWindow);
  EXPECT_EQ(served.writable, 0);
  // The server is told once it has little left, and may fill up again.
  pair.requests.on_writable = [](Served& one) {
    EXPECT_LE(one.stream->unsent(), ServerStream::kLowWater);
    if (one.writable == 1) one.stream->send_body(std::string(200'000, 'y'));
    if (one.writable == 2) one.stream->send_end({{"done", "1"}});
  };
  size_t consumed = 0;
  while (!call.ended) {
    ASSERT_LT(consumed, call.body.size());
    call.stream->consumed(call.body.size() - consumed);
    consumed = call.body.size();
    pair.run();
  }
  EXPECT_EQ(served.writable, 2);
  EXPECT_EQ(call.body.size(), 600'000u);
  EXPECT_EQ(call.trailers.get("done"), "1");
}

TEST(Http2Flow, ClientIsToldWhenItMaySendOn) {
  Pair pair;
  TestCall call;
  call.stream = pair.client->open(request_head("POST", "/"), false, call);
  int rounds = 0;
  call.when_writable = [&](TestCall& self) {
    if (++rounds == 10) return self.stream->send_end();
    self.stream->send_body(std::string(100'000, 'x'));
  };
  call.stream->send_body(std::string(100'000, 'x'));
  pair.run();
  EXPECT_EQ(call.writable, 10);
  EXPECT_TRUE(call.ended);
  EXPECT_EQ(call.body.size(), 1'000'000u);
}

// Bytes nobody consumed must not stay charged to the connection when their stream ends.
TEST(Http2Flow, WindowOfEndedStreamsComesBack) {
  Pair pair;
  pair.requests.consume = false;
  for (int i = 0; i < 30; ++i) {
    TestCall call;
    ASSERT_TRUE(call.start(*pair.client, request_head("POST", "/"), std::string(200'000, 'x')));
    pair.run();
    ASSERT_EQ(pair.requests.served.back()->body.size(), kStreamWindow) << "at round " << i;
    switch (i % 3) {
      case 0:
        call.stream->cancel();
        break;
      case 1:
        pair.requests.served.back()->stream->abort(ErrorCode::kCancel);
        break;
      default:
        TestServer::echo(*pair.requests.served.back());
    }
    pair.run();
    ASSERT_EQ(pair.server->active_streams(), 0u);
    ASSERT_EQ(pair.client->active_streams(), 0u);
  }
  pair.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body(std::string(200'000, 'x'));
    served.stream->send_end();
  };
  for (int i = 0; i < 30; ++i) {
    TestCall call;
    call.consume = false;
    ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
    pair.run();
    ASSERT_EQ(call.body.size(), kStreamWindow) << "at round " << i;
    call.stream->cancel();
    pair.run();
  }
}

TEST(Http2Flow, TrailersNeedNoWindow) {
  Pair pair;
  pair.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body(std::string(kStreamWindow, 'x'));
  };
  TestCall call;
  call.consume = false;
  ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
  pair.run();
  EXPECT_EQ(call.body.size(), kStreamWindow);
  pair.requests.served[0]->stream->send_end({{"grpc-status", "0"}});
  pair.run();
  EXPECT_TRUE(call.ended);
}

TEST(Http2Flow, OutputKeepsToTheBudget) {
  Pair pair;
  pair.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body(std::string(90'000, 'x'));
    served.stream->send_end();
  };
  TestCall calls[3];
  for (TestCall& call : calls) ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
  pair.server->feed(take(*pair.client));
  size_t total = 0;
  for (;;) {
    const std::string out = take(*pair.server, 10'000);
    if (out.empty()) break;
    EXPECT_LT(out.size(), 10'000u + 16384 + 9);
    total += out.size();
    pair.client->feed(out);
  }
  EXPECT_GT(total, 270'000u);
  for (TestCall& call : calls) EXPECT_EQ(call.body.size(), 90'000u);
}

// Both sides at random: whatever order reads, writes, ends and resets come in, each byte arrives
// once and in order, and nothing is left over.
TEST(Http2Flow, RandomTraffic) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  struct Client {
    TestCall call;
    size_t sent = 0;
    size_t consumed = 0;
    size_t server_sent = 0;
    size_t server_consumed = 0;
    bool ended = false;
    bool server_ended = false;
    bool given_up = false;
  };
  const auto pattern = [](size_t offset, size_t size) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>((offset + i) % 251);
    return text;
  };
  for (int round = 0; round < 10; ++round) {
    Pair pair;
    pair.requests.consume = false;
    pair.requests.on_end = nullptr;
    std::vector<std::unique_ptr<Client>> clients;
    std::string to_server;
    std::string to_client;
    for (int step = 0; step < 3000; ++step) {
      if (clients.size() < 30 && random() % 20 == 0 && pair.client->can_open()) {
        auto one = std::make_unique<Client>();
        one->call.consume = false;
        one->call.stream = pair.client->open(
            request_head("POST", "/" + std::to_string(clients.size())), false, one->call);
        clients.push_back(std::move(one));
      }
      if (clients.empty()) continue;
      Client& one = *clients[random() % clients.size()];
      TestCall& call = one.call;
      const size_t size = random() % 3 == 0 ? random() % 50'000 : random() % 100;
      const bool alive = !call.over() && !one.given_up;
      const std::string path = "/" + std::to_string(random() % clients.size());
      Served* served = nullptr;
      for (const auto& candidate : pair.requests.served) {
        if (candidate->request.path == path && candidate->stream != nullptr) {
          served = candidate.get();
        }
      }
      Client* peer =
          served == nullptr ? nullptr : clients[std::stoul(served->request.path.substr(1))].get();
      switch (random() % 12) {
        case 0:
        case 1:
          if (alive && !one.ended && call.stream->unsent() < 200'000) {
            call.stream->send_body(pattern(one.sent, size));
            one.sent += size;
          }
          break;
        case 2:
          if (alive && call.body.size() > one.consumed) {
            const size_t piece = 1 + random() % (call.body.size() - one.consumed);
            call.stream->consumed(piece);
            one.consumed += piece;
          }
          break;
        case 3:
          if (alive && !one.ended && random() % 10 == 0) {
            call.stream->send_end();
            one.ended = true;
          }
          break;
        case 4:
          if (alive && random() % 40 == 0) {
            call.stream->cancel();
            one.given_up = true;
          }
          break;
        case 5:
        case 6:
          if (served != nullptr && !peer->server_ended && served->stream->unsent() < 200'000) {
            if (peer->server_sent == 0) served->stream->send_head(200, {});
            served->stream->send_body(pattern(peer->server_sent, size + 1));
            peer->server_sent += size + 1;
          }
          break;
        case 7:
          if (served != nullptr && !peer->server_ended &&
              served->body.size() > peer->server_consumed) {
            const size_t piece = 1 + random() % (served->body.size() - peer->server_consumed);
            served->stream->consumed(piece);
            peer->server_consumed += piece;
          }
          break;
        case 8:
          if (served != nullptr && peer->server_sent > 0 && !peer->server_ended &&
              random() % 10 == 0) {
            served->stream->send_end(random() % 2 == 0 ? Headers{} : Headers{{"a", "b"}});
            peer->server_ended = true;
          }
          break;
        case 9:
          if (served != nullptr && random() % 60 == 0) {
            served->stream->abort(ErrorCode::kInternalError);
            peer->server_ended = true;
          }
          break;
        case 10: {
          pair.client->take_output(to_server, 5000);
          const size_t piece = std::min(to_server.size(), random() % 30'000);
          pair.server->feed(to_server.substr(0, piece));
          to_server.erase(0, piece);
          break;
        }
        default: {
          pair.server->take_output(to_client, 5000);
          const size_t piece = std::min(to_client.size(), random() % 30'000);
          pair.client->feed(to_client.substr(0, piece));
          to_client.erase(0, piece);
        }
      }
    }
    for (const auto& served : pair.requests.served) {
      EXPECT_EQ(served->body, pattern(0, served->body.size()));
    }
    for (const auto& one : clients) {
      EXPECT_EQ(one->call.body, pattern(0, one->call.body.size()));
      if (one->call.ended) {
        EXPECT_EQ(one->call.body.size(), one->server_sent);
      }
    }
    EXPECT_FALSE(pair.server->finished()) << pair.server->why_finished().to_string();
    EXPECT_FALSE(pair.client->finished()) << pair.client->why_finished().to_string();
    // Give everything up, and nothing may be left.
    for (const auto& one : clients) {
      if (!one->call.over() && !one->given_up) one->call.stream->cancel();
    }
    pair.client->take_output(to_server, SIZE_MAX);
    pair.server->feed(to_server);
    pair.server->take_output(to_client, SIZE_MAX);
    pair.client->feed(to_client);
    pair.run();
    EXPECT_EQ(pair.server->active_streams(), 0u);
    EXPECT_EQ(pair.client->active_streams(), 0u);
    EXPECT_EQ(pair.requests.alive(), 0u);
  }
}

}  // namespace
}  // namespace gatehouse::http::testing
