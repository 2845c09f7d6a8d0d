// What becomes of whole connections: keepalive, loss, draining. Both ends are of this room.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/common/http/http2_pair.h"

namespace gatehouse::http::testing {
namespace {

TEST(Http2Connection, LostConnectionAbortsBothSides) {
  Pair pair;
  pair.requests.on_end = nullptr;
  TestCall sent, unsent;
  ASSERT_TRUE(sent.start(*pair.client, request_head("GET", "/")));
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  ASSERT_TRUE(unsent.start(*pair.client, request_head("GET", "/")));
  // A handler that reacts by opening again must be told no.
  sent.when_abort = [&](TestCall&) {
    TestCall again;
    EXPECT_FALSE(again.start(*pair.client, request_head("GET", "/")));
  };
  pair.client->connection_lost(unavailable("connection reset by peer"));
  pair.server->connection_lost(unavailable("connection reset by peer"));
  ASSERT_TRUE(sent.abort.has_value());
  EXPECT_FALSE(sent.abort->surely_not_processed);
  EXPECT_FALSE(sent.abort->by_peer_reset);
  EXPECT_EQ(sent.abort->status, unavailable("connection reset by peer"));
  ASSERT_TRUE(unsent.abort.has_value());
  EXPECT_TRUE(unsent.abort->surely_not_processed);
  ASSERT_TRUE(pair.requests.served[0]->abort.has_value());
  EXPECT_EQ(pair.requests.alive(), 0u);
  for (Session* session :
       {static_cast<Session*>(pair.client.get()), static_cast<Session*>(pair.server.get())}) {
    EXPECT_TRUE(session->finished());
    EXPECT_EQ(session->why_finished(), unavailable("connection reset by peer"));
    EXPECT_EQ(session->active_streams(), 0u);
    EXPECT_EQ(take(*session), "");
  }
}

TEST(Http2Connection, PeerThatFinishesItsDirection) {
  {
    Pair pair;
    pair.settle();
    pair.server->peer_finished();
    EXPECT_TRUE(pair.server->finished());
    EXPECT_TRUE(pair.server->why_finished().ok());
    pair.client->peer_finished();
    EXPECT_EQ(pair.client->why_finished(), unavailable("connection closed by the server"));
  }
  {
    Pair pair;
    pair.requests.on_end = nullptr;
    TestCall call;
    ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
    ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
    pair.server->peer_finished();
    EXPECT_EQ(pair.requests.served[0]->abort->status,
              unavailable("connection closed by the client"));
  }
}

TEST(Http2Connection, DestroyedSessionsEndQuietly) {
  TestHost host;
  TestServer requests;
  requests.on_end = nullptr;
  auto server = make_http2_server(host, requests, {.address = "memory"});
  auto client = make_http2_client(host);
  TestCall call;
  ASSERT_TRUE(call.start(*client, request_head("GET", "/")));
  ASSERT_TRUE(exchange_all(*client, *server));
  server.reset();
  client.reset();
  EXPECT_EQ(requests.alive(), 0u);
  EXPECT_FALSE(requests.served[0]->abort.has_value());
  EXPECT_FALSE(call.over());
}

TEST(Http2Connection, KeepalivePing) {
  Pair pair;
  pair.settle();
  pair.host.now += 500;
  EXPECT_EQ(pair.client->ms_since_received(), 500u);
  EXPECT_FALSE(pair.client->keepalive_ping_unanswered());
  pair.client->send_keepalive_ping();
  pair.client->send_keepalive_ping();
  EXPECT_TRUE(pair.client->keepalive_ping_unanswered());
  const std::string sent = take(*pair.client);
  EXPECT_EQ(sent.size(), 17u) << "one PING";
  pair.server->feed(sent);
  EXPECT_TRUE(pair.client->keepalive_ping_unanswered());
  EXPECT_EQ(describe(pair.from_server()), "PING ACK\n");
  EXPECT_FALSE(pair.client->keepalive_ping_unanswered());
  EXPECT_EQ(pair.client->ms_since_received(), 0u);
  // And the other way round.
  pair.server->send_keepalive_ping();
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_FALSE(pair.server->keepalive_ping_unanswered());
}

TEST(Http2Connection, ServerDrains) {
  Pair pair;
  pair.requests.on_end = nullptr;
  TestCall before, during, after;
  ASSERT_TRUE(before.start(*pair.client, request_head("GET", "/before")));
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  pair.server->drain();
  EXPECT_FALSE(pair.server->finished());
  // On its way while the announcement is: still served.
  ASSERT_TRUE(during.start(*pair.client, request_head("GET", "/during")));
  const std::string announcement = take(*pair.server);
  EXPECT_EQ(describe(pair.reader.read(announcement)), "PING\nGOAWAY last 2147483647 NO_ERROR\n");
  pair.to_server();
  pair.client->feed(announcement);
  EXPECT_FALSE(after.start(*pair.client, request_head("GET", "/after")));
  pair.to_server();
  EXPECT_EQ(describe(pair.from_server()), "GOAWAY last 3 NO_ERROR\n");
  EXPECT_FALSE(pair.server->finished());
  EXPECT_FALSE(pair.client->finished());
  ASSERT_EQ(pair.requests.served.size(), 2u);
  for (const auto& served : pair.requests.served) TestServer::echo(*served);
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_TRUE(before.ended);
  EXPECT_TRUE(during.ended);
  EXPECT_TRUE(pair.server->finished());
  EXPECT_TRUE(pair.server->why_finished().ok());
  EXPECT_TRUE(pair.client->finished());
  EXPECT_TRUE(pair.client->why_finished().ok());
}

TEST(Http2Connection, IdleServerDrains) {
  Pair pair;
  pair.settle();
  pair.server->drain();
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_TRUE(pair.server->finished());
  EXPECT_TRUE(pair.client->finished());
}

TEST(Http2Connection, ImpatientServerDrains) {
  Pair pair;
  pair.settle();
  pair.server->drain();
  take(*pair.server);  // the peer does not answer
  EXPECT_FALSE(pair.server->finished());
  pair.server->drain();
  EXPECT_EQ(describe(pair.reader.read(take(*pair.server))), "GOAWAY last 0 NO_ERROR\n");
  EXPECT_TRUE(pair.server->finished());
}

TEST(Http2Connection, ClientDrains) {
  Pair pair;
  pair.requests.on_end = nullptr;
  TestCall call;
  ASSERT_TRUE(call.start(*pair.client, request_head("GET", "/")));
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  pair.client->drain();
  EXPECT_FALSE(pair.client->can_open());
  EXPECT_TRUE(pair.client->closing());
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_FALSE(pair.client->finished());
  TestServer::echo(*pair.requests.served[0]);
  ASSERT_TRUE(exchange_all(*pair.client, *pair.server));
  EXPECT_TRUE(call.ended);
  EXPECT_TRUE(pair.client->finished());
  EXPECT_TRUE(pair.client->why_finished().ok());
  EXPECT_TRUE(pair.server->finished());
  EXPECT_TRUE(pair.server->why_finished().ok());
}

}  // namespace
}  // namespace gatehouse::http::testing
