// A client session against a server session, both of this room.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/common/http/http2_pair.h"

namespace gatehouse::http::testing {
namespace {

const Headers kGrpcHead{{"content-type", "application/grpc"}, {"te", "trailers"}};

TEST(Http2Exchange, RequestAndResponseInEveryChunking) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Pair pair;
    pair.requests.on_end = [](Served& served) {
      served.stream->send_head(200, {{"content-type", "application/grpc"}});
      served.stream->send_body(served.body);
      served.stream->send_end({{"grpc-status", "0"}, {"grpc-message", ""}});
    };
    const Chunking chunking = seed == 0   ? Chunking::whole()
                              : seed == 1 ? Chunking::bytes(1)
                                          : Chunking::random(seed);
    std::vector<std::unique_ptr<TestCall>> calls;
    for (int i = 0; i < 5; ++i) {
      calls.push_back(std::make_unique<TestCall>());
      ASSERT_TRUE(calls.back()->start(*pair.client, request_head("POST", "/s/m", kGrpcHead),
                                      std::string(i * 20000, static_cast<char>('a' + i))));
    }
    ASSERT_TRUE(exchange_all(*pair.client, *pair.server, chunking, 4096));
    ASSERT_EQ(pair.requests.served.size(), 5u);
    for (int i = 0; i < 5; ++i) {
      const Served& served = *pair.requests.served[i];
      EXPECT_EQ(served.request.method, "POST");
      EXPECT_EQ(served.request.path, "/s/m");
      EXPECT_EQ(served.request.scheme, "http");
      EXPECT_EQ(served.request.authority, "example.test");
      EXPECT_EQ(text_of(served.request.headers), text_of(kGrpcHead));
      EXPECT_TRUE(served.trailers.empty());
      EXPECT_FALSE(served.abort.has_value());
      EXPECT_EQ(calls[i]->status, 200);
      EXPECT_EQ(text_of(calls[i]->headers), "content-type: application/grpc\n");
      EXPECT_EQ(calls[i]->body, std::string(i * 20000, static_cast<char>('a' + i)));
      EXPECT_EQ(text_of(calls[i]->trailers), "grpc-status: 0\ngrpc-message: \n");
      EXPECT_TRUE(calls[i]->ended);
    }
    EXPECT_EQ(pair.requests.alive(), 0u);
    EXPECT_EQ(pair.server->active_streams(), 0u);
    EXPECT_EQ(pair.client->active_streams(), 0u);
  }
}

TEST(Http2Exchange, ASmallResponseIsThreeFramesOfOneOutput) {
  Pair pair;
  pair.settle();
  pair.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body("ab");
    served.stream->send_body("c");
    served.stream->send_end({{"grpc-status", "0"}});
  };
  TestCall call;
  ASSERT_TRUE(call.start(*pair.client, request_head("POST", "/"), "x"));
  pair.to_server();
  EXPECT_EQ(describe(pair.from_server()), "HEADERS 1\nDATA 1 3 bytes\nHEADERS 1 END_STREAM\n");
  EXPECT_TRUE(call.ended);
}

