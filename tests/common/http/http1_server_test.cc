#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/http/http1.h"
#include "tests/common/http/recorder.h"
#include "tests/common/http/wire.h"

namespace gatehouse::http::testing {
namespace {

// A server session, its handlers, and what it said so far.
struct Server {
  explicit Server(const Http1Options& options = {}, bool tls = false)
      : session(make_http1_server(host, requests, {.address = "test", .tls = tls}, options)) {}

  std::string say(std::string_view bytes, Chunking chunking = Chunking::whole()) {
    chunking.feed(*session, bytes);
    return take(*session);
  }

  TestHost host;
  TestServer requests;
  std::unique_ptr<Session> session;
};

// Feeds in pieces and takes output after each, as a driver does.
std::string converse(Session& session, std::string_view bytes, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out;
  while (!bytes.empty()) {
    const size_t count = seed == 1 ? 1 : std::min<size_t>(bytes.size(), 1 + random() % 40);
    const std::string chunk(bytes.substr(0, count));
    session.feed(chunk);
    session.take_output(out, SIZE_MAX);
    bytes.remove_prefix(count);
  }
  session.take_output(out, SIZE_MAX);
  return out;
}

struct Case {
  const char* name;
  std::string_view request;
  std::string_view response;
  bool closes;
};

// The default handler echoes the body as text/plain.
constexpr Case kCases[] = {
    {"get", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", false},
    {"post", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello", false},
    {"chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     "4\r\nwiki\r\n6;x=\"y\"\r\npedia!\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nwikipedia!", false},
    {"chunked with trailers",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
     "A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n0123456789", false},
    {"head", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", false},
    {"close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: "
     "close\r\n\r\n",
     true},
    {"1.0", "GET / HTTP/1.0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: "
     "close\r\n\r\n",
     true},
    {"1.0 kept alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: "
     "keep-alive\r\n\r\n",
     false},
    {"upgrade is ignored",
     "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
     "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", false},
    {"upgrade with a body is ignored",
     "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: "
     "2\r\n\r\nok",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok", false},
    {"empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", false},
    {"three in one packet",
     "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
     "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
     "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n3\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n1"
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n3",
     false},
    {"nothing after close",
     "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: "
     "close\r\n\r\n",
     true},
};

TEST(Http1Server, AnswersInEveryChunking) {
  for (const Case& one : kCases) {
    for (uint64_t seed = 0; seed < 12; ++seed) {
      SCOPED_TRACE(std::string(one.name) + ", seed " + std::to_string(seed));
      Server server;
      const std::string response =
          seed == 0 ? server.say(one.request) : converse(*server.session, one.request, seed);
      EXPECT_EQ(response, one.response);
      EXPECT_EQ(server.session->finished(), one.closes);
      EXPECT_TRUE(server.session->why_finished().ok());
      EXPECT_EQ(server.session->active_streams(), 0u);
      EXPECT_EQ(server.requests.alive(), 0u);
    }
  }
}

TEST(Http1Server, TellsTheRequestAsItCame) {
  Server server({}, /*tls=*/true);
  server.say(
      "PUT /v3/kv/range?x=%201 HTTP/1.1\r\nHost: etcd.example:2379\r\nX-Thing:  a b \t\r\n"
      "AUTHORIZATION: t\r\nx-thing:\r\nContent-Length: 0\r\n\r\n");
  ASSERT_EQ(server.requests.served.size(), 1u);
  const RequestHead& head = server.requests.served[0]->request;
  EXPECT_EQ(head.method, "PUT");
  EXPECT_EQ(head.path, "/v3/kv/range?x=%201");
  EXPECT_EQ(head.scheme, "https");
  EXPECT_EQ(head.authority, "etcd.example:2379");
  EXPECT_EQ(text_of(head.headers),
            "x-thing: a b\nauthorization: t\nx-thing: \ncontent-length: 0\n");
}

TEST(Http1Server, AbsoluteTargetNamesTheAuthority) {
  Server server;
  server.say(
      "GET HTTP://real.test:1/a?b HTTP/1.1\r\nHost: other\r\n\r\n"
      "GET http://real.test HTTP/1.1\r\nHost: other\r\n\r\n"
      "GET http://real.test?q HTTP/1.1\r\nHost: other\r\n\r\n"
      "OPTIONS * HTTP/1.1\r\nHost: other\r\n\r\n");
  ASSERT_EQ(server.requests.served.size(), 4u);
  EXPECT_EQ(server.requests.served[0]->request.authority, "real.test:1");
  EXPECT_EQ(server.requests.served[0]->request.path, "/a?b");
  EXPECT_EQ(server.requests.served[1]->request.path, "/");
  EXPECT_EQ(server.requests.served[2]->request.path, "/?q");
  EXPECT_EQ(server.requests.served[3]->request.path, "*");
  EXPECT_EQ(server.requests.served[3]->request.authority, "other");
}

TEST(Http1Server, TrailersOfTheRequest) {
  Server server;
  server.say(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\nx\r\n0\r\nX-Sum: 12 \r\nX-Empty:\r\n\r\n");
  ASSERT_EQ(server.requests.served.size(), 1u);
  EXPECT_EQ(text_of(server.requests.served[0]->trailers), "x-sum: 12\nx-empty: \n");
}

TEST(Http1Server, ChunksWhereTheEndComesLater) {
  Server server;
  server.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body("first");
  };
  EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  ServerStream& stream = *server.requests.served[0]->stream;
  stream.send_body("a");
  stream.send_body("bc");
  EXPECT_EQ(take(*server.session), "3\r\nabc\r\n");
  EXPECT_EQ(take(*server.session), "");
  stream.send_end({{"grpc-status", "0"}});
  EXPECT_EQ(take(*server.session), "0\r\nGrpc-Status: 0\r\n\r\n");
  EXPECT_EQ(server.session->active_streams(), 0u);
  EXPECT_FALSE(server.session->finished());
}

TEST(Http1Server, TrailersOnlyWhereAskedFor) {
  Server server;
  server.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body("x");
    served.stream->send_end({{"sum", "1"}});
  };
  EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers, deflate\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 1\r\n\r\n");
}

TEST(Http1Server, BodyOfUnknownLengthEndsAnOldConnection) {
  Server server;
  server.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body("abc");
  };
  EXPECT_EQ(server.say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
  server.requests.served[0]->stream->send_body("def");
  server.requests.served[0]->stream->send_end();
  EXPECT_EQ(take(*server.session), "def");
  EXPECT_TRUE(server.session->finished());
}

TEST(Http1Server, LengthGivenByTheHandler) {
  struct Given {
    const char* length;
    std::string body;
    std::string response;
    bool closes;
  };
  const Given cases[] = {
      {"3", "abc", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false},
      // More would be read as the next response, less would leave the client waiting.
      {"3", "abcdef", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", true},
      {"5", "abc", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", true},
      {"abc", "abc", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false},
  };
  for (const Given& given : cases) {
    SCOPED_TRACE(given.response);
    Server server;
    server.requests.on_end = [&](Served& served) {
      served.stream->send_head(200, {{"content-length", given.length}});
      served.stream->send_body(given.body);
      served.stream->send_end();
    };
    EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), given.response);
    EXPECT_EQ(server.session->finished(), given.closes);
  }
}

TEST(Http1Server, StatusesWithoutBody) {
  Server server;
  int status = 204;
  server.requests.on_end = [&](Served& served) {
    served.stream->send_head(status, {{"content-length", "3"}, {"etag", "x"}});
    served.stream->send_body("abc");
    served.stream->send_end();
  };
  EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 204 No Content\r\nEtag: x\r\n\r\n");
  status = 304;
  EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\nEtag: x\r\n\r\n");
  status = 200;
  EXPECT_EQ(server.say("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nEtag: x\r\n\r\n");
  EXPECT_FALSE(server.session->finished());
}

TEST(Http1Server, FieldsOfAHandlerCannotBreakTheLines) {
  Server server;
  server.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {{"x-a", std::string_view("1\r\nset-cookie: evil\0", 20)},
                                   {"bad name", "x"},
                                   {"bad:name", "x"},
                                   {"", "x"},
                                   {"transfer-encoding", "gzip"},
                                   {"connection", "close"}});
    served.stream->send_end();
  };
  EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nX-A: 1  set-cookie: evil \r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n");
  EXPECT_TRUE(server.session->finished());
}

TEST(Http1Server, ContinuesWhenTheHandlerReadsOn) {
  Server server;
  EXPECT_EQ(server.say("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
                       "Content-Length: 2\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(server.say("ok"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_FALSE(server.session->finished());
  // With its body at once, or without one, nobody waits.
  EXPECT_EQ(server.say("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                       "Content-Length: 2\r\n\r\nok"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
}

TEST(Http1Server, AnswerInsteadOfContinueCloses) {
  Server server;
  server.requests.on_head = [](Served& served) {
    served.stream->send_head(403, {});
    served.stream->send_end();
  };
  EXPECT_EQ(server.say("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                       "Content-Length: 2\r\n\r\n"),
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(server.session->finished());
}

TEST(Http1Server, OtherExpectationsFail) {
  Server server;
  EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\nExpect: gold\r\n\r\n"),
            "HTTP/1.1 417 Expectation Failed\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 34\r\nConnection: close\r\n\r\nonly 100-continue can be expected\n");
  EXPECT_TRUE(server.requests.served.empty());
}

TEST(Http1Server, PipelinedRequestsWaitForTheirTurn) {
  Server server({.max_unread_bytes = 100});
  server.requests.on_end = nullptr;
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(server.say(request + request + request), "");
  EXPECT_EQ(server.requests.served.size(), 1u);
  EXPECT_FALSE(server.session->wants_pause());
  for (int i = 0; i < 4; ++i) server.say(request);
  EXPECT_EQ(server.requests.served.size(), 1u);
  EXPECT_TRUE(server.session->wants_pause());

  std::string all;
  for (int i = 0; i < 7; ++i) {
    ASSERT_EQ(server.requests.served.size(), i + 1u);
    server.host.wakes = 0;
    server.requests.served[i]->body = std::to_string(i);
    TestServer::echo(*server.requests.served[i]);
    EXPECT_EQ(server.host.wakes, 1);
    all += take(*server.session);
  }
  EXPECT_FALSE(server.session->wants_pause());
  for (int i = 0; i < 7; ++i) {
    const std::string body = "\r\n\r\n" + std::to_string(i);
    ASSERT_NE(all.find(body), std::string::npos);
    all = all.substr(all.find(body) + body.size());
  }
}

TEST(Http1Server, MalformedRequestBehindAnother) {
  Server server;
  server.requests.on_end = nullptr;
  server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\nBAD\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_FALSE(server.session->finished());
  TestServer::echo(*server.requests.served[0]);
  const std::string answer = take(*server.session);
  EXPECT_TRUE(answer.starts_with(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\nHTTP/1.1 "))
      << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(server.session->finished());
  EXPECT_EQ(server.requests.served.size(), 1u);
}

TEST(Http1Server, PausesForAHandlerThatDoesNotRead) {
  Server server({.max_unread_bytes = 1000});
  server.requests.consume = false;
  server.requests.on_end = nullptr;
  server.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n" + std::string(1000, 'x'));
  EXPECT_FALSE(server.session->wants_pause());
  server.say("x");
  EXPECT_TRUE(server.session->wants_pause());
  server.host.wakes = 0;
  server.requests.served[0]->stream->consumed(1);
  EXPECT_FALSE(server.session->wants_pause());
  EXPECT_EQ(server.host.wakes, 1);
}

TEST(Http1Server, BudgetAndWritable) {
  Server server;
  const std::string big(300 * 1024, 'b');
  server.requests.on_end = [&](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body(big);
    EXPECT_EQ(served.stream->unsent(), big.size());
  };
  server.session->feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string body;
  while (server.requests.served[0]->writable == 0) {
    const std::string out = take(*server.session, 50000);
    ASSERT_FALSE(out.empty());
    EXPECT_LT(out.size(), 50100u);
    body += out;
  }
  EXPECT_LE(server.requests.served[0]->stream->unsent(), ServerStream::kLowWater);
  EXPECT_GT(body.size(), big.size() - ServerStream::kLowWater - 50000);
  server.requests.served[0]->stream->send_end();
  while (server.session->active_streams() > 0) body += take(*server.session, 50000);
  EXPECT_EQ(std::count(body.begin(), body.end(), 'b'), static_cast<long>(big.size() + 2 * 0));
  EXPECT_EQ(server.requests.served[0]->writable, 1);
}

TEST(Http1Server, RestOfARequestNobodyReads) {
  Server server;
  server.requests.on_end = nullptr;
  server.requests.on_head = [](Served& served) {
    served.stream->send_head(404, {});
    served.stream->send_end();
  };
  // A little is read for the sake of the connection.
  EXPECT_EQ(server.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc"),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(server.requests.served[0]->body, "");
  EXPECT_EQ(server.requests.alive(), 0u);
  EXPECT_FALSE(server.session->finished());
  for (int i = 0; i < 30 && !server.session->finished(); ++i) server.say(std::string(10000, 'x'));
  EXPECT_TRUE(server.session->finished());
}

TEST(Http1Server, AbortClosesWithoutAWord) {
  Server server;
  server.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->abort(ErrorCode::kInternalError);
    served.stream->send_body("never");
  };
  EXPECT_EQ(server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
  EXPECT_TRUE(server.session->finished());
  EXPECT_FALSE(server.requests.served[0]->abort.has_value());
  EXPECT_EQ(server.requests.alive(), 0u);
}

TEST(Http1Server, LostConnectionAborts) {
  Server server;
  server.requests.on_end = nullptr;
  server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  server.session->connection_lost(unavailable("reset by peer"));
  EXPECT_TRUE(server.session->finished());
  ASSERT_TRUE(server.requests.served[0]->abort.has_value());
  EXPECT_EQ(server.requests.served[0]->abort->status, unavailable("reset by peer"));
  EXPECT_FALSE(server.requests.served[0]->abort->by_peer_reset);
  EXPECT_EQ(server.requests.alive(), 0u);
}

TEST(Http1Server, PeerThatFinishesItsDirection) {
  {  // idle: all is well
    Server server;
    server.session->peer_finished();
    take(*server.session);
    EXPECT_TRUE(server.session->finished());
    EXPECT_TRUE(server.session->why_finished().ok());
  }
  {  // within a head
    Server server;
    server.say("GET / HT");
    server.session->peer_finished();
    take(*server.session);
    EXPECT_TRUE(server.session->finished());
    EXPECT_FALSE(server.session->why_finished().ok());
  }
  {  // within a body
    Server server;
    server.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc");
    server.session->peer_finished();
    EXPECT_TRUE(server.session->finished());
    ASSERT_TRUE(server.requests.served[0]->abort.has_value());
  }
  {  // after a request: it is answered, as are those behind it
    Server server;
    server.requests.on_end = nullptr;
    server.say("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    server.session->peer_finished();
    take(*server.session);
    EXPECT_FALSE(server.session->finished());
    TestServer::echo(*server.requests.served[0]);
    EXPECT_NE(take(*server.session), "");
    ASSERT_EQ(server.requests.served.size(), 2u);
    TestServer::echo(*server.requests.served[1]);
    EXPECT_NE(take(*server.session), "");
    EXPECT_TRUE(server.session->finished());
    EXPECT_TRUE(server.session->why_finished().ok());
  }
  {  // within an endless response: gone
    Server server;
    server.requests.on_end = [](Served& served) {
      served.stream->send_head(200, {});
      served.stream->send_body("event");
    };
    server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    server.session->peer_finished();
    EXPECT_TRUE(server.session->finished());
    EXPECT_TRUE(server.requests.served[0]->abort.has_value());
  }
}

TEST(Http1Server, Drain) {
  {  // idle: at once
    Server server;
    server.session->drain();
    EXPECT_TRUE(server.session->finished());
    EXPECT_TRUE(server.session->why_finished().ok());
  }
  {  // under way: answered, with the announcement
    Server server;
    server.requests.on_end = nullptr;
    server.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    server.session->drain();
    EXPECT_FALSE(server.session->finished());
    TestServer::echo(*server.requests.served[0]);
    EXPECT_NE(take(*server.session).find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_TRUE(server.session->finished());
    EXPECT_TRUE(server.session->why_finished().ok());
  }
  {  // a head on its way is waited for
    Server server;
    server.say("GET / HTTP/1.1\r\nHo");
    server.session->drain();
    EXPECT_FALSE(server.session->finished());
    EXPECT_NE(server.say("st: a\r\n\r\n").find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_TRUE(server.session->finished());
  }
}

TEST(Http1Server, HandlersOutliveNoSession) {
  TestHost host;
  TestServer requests;
  requests.on_end = nullptr;
  auto session = make_http1_server(host, requests, {.address = "test"});
  session->feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(requests.alive(), 1u);
  session.reset();
  EXPECT_EQ(requests.alive(), 0u);
  EXPECT_FALSE(requests.served[0]->abort.has_value());
}

}  // namespace
}  // namespace gatehouse::http::testing
