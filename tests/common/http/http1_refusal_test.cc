// What a server refuses: malformed, ambiguous or too large requests. RFC 9112 sections 2, 3, 5, 6
// and 11.2 (request smuggling), and what is known from attacks on proxies that guess.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/http/http1.h"
#include "tests/common/http/recorder.h"
#include "tests/common/http/wire.h"

namespace gatehouse::http::testing {
namespace {

struct Refusal {
  const char* name;
  std::string request;
  int status;
};

std::string with_nul(std::string text) {
  for (char& c : text) {
    if (c == '@') c = '\0';
  }
  return text;
}

const Refusal kRefusals[] = {
    // Framing: who says two lengths is not believed at all.
    {"length and chunks",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     400},
    {"chunks and length",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
     "4\r\n\r\n0\r\n\r\n",
     400},
    {"two lengths",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400},
    {"the same length twice",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400},
    {"list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd", 400},
    {"negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
    {"signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd", 400},
    {"hex length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd", 400},
    {"empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
    {"spaced length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4 4\r\n\r\nabcd", 400},
    {"length beyond all numbers",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413},
    {"chunked twice",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     400},
    {"chunked, chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
    {"chunked, identity",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400},
    {"xchunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
    {"quoted chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 501},
    {"gzip, chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
    {"chunks in 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},

    // Lines.
    {"space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"spaced transfer-encoding",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
    {"no colon", "GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n", 400},
    {"no name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
    {"space in a name", "GET / HTTP/1.1\r\nHost: a\r\nX Y: x\r\n\r\n", 400},
    {"control in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\x01Y: x\r\n\r\n", 400},
    {"folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400},
    {"folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"line ends in LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"one line ends in LF", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
    {"line ends in CR", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400},
    {"CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n", 400},
    {"NUL in a value", with_nul("GET / HTTP/1.1\r\nHost: a\r\nX: 1@2\r\n\r\n"), 400},
    {"NUL in a name", with_nul("GET / HTTP/1.1\r\nHost: a\r\nX@: 1\r\n\r\n"), 400},
    {"NUL in the target", with_nul("GET /@ HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {"control in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\x01\r\n\r\n", 400},
    {"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},

    // Chunks.
    {"chunk size not hex",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
    {"negative chunk size",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
    {"0x chunk size",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n", 400},
    {"chunk size with a space before",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n", 400},
    {"chunk size beyond all numbers",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     "fffffffffffffffff\r\n",
     413},
    {"chunk longer than its size",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400},
    {"empty chunk size",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n", 400},
    {"chunk size ends in LF",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400},
    {"chunk extension hides a line",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n",
     400},
    {"chunk ends in LF",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n", 400},
    {"chunk size ends in CR",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\rXa\r\n0\r\n\r\n", 400},
    {"trailer ends in LF",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n", 400},
    {"chunks end in LF",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\n", 400},

    // Who is meant.
    {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},

    // What we do not do.
    {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"connect", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"lower case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"TLS", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03", 400},
    {"version 0.9", "GET / HTTP/0.9\r\n\r\n", 505},
    {"version 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"version 3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
    {"no version", "GET /\r\nHost: a\r\n\r\n", 505},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},

    // Too much of it.
    {"long target", "GET /" + std::string(200, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
    {"long value", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(300, 'x') + "\r\n\r\n", 431},
    {"long name", "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(300, 'x') + ": 1\r\n\r\n", 431},
    {"many fields", "GET / HTTP/1.1\r\nHost: a\r\na: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\n\r\n",
     431},
    {"long trailers",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " +
         std::string(300, 'x') + "\r\n\r\n",
     431},
    {"many trailers",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
     "a: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\nf: 1\r\n\r\n",
     431},
};

TEST(Http1Refusal, SaysWhyAndCloses) {
  for (const Refusal& refusal : kRefusals) {
    std::string first;
    for (uint64_t seed = 0; seed < 12; ++seed) {
      SCOPED_TRACE(std::string(refusal.name) + ", seed " + std::to_string(seed));
      TestHost host;
      TestServer requests;
      auto session = make_http1_server(
          host, requests, {.address = "test"},
          {.max_target_bytes = 100, .max_header_bytes = 200, .max_header_count = 5});
      // A request smuggled behind must never be seen.
      const std::string bytes = refusal.request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
      std::string response;
      Chunking chunking = seed == 0   ? Chunking::whole()
                          : seed == 1 ? Chunking::bytes(1)
                                      : Chunking::random(seed);
      chunking.feed(*session, bytes);
      response = take(*session);
      EXPECT_TRUE(response.starts_with("HTTP/1.1 " + std::to_string(refusal.status) + " "))
          << response;
      EXPECT_NE(response.find("\r\nConnection: close\r\n"), std::string::npos);
      EXPECT_EQ(response.find("\nHTTP/1.1 "), std::string::npos) << response;
      EXPECT_TRUE(session->finished());
      EXPECT_EQ(session->why_finished().code(), StatusCode::kInvalidArgument);
      for (const auto& served : requests.served) {
        EXPECT_NE(served->request.path, "/smuggled");
        EXPECT_FALSE(served->ended);
        EXPECT_TRUE(served->abort.has_value());
      }
      EXPECT_EQ(requests.alive(), 0u);
      if (seed == 0) first = response;
      EXPECT_EQ(response, first);
    }
  }
}

TEST(Http1Refusal, BrokenBodyBehindAStartedResponseOnlyCloses) {
  TestHost host;
  TestServer requests;
  requests.on_head = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body("so far");
  };
  auto session = make_http1_server(host, requests, {.address = "test"});
  session->feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(take(*session), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nso far\r\n");
  session->feed("zap\r\n");
  EXPECT_EQ(take(*session), "");
  EXPECT_TRUE(session->finished());
  EXPECT_TRUE(requests.served[0]->abort.has_value());
}

TEST(Http1Refusal, BrokenBodyBehindACompleteResponseKeepsIt) {
  TestHost host;
  TestServer requests;
  requests.on_head = [](Served& served) {
    served.stream->send_head(404, {});
    served.stream->send_end();
  };
  auto session = make_http1_server(host, requests, {.address = "test"});
  session->feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzap\r\n");
  EXPECT_EQ(take(*session),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(session->finished());
  EXPECT_FALSE(requests.served[0]->abort.has_value());
}

// Whatever comes, the session neither crashes nor answers a request that is not there.
TEST(Http1Refusal, RandomDamage) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::string good =
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
      "GET /b HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n";
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 3; ++i) {
      const size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1 + random() % 3);
          break;
        default:
          bytes.insert(at, 1, "\r\n:0; \t"[random() % 7]);
      }
    }
    TestHost host;
    TestServer requests;
    auto session = make_http1_server(host, requests, {.address = "test"});
    Chunking::random(random()).feed(*session, bytes);
    take(*session);
    session->peer_finished();
    take(*session);
    session->connection_lost(unavailable("over"));
    EXPECT_EQ(requests.alive(), 0u);
    EXPECT_LE(requests.served.size(), 3u);
  }
}

}  // namespace
}  // namespace gatehouse::http::testing