TEST(Http2Exchange, ShapesOfResponses) {
  struct Case {
    const char* name;
    std::function<void(ServerStream&)> respond;
    std::string frames;
  };
  const Case cases[] = {
      {"head and end: one frame",
       [](ServerStream& s) {
         s.send_head(200, {{"grpc-status", "5"}});
         s.send_end();
       },
       "HEADERS 1 END_STREAM\n"},
      {"head and trailers",
       [](ServerStream& s) {
         s.send_head(200, {});
         s.send_end({{"grpc-status", "5"}});
       },
       "HEADERS 1\nHEADERS 1 END_STREAM\n"},
      {"body without trailers",
       [](ServerStream& s) {
         s.send_head(200, {});
         s.send_body("abc");
         s.send_end();
       },
       "HEADERS 1\nDATA 1 3 bytes END_STREAM\n"},
      {"empty pieces are nothing",
       [](ServerStream& s) {
         s.send_head(200, {});
         s.send_body("");
         s.send_end();
       },
       "HEADERS 1 END_STREAM\n"},
      {"calls after the end do nothing",
       [](ServerStream& s) {
         s.send_head(200, {});
         s.send_end();
         s.send_head(500, {});
         s.send_body("abc");
         s.send_end({{"a", "b"}});
         s.abort(ErrorCode::kNoError);
         EXPECT_EQ(s.unsent(), 0u);
       },
       "HEADERS 1 END_STREAM\n"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Pair pair;
    pair.settle();
    pair.requests.on_end = [&](Served& served) { one.respond(*served.stream); };
    TestCall call;
    ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
    pair.to_server();
    EXPECT_EQ(describe(pair.from_server()), one.frames);
    EXPECT_TRUE(call.ended);
  }
}

TEST(Http2Exchange, PiecesOfLaterTurns) {
  Pair pair;
  pair.settle();
  pair.requests.on_end = nullptr;
  TestCall call;
  ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
  pair.to_server();
  EXPECT_EQ(describe(pair.from_server()), "");
  ServerStream& stream = *pair.requests.served[0]->stream;
  pair.host.wakes = 0;
  stream.send_head(200, {});
  EXPECT_EQ(pair.host.wakes, 1);
  EXPECT_EQ(describe(pair.from_server()), "HEADERS 1\n");
  EXPECT_EQ(call.status, 200);
  for (int i = 0; i < 3; ++i) {
    stream.send_body("event");
    EXPECT_EQ(describe(pair.from_server()), "DATA 1 5 bytes\n");
  }
  EXPECT_EQ(pair.host.wakes, 4);
  EXPECT_EQ(call.body, "eventeventevent");
  stream.send_end({{"grpc-status", "0"}});
  // No empty DATA before the trailers: peers count those.
  EXPECT_EQ(describe(pair.from_server()), "HEADERS 1 END_STREAM\n");
  EXPECT_TRUE(call.ended);
  EXPECT_EQ(pair.requests.alive(), 0u);
}

TEST(Http2Exchange, EndWithoutTrailersInALaterTurn) {
  Pair pair;
  pair.settle();
  pair.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {});
    served.stream->send_body("x");
  };
  TestCall call;
  ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
  pair.to_server();
  EXPECT_EQ(describe(pair.from_server()), "HEADERS 1\nDATA 1 1 bytes\n");
  pair.requests.served[0]->stream->send_end();
  EXPECT_EQ(describe(pair.from_server()), "DATA 1 0 bytes END_STREAM\n");
  EXPECT_TRUE(call.ended);
}

TEST(Http2Exchange, NoBodyWhereThereIsNone) {
  for (const auto& [method, status] :
       {std::pair{"HEAD", 200}, std::pair{"GET", 204}, std::pair{"GET", 304}}) {
    Pair pair;
    pair.settle();
    pair.requests.on_end = [status = status](Served& served) {
      served.stream->send_head(status, {});
      served.stream->send_body("abc");
      served.stream->send_end();
    };
    TestCall call;
    ASSERT_TRUE(call.start(*pair.client, request_head(method, "/")));
    pair.to_server();
    EXPECT_EQ(describe(pair.from_server()), "HEADERS 1 END_STREAM\n");
    EXPECT_EQ(call.status, status);
  }
}

TEST(Http2Exchange, FieldsOfHttp1AreLeftOut) {
  Pair pair;
  pair.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {{"connection", "close"},
                                   {"transfer-encoding", "chunked"},
                                   {"keep-alive", "1"},
                                   {"upgrade", "x"},
                                   {"proxy-connection", "x"},
                                   {"x", "y"}});
    served.stream->send_end();
  };
  TestCall call;
  ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/", {{"connection", "x"}})));
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_EQ(text_of(call.headers), "x: y\n");
}

