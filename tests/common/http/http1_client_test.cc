#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/http/http1.h"
#include "tests/common/http/recorder.h"
#include "tests/common/http/wire.h"

namespace gatehouse::http::testing {
namespace {

struct Client {
  explicit Client(const Http1Options& options = {}) : session(make_http1_client(host, options)) {}

  void hear(std::string_view bytes, Chunking chunking = Chunking::whole()) {
    chunking.feed(*session, bytes);
  }

  TestHost host;
  std::unique_ptr<ClientSession> session;
};

TEST(Http1Client, Requests) {
  struct Case {
    const char* method;
    Headers headers;
    std::optional<std::string_view> body;
    std::string expected;
  };
  const Case cases[] = {
      {"GET",
       {{"accept", "*/*"}},
       std::nullopt,
       "GET /p?q HTTP/1.1\r\nHost: example.test\r\nAccept: */*\r\n\r\n"},
      {"POST",
       {},
       std::nullopt,
       "POST /p?q HTTP/1.1\r\nHost: example.test\r\nContent-Length: 0\r\n\r\n"},
      {"POST",
       {},
       "abc",
       "POST /p?q HTTP/1.1\r\nHost: example.test\r\nContent-Length: 3\r\n\r\nabc"},
      {"POST",
       {{"content-length", "3"}},
       "abc",
       "POST /p?q HTTP/1.1\r\nHost: example.test\r\nContent-Length: 3\r\n\r\nabc"},
      {"GET",
       {{"connection", "upgrade"}, {"transfer-encoding", "x"}, {"host", "evil"}},
       std::nullopt,
       "GET /p?q HTTP/1.1\r\nHost: example.test\r\n\r\n"},
  };
  for (const Case& one : cases) {
    Client client;
    TestCall call;
    ASSERT_TRUE(
        call.start(*client.session, request_head(one.method, "/p?q", one.headers), one.body));
    EXPECT_EQ(take(*client.session), one.expected);
    EXPECT_EQ(client.host.wakes, 1);
  }
}

TEST(Http1Client, BodyThatComesLaterIsChunked) {
  Client client;
  TestCall call;
  call.stream = client.session->open(request_head("PUT", "/"), false, call);
  EXPECT_EQ(take(*client.session),
            "PUT / HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n");
  call.stream->send_body("hello ");
  call.stream->send_body("world");
  EXPECT_EQ(take(*client.session), "b\r\nhello world\r\n");
  call.stream->send_end();
  EXPECT_EQ(take(*client.session), "0\r\n\r\n");
}

struct Response {
  const char* name;
  std::string_view bytes;
  int status;
  std::string_view body;
  std::string_view trailers;
  bool reusable;
};

constexpr Response kResponses[] = {
    {"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", "", true},
    {"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", "", true},
    {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200,
     "abc", "", true},
    {"trailers",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", 200,
     "abc", "x-sum: 1\n", true},
    {"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", "", true},
    {"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "", "", true},
    {"no phrase", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, "", "", true},
    {"informational",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
     200, "abc", "", true},
    {"close", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", 200, "abc",
     "", false},
    {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", "", false},
};

TEST(Http1Client, ReadsResponsesInEveryChunking) {
  for (const Response& one : kResponses) {
    for (uint64_t seed = 0; seed < 12; ++seed) {
      SCOPED_TRACE(std::string(one.name) + ", seed " + std::to_string(seed));
      Client client;
      TestCall call;
      ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
      EXPECT_FALSE(client.session->can_open());
      take(*client.session);
      client.hear(one.bytes, seed == 0   ? Chunking::whole()
                             : seed == 1 ? Chunking::bytes(1)
                                         : Chunking::random(seed));
      EXPECT_TRUE(call.ended);
      EXPECT_EQ(call.status, one.status);
      EXPECT_EQ(call.body, one.body);
      EXPECT_EQ(text_of(call.trailers), one.trailers);
      EXPECT_EQ(client.session->can_open(), one.reusable);
      EXPECT_EQ(client.session->finished(), !one.reusable);
      EXPECT_TRUE(client.session->why_finished().ok());
    }
  }
}

TEST(Http1Client, BodyUntilTheEnd) {
  Client client;
  TestCall call;
  ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
  take(*client.session);
  client.hear("HTTP/1.1 200 OK\r\n\r\nsome");
  client.hear(" bytes");
  EXPECT_FALSE(call.ended);
  client.session->peer_finished();
  EXPECT_TRUE(call.ended);
  EXPECT_EQ(call.body, "some bytes");
  EXPECT_TRUE(client.session->finished());
}

TEST(Http1Client, HeadHasNoBody) {
  Client client;
  TestCall call;
  ASSERT_TRUE(call.start(*client.session, request_head("HEAD", "/")));
  take(*client.session);
  client.hear("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_TRUE(call.ended);
  EXPECT_EQ(call.headers.get("content-length"), "1000");
  EXPECT_TRUE(client.session->can_open());
}

TEST(Http1Client, OneAfterTheOther) {
  Client client;
  TestCall first, second;
  first.when_end = [&](TestCall&) {  // from the last callback on, the next may start
    ASSERT_TRUE(second.start(*client.session, request_head("GET", "/2")));
  };
  ASSERT_TRUE(first.start(*client.session, request_head("GET", "/1")));
  TestCall refused;
  EXPECT_FALSE(refused.start(*client.session, request_head("GET", "/3")));
  take(*client.session);
  client.hear("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
  EXPECT_EQ(take(*client.session), "GET /2 HTTP/1.1\r\nHost: example.test\r\n\r\n");
  client.hear("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
  EXPECT_EQ(second.body, "2");
}

TEST(Http1Client, AnswerBeforeTheRequestIsOut) {
  Client client;
  TestCall call;
  call.stream = client.session->open(request_head("PUT", "/"), false, call);
  call.stream->send_body("part");
  take(*client.session);
  client.hear("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(call.ended);
  EXPECT_EQ(call.status, 413);
  EXPECT_TRUE(client.session->finished()) << "what follows would be taken for the body's rest";
}

TEST(Http1Client, BrokenResponses) {
  const std::string cases[] = {
      "nonsense\r\n\r\n",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/1.1 999999 OK\r\n\r\n",
      "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'x') + "\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  };
  for (const std::string& bytes : cases) {
    SCOPED_TRACE(bytes.substr(0, 80));
    Client client;
    TestCall call;
    ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
    take(*client.session);
    client.hear(bytes);
    EXPECT_TRUE(client.session->finished());
    ASSERT_TRUE(call.abort.has_value());
    EXPECT_FALSE(call.abort->surely_not_processed);
    EXPECT_EQ(call.abort->status.code(), StatusCode::kInternal);
  }
}

TEST(Http1Client, LostConnections) {
  {  // before anything left
    Client client;
    TestCall call;
    ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
    client.session->connection_lost(unavailable("no route"));
    ASSERT_TRUE(call.abort.has_value());
    EXPECT_TRUE(call.abort->surely_not_processed);
    EXPECT_EQ(call.abort->status, unavailable("no route"));
  }
  {  // after
    Client client;
    TestCall call;
    ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
    take(*client.session);
    client.session->peer_finished();
    ASSERT_TRUE(call.abort.has_value());
    EXPECT_FALSE(call.abort->surely_not_processed);
    EXPECT_TRUE(client.session->finished());
  }
  {  // within a body of known length
    Client client;
    TestCall call;
    ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
    take(*client.session);
    client.hear("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    client.session->peer_finished();
    EXPECT_FALSE(call.ended);
    EXPECT_TRUE(call.abort.has_value());
  }
  {  // idle
    Client client;
    client.session->peer_finished();
    EXPECT_TRUE(client.session->finished());
    EXPECT_FALSE(client.session->can_open());
    EXPECT_TRUE(client.session->closing());
  }
  {  // an answer nobody asked for
    Client client;
    client.hear("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(client.session->finished());
  }
}

TEST(Http1Client, Cancel) {
  {  // before anything left it never was
    Client client;
    TestCall call;
    ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
    call.stream->cancel();
    EXPECT_EQ(take(*client.session), "");
    EXPECT_TRUE(client.session->can_open());
    EXPECT_FALSE(call.over());
  }
  {  // after, the connection is of no use
    Client client;
    TestCall call;
    ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
    take(*client.session);
    call.stream->cancel();
    take(*client.session);
    EXPECT_TRUE(client.session->finished());
    EXPECT_FALSE(call.over());
  }
  {  // in a callback
    Client client;
    TestCall call;
    call.when_head = [](TestCall& self) { self.stream->cancel(); };
    ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
    take(*client.session);
    client.hear("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    take(*client.session);
    EXPECT_TRUE(client.session->finished());
    EXPECT_EQ(call.body, "");
    EXPECT_FALSE(call.over());
  }
}

TEST(Http1Client, RequestLinesCannotBeBroken) {
  for (const char* path : {"", "/a b", "/a\r\nX: y", "/\x7f"}) {
    Client client;
    TestCall call;
    ASSERT_TRUE(call.start(*client.session, request_head("GET", path)));
    EXPECT_FALSE(call.over()) << "not from within open()";
    EXPECT_EQ(take(*client.session), "");
    ASSERT_TRUE(call.abort.has_value());
    EXPECT_TRUE(call.abort->surely_not_processed);
    EXPECT_EQ(call.abort->status.code(), StatusCode::kInvalidArgument);
    EXPECT_TRUE(client.session->can_open());
  }
}

TEST(Http1Client, Drain) {
  Client client;
  TestCall call;
  ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
  take(*client.session);
  client.session->drain();
  EXPECT_FALSE(client.session->can_open());
  EXPECT_FALSE(client.session->finished());
  client.hear("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(call.ended);
  take(*client.session);
  EXPECT_TRUE(client.session->finished());
  EXPECT_TRUE(client.session->why_finished().ok());
}

TEST(Http1Client, PausesForAHandlerThatDoesNotRead) {
  Client client({.max_unread_bytes = 10});
  TestCall call;
  call.consume = false;
  ASSERT_TRUE(call.start(*client.session, request_head("GET", "/")));
  take(*client.session);
  client.hear("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n12345678901");
  EXPECT_EQ(take(*client.session), "");
  EXPECT_TRUE(client.session->wants_pause());
  client.host.wakes = 0;
  call.stream->consumed(11);
  EXPECT_FALSE(client.session->wants_pause());
  EXPECT_GT(client.host.wakes, 0);
}

// Both ends of this room, one exchange after the other over one connection.
TEST(Http1Pair, EchoesInEveryChunking) {
  for (uint64_t seed = 1; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    TestHost host;
    TestServer requests;
    auto server = make_http1_server(host, requests, {.address = "memory"});
    auto client = make_http1_client(host);
    for (int i = 0; i < 20; ++i) {
      const std::string body(random() % 200000, static_cast<char>('a' + i));
      TestCall call;
      call.stream = client->open(request_head("POST", "/"), false, call);
      ASSERT_NE(call.stream, nullptr);
      const bool at_once = random() % 2 == 0;
      call.stream->send_body(body.substr(0, body.size() / 2));
      if (!at_once) {
        ASSERT_TRUE(exchange_all(*client, *server, Chunking::random(random() | 1), 16384));
      }
      call.stream->send_body(body.substr(body.size() / 2));
      call.stream->send_end();
      ASSERT_TRUE(exchange_all(*client, *server, Chunking::random(random() | 1), 16384));
      ASSERT_TRUE(call.ended);
      EXPECT_EQ(call.body, body);
    }
  }
}

}  // namespace
}  // namespace gatehouse::http::testing