TEST(Http2Exchange, AThousandStreamsAtOnce) {
  Pair pair({}, {.initial_max_concurrent_streams = 1});
  EXPECT_TRUE(pair.client->can_open());
  pair.settle();
  pair.requests.on_end = nullptr;
  std::vector<std::unique_ptr<TestCall>> calls;
  for (int i = 0; i < 1000; ++i) {
    calls.push_back(std::make_unique<TestCall>());
    ASSERT_TRUE(calls.back()->start(*pair.client, request_head("POST", "/" + std::to_string(i)),
                                    std::to_string(i)));
  }
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_EQ(pair.server->active_streams(), 1000u);
  EXPECT_EQ(pair.client->active_streams(), 1000u);
  std::vector<Served*> order;
  for (const auto& served : pair.requests.served) order.push_back(served.get());
  std::shuffle(order.begin(), order.end(), std::mt19937_64(7));
  for (Served* served : order) TestServer::echo(*served);
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server, Chunking::random(3)));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(calls[i]->body, std::to_string(i));
  EXPECT_EQ(pair.requests.alive(), 0u);
  // And over again, on what the pools kept.
  pair.requests.on_end = TestServer::echo;
  for (int i = 0; i < 1000; ++i) {
    calls[i] = std::make_unique<TestCall>();
    ASSERT_TRUE(calls[i]->start(*pair.client, request_head("POST", "/"), std::to_string(i)));
  }
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(calls[i]->body, std::to_string(i));
}

TEST(Http2Exchange, ClientKeepsToTheServersLimit) {
  Pair pair({.max_concurrent_streams = 2});
  pair.settle();
  pair.requests.on_end = nullptr;
  TestCall calls[3];
  EXPECT_TRUE(calls[0].start(*pair.client, request_head("GET", "/")));
  EXPECT_TRUE(calls[1].start(*pair.client, request_head("GET", "/")));
  EXPECT_FALSE(pair.client->can_open());
  EXPECT_FALSE(pair.client->closing()) << "full, not over";
  EXPECT_FALSE(calls[2].start(*pair.client, request_head("GET", "/")));
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  TestServer::echo(*pair.requests.served[0]);
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_TRUE(calls[2].start(*pair.client, request_head("GET", "/")));
}

TEST(Http2Exchange, StreamsBeforeTheLimitWasKnownAreRefusedUnprocessed) {
  Pair pair({.max_concurrent_streams = 1});
  pair.requests.on_end = nullptr;
  TestCall calls[3];
  for (TestCall& call : calls) EXPECT_TRUE(call.start(*pair.client, request_head("GET", "/")));
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_FALSE(calls[0].over());
  for (int i = 1; i < 3; ++i) {
    ASSERT_TRUE(calls[i].abort.has_value());
    EXPECT_EQ(calls[i].abort->code, ErrorCode::kRefusedStream);
    EXPECT_TRUE(calls[i].abort->by_peer_reset);
    EXPECT_TRUE(calls[i].abort->surely_not_processed);
    EXPECT_EQ(calls[i].abort->status, unavailable("stream reset by the server: REFUSED_STREAM"));
  }
}

TEST(Http2Exchange, EarlyResponseEndsTheUpload) {
  Pair pair;
  pair.settle();
  pair.requests.on_head = [](Served& served) {
    served.stream->send_head(413, {});
    served.stream->send_end();
  };
  TestCall call;
  call.stream = pair.client->open(request_head("POST", "/"), false, call);
  call.stream->send_body(std::string(1000, 'x'));
  pair.to_server();
  EXPECT_EQ(describe(pair.from_server()), "HEADERS 1 END_STREAM\nRST_STREAM 1 NO_ERROR\n");
  EXPECT_EQ(pair.requests.served[0]->body, "") << "nobody listens after the end";
  EXPECT_FALSE(pair.requests.served[0]->abort.has_value());
  EXPECT_EQ(pair.requests.alive(), 0u);
  EXPECT_TRUE(call.ended);
  EXPECT_EQ(call.status, 413);
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_EQ(pair.client->active_streams(), 0u);
  EXPECT_EQ(pair.server->active_streams(), 0u);
}

TEST(Http2Exchange, ResetByTheClientMidBody) {
  Pair pair;
  TestCall call;
  call.stream = pair.client->open(request_head("POST", "/"), false, call);
  call.stream->send_body("part");
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_EQ(pair.requests.served[0]->body, "part");
  call.stream->cancel(ErrorCode::kEnhanceYourCalm);
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_FALSE(call.over()) << "no callback after cancel";
  const Served& served = *pair.requests.served[0];
  ASSERT_TRUE(served.abort.has_value());
  EXPECT_TRUE(served.abort->by_peer_reset);
  EXPECT_EQ(served.abort->code, ErrorCode::kEnhanceYourCalm);
  EXPECT_EQ(served.abort->status.message(), "stream reset by the client: ENHANCE_YOUR_CALM");
  EXPECT_EQ(served.stream, nullptr);
  EXPECT_EQ(pair.client->active_streams(), 0u);
  EXPECT_EQ(pair.server->active_streams(), 0u);
}

TEST(Http2Exchange, ResetByTheServerMidBody) {
  Pair pair;
  pair.requests.on_end = nullptr;
  pair.requests.on_body = [](Served& served) {
    if (!served.stream) return;
    served.stream->send_head(200, {});
    served.stream->send_body("part");
  };
  TestCall call;
  call.stream = pair.client->open(request_head("POST", "/"), false, call);
  call.stream->send_body("x");
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_EQ(call.body, "part");
  pair.requests.served[0]->stream->abort(ErrorCode::kInternalError);
  pair.requests.served[0]->stream->send_body("never");
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_FALSE(pair.requests.served[0]->abort.has_value());
  EXPECT_EQ(pair.requests.alive(), 0u);
  ASSERT_TRUE(call.abort.has_value());
  EXPECT_TRUE(call.abort->by_peer_reset);
  EXPECT_FALSE(call.abort->surely_not_processed);
  EXPECT_EQ(call.abort->code, ErrorCode::kInternalError);
  EXPECT_EQ(call.body, "part");
}

TEST(Http2Exchange, AbortInsideEveryCallback) {
  for (int where = 0; where < 3; ++where) {
    Pair pair;
    const auto abort = [](Served& served) { served.stream->abort(ErrorCode::kCancel); };
    if (where == 0) pair.requests.on_head = abort;
    if (where == 1) pair.requests.on_body = abort;
    if (where == 2) pair.requests.on_end = abort;
    TestCall call;
    ASSERT_TRUE(call.start(*pair.client, request_head("POST", "/"), "x"));
    ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
    ASSERT_TRUE(call.abort.has_value());
    EXPECT_EQ(call.abort->code, ErrorCode::kCancel);
    EXPECT_EQ(pair.requests.alive(), 0u);
    EXPECT_FALSE(pair.requests.served[0]->abort.has_value());
    EXPECT_EQ(pair.requests.served[0]->ended, where == 2);
  }
}

TEST(Http2Exchange, CancelInsideEveryCallback) {
  for (int where = 0; where < 2; ++where) {
    Pair pair;
    pair.requests.on_end = [](Served& served) {
      served.stream->send_head(200, {});
      served.stream->send_body("x");
      served.stream->send_end({{"a", "b"}});
    };
    TestCall call;
    const auto cancel = [](TestCall& self) { self.stream->cancel(); };
    if (where == 0) call.when_head = cancel;
    if (where == 1) call.when_body = cancel;
    ASSERT_TRUE(call.start(*pair.client, request_head("POST", "/"), "x"));
    ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
    EXPECT_FALSE(call.over());
    EXPECT_EQ(pair.client->active_streams(), 0u);
    // The server had said everything: for its handler that is a good end.
    EXPECT_FALSE(pair.requests.served[0]->abort.has_value());
  }
}

TEST(Http2Exchange, CancelBeforeTheHeadLeft) {
  Pair pair;
  TestCall given_up, kept;
  ASSERT_TRUE(given_up.start(*pair.client, request_head("GET", "/given-up")));
  ASSERT_TRUE(kept.start(*pair.client, request_head("GET", "/kept")));
  given_up.stream->cancel();
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_FALSE(given_up.over());
  EXPECT_TRUE(kept.ended);
  ASSERT_EQ(pair.requests.served.size(), 1u);
  EXPECT_EQ(pair.requests.served[0]->request.path, "/kept");
  EXPECT_EQ(pair.client->active_streams(), 0u);
}

TEST(Http2Exchange, HeadersTooLargeToSend) {
  Pair pair;
  pair.requests.on_end = [](Served& served) {
    served.stream->send_head(200, {{"x", std::string(70000, 'x')}});
    served.stream->send_end();
  };
  TestCall call;
  ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  ASSERT_TRUE(call.abort.has_value());
  EXPECT_EQ(call.abort->code, ErrorCode::kInternalError);
  ASSERT_TRUE(pair.requests.served[0]->abort.has_value());
  EXPECT_EQ(pair.requests.served[0]->abort->status.code(), StatusCode::kResourceExhausted);
  // The connection goes on.
  pair.requests.on_end = TestServer::echo;
  TestCall next;
  ASSERT_TRUE(next.start(*pair.client, request_head("GET", "/")));
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_TRUE(next.ended);
}

TEST(Http2Exchange, RequestHeadersTooLargeToAccept) {
  Pair pair;
  TestCall large;
  ASSERT_TRUE(
      large.start(*pair.client, request_head("GET", "/", {{"x", std::string(20000, 'x')}})));
  TestCall many;
  RequestHead head = request_head("GET", "/");
  for (int i = 0; i < 600; ++i) head.headers.add("a", "");
  ASSERT_TRUE(many.start(*pair.client, head));
  TestCall huge;  // four times and more
  head.headers.clear();
  for (int i = 0; i < 3000; ++i) head.headers.add("a", "");
  ASSERT_TRUE(huge.start(*pair.client, head));
  TestCall good;
  ASSERT_TRUE(good.start(*pair.client, request_head("GET", "/good")));
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_EQ(large.status, 431);
  EXPECT_EQ(large.body, "request headers too large\n");
  EXPECT_EQ(many.status, 431);
  ASSERT_TRUE(huge.abort.has_value());
  EXPECT_EQ(huge.abort->code, ErrorCode::kEnhanceYourCalm);
  EXPECT_TRUE(good.ended);
  EXPECT_EQ(pair.requests.served.size(), 1u);
}

TEST(Http2Exchange, ResponseHeadersTooLargeToAccept) {
  Pair pair({}, {.max_header_list_bytes = 1000});
  bool in_trailers = false;
  pair.requests.on_end = [&](Served& served) {
    served.stream->send_head(200, in_trailers ? Headers{} : Headers{{"x", std::string(2000, 'x')}});
    served.stream->send_body("x");
    served.stream->send_end({{"x", std::string(2000, 'x')}});
  };
  for (int i = 0; i < 2; ++i) {
    TestCall call;
    ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
    ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
    ASSERT_TRUE(call.abort.has_value());
    EXPECT_FALSE(call.ended);
    EXPECT_EQ(call.status, in_trailers ? 200 : 0);
    EXPECT_EQ(call.abort->status, resource_exhausted("response headers too large"));
    EXPECT_EQ(pair.client->active_streams(), 0u);
    in_trailers = true;
  }
}

}  // namespace
}  // namespace gatehouse::http::testing
