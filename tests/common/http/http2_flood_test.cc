// What a peer may ask for nothing, and what happens when it asks for more.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/http/flood_guard.h"
#include "common/http/http2.h"
#include "tests/common/http/frames.h"
#include "tests/common/http/recorder.h"
#include "tests/common/http/wire.h"

namespace gatehouse::http::testing {
namespace {

struct RawPeer {
  explicit RawPeer(const Http2ServerOptions& options = {})
      : session(make_http2_server(host, requests, {.address = "raw"}, options)) {
    session->feed(std::string(kPreface) + settings());
    reader.read(take(*session));
    session->feed(settings_ack());
  }

  std::string say(std::string_view bytes) {
    session->feed(bytes);
    return describe(reader.read(take(*session)));
  }

  // How many of the bytes it takes until the session has had enough.
  int times_until_finished(const std::string& bytes, int limit) {
    for (int i = 1; i <= limit; ++i) {
      last = say(bytes);
      if (session->finished()) return i;
    }
    return 0;
  }

  TestHost host;
  TestServer requests;
  std::unique_ptr<Http2Server> session;
  FrameReader reader;
  std::string last;
};

TEST(RateLimit, BurstAndRefill) {
  RateLimit limit({.burst = 3, .per_second = 2});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.take(1000)) << i;
  EXPECT_FALSE(limit.take(1000));
  EXPECT_FALSE(limit.take(1499));
  EXPECT_TRUE(limit.take(1500));
  EXPECT_FALSE(limit.take(1500));
  EXPECT_FALSE(limit.take(900)) << "time that goes back refills nothing";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.take(1'000'000)) << i;
  EXPECT_FALSE(limit.take(1'000'000));
  EXPECT_TRUE(limit.take(UINT64_MAX));
}

TEST(Http2Flood, Settings) {
  RawPeer peer({.floods = {.settings = {.burst = 20, .per_second = 1}}});
  EXPECT_EQ(peer.times_until_finished(settings({{3, 100}}), 1000), 20);  // one was the first
  EXPECT_EQ(peer.last, "GOAWAY last 0 ENHANCE_YOUR_CALM \"too many SETTINGS\"\n");
  EXPECT_EQ(peer.session->why_finished(),
            unavailable("connection ended because of the client: GOAWAY ENHANCE_YOUR_CALM "
                        "\"too many SETTINGS\""));
}

TEST(Http2Flood, SettingsWithTooManyEntries) {
  RawPeer peer;
  std::vector<std::pair<uint16_t, uint32_t>> entries(100, {3, 100});
  EXPECT_NE(peer.say(settings(entries)).find("ENHANCE_YOUR_CALM"), std::string::npos);
  EXPECT_TRUE(peer.session->finished());
}

TEST(Http2Flood, EmptyData) {
  RawPeer peer({.floods = {.empty_data = {.burst = 20, .per_second = 1}}});
  peer.say(headers(1, post_fields(), false));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(peer.say(data(1, "x")), "") << "not empty";
  // Padding does not make it any fuller.
  EXPECT_EQ(peer.times_until_finished(
                data(1, "") + frame(kData, kPadded, 1, std::string("\1\0", 2)), 1000),
            11);
  EXPECT_EQ(peer.last, "GOAWAY last 1 ENHANCE_YOUR_CALM \"too many empty DATA frames\"\n");
  EXPECT_TRUE(peer.requests.served[0]->abort.has_value());
}

TEST(Http2Flood, WindowUpdates) {
  RawPeer peer({.floods = {.window_updates = {.burst = 20, .per_second = 1}}});
  EXPECT_EQ(peer.times_until_finished(window_update(0, 1), 1000), 21);
  EXPECT_EQ(peer.last, "GOAWAY last 0 ENHANCE_YOUR_CALM \"too many WINDOW_UPDATE frames\"\n");
}

TEST(Http2Flood, WindowUpdatesForWhatWeSendAreWelcome) {
  RawPeer peer({.floods = {.window_updates = {.burst = 20, .per_second = 1}}});
  peer.requests.on_head = [](Served& served) { served.stream->send_head(200, {}); };
  peer.requests.on_end = nullptr;
  peer.say(headers(1, get_fields()));
  for (int i = 0; i < 200; ++i) {
    peer.requests.served[0]->stream->send_body("event");
    peer.say(window_update(0, 5) + window_update(1, 5));
  }
  EXPECT_FALSE(peer.session->finished());
}

TEST(Http2Flood, RapidReset) {
  RawPeer peer({.floods = {.resets = {.burst = 100, .per_second = 10}}});
  peer.requests.on_end = nullptr;
  uint32_t stream = 1;
  int rounds = 0;
  for (; !peer.session->finished() && rounds < 1000; stream += 2, ++rounds) {
    peer.last = peer.say(headers(stream, get_fields()) + rst_stream(stream, 8));
  }
  EXPECT_EQ(rounds, 101);
  EXPECT_EQ(peer.last, "GOAWAY last 201 ENHANCE_YOUR_CALM \"too many streams reset\"\n");
  EXPECT_EQ(peer.requests.alive(), 0u);
}

// The same with frames that make us reset the stream ("MadeYouReset", CVE-2025-8671).
TEST(Http2Flood, RapidResetByOurOwnHand) {
  RawPeer peer({.floods = {.resets = {.burst = 100, .per_second = 10}}});
  peer.requests.on_end = nullptr;
  uint32_t stream = 1;
  int rounds = 0;
  for (; !peer.session->finished() && rounds < 1000; stream += 2, ++rounds) {
    peer.last = peer.say(headers(stream, get_fields()) + window_update(stream, 0x7fffffff));
  }
  EXPECT_EQ(rounds, 101);
  EXPECT_NE(peer.last.find("ENHANCE_YOUR_CALM"), std::string::npos);
  EXPECT_EQ(peer.requests.alive(), 0u);
}

TEST(Http2Flood, RapidResetInOneRead) {
  RawPeer peer({.floods = {.resets = {.burst = 100, .per_second = 10}}});
  peer.requests.on_end = nullptr;
  std::string attack;
  for (uint32_t stream = 1; stream < 20000; stream += 2) {
    attack += headers(stream, get_fields()) + rst_stream(stream, 8);
  }
  EXPECT_NE(peer.say(attack).find("ENHANCE_YOUR_CALM"), std::string::npos);
  EXPECT_LE(peer.requests.served.size(), 102u) << "handlers made after the verdict";
  EXPECT_EQ(peer.requests.alive(), 0u);
}

TEST(Http2Flood, AnsweredRequestsMayBeResetAtWill) {
  RawPeer peer({.floods = {.resets = {.burst = 2, .per_second = 1}}});
  for (uint32_t stream = 1; stream < 200; stream += 2) {
    peer.say(headers(stream, post_fields(), false) + data(stream, "", true));
    peer.say(rst_stream(stream, 0));
  }
  EXPECT_FALSE(peer.session->finished());
}

TEST(Http2Flood, Continuations) {
  RawPeer peer;
  std::string answer = peer.say(frame(kHeaders, kEndStream, 1, hpack(get_fields())));
  int count = 0;
  while (!peer.session->finished() && count < 100) {
    answer = peer.say(frame(kContinuation, 0, 1, hpack({{"a", "b"}})));
    ++count;
  }
  EXPECT_EQ(count, 9);
  EXPECT_EQ(answer, "GOAWAY last 1 ENHANCE_YOUR_CALM \"too many CONTINUATION frames\"\n");
  EXPECT_TRUE(peer.requests.served.empty());
}

// A header block that decodes to much more than it is (RFC 7541 section 7.3): one byte a field.
TEST(Http2Flood, HpackBomb) {
  RawPeer peer;
  const std::string value(4000, 'x');
  // Literal with indexing puts the field into the table, then index 62 repeats it.
  std::string block = hpack(get_fields()) + "\x40\x01" + "a";
  block += std::string("\x7f\xa1\x1e") + value + std::string(12000, '\xbe');
  EXPECT_EQ(peer.say(frame(kHeaders, kEndHeaders | kEndStream, 1, block)),
            "RST_STREAM 1 ENHANCE_YOUR_CALM\n");
  EXPECT_TRUE(peer.requests.served.empty());
  EXPECT_FALSE(peer.session->finished());
}

TEST(Http2Flood, UnreadAcknowledgementsEndTheConnection) {
  RawPeer peer({.max_queued_acks = 50,
                .floods = {.pings = {.burst = 1000, .per_second = 1000}},
                .min_ping_interval_ms = 0});
  for (int i = 0; i < 100; ++i) peer.session->feed(ping());  // and never reads
  EXPECT_TRUE(peer.session->finished());
  EXPECT_NE(describe(peer.reader.read(take(*peer.session))).find("ENHANCE_YOUR_CALM"),
            std::string::npos);
}

// Streams beyond the limit are refused one by one until the peer has acknowledged that limit, which
// an attacker never does.
TEST(Http2Flood, UnreadRefusalsEndTheConnection) {
  TestHost host;
  TestServer requests;
  requests.on_end = nullptr;
  auto session =
      make_http2_server(host, requests, {.address = "raw"}, {.max_concurrent_streams = 1});
  session->feed(std::string(kPreface) + settings());
  std::string many;
  uint32_t stream = 1;
  for (; stream < 100000 && !session->finished(); stream += 2) {
    many += headers(stream, get_fields());
    if (many.size() > 16000) {
      session->feed(many);
      many.clear();
    }
  }
  EXPECT_TRUE(session->finished());
  EXPECT_LT(stream, 42000u);
  EXPECT_EQ(requests.served.size(), 1u);
  EXPECT_NE(describe(FrameReader().read(take(*session))).find("asks for more than it reads"),
            std::string::npos);
}

// ---- PING: gRPC's keepalive enforcement

TEST(Http2Ping, ThirdStrikeIsTooManyPings) {
  RawPeer peer;
  peer.requests.on_end = nullptr;
  peer.say(headers(1, get_fields()));  // a stream is open
  EXPECT_EQ(peer.say(ping()), "PING ACK\n");
  for (int strike = 1; strike <= 2; ++strike) {
    peer.host.now += 4999;
    EXPECT_EQ(peer.say(ping()), "PING ACK\n");
  }
  peer.host.now += 4999;
  EXPECT_EQ(peer.say(ping()), "GOAWAY last 1 ENHANCE_YOUR_CALM \"too_many_pings\"\n");
  EXPECT_TRUE(peer.session->finished());
  ASSERT_TRUE(peer.requests.served[0]->abort.has_value());
  EXPECT_NE(peer.requests.served[0]->abort->status.message().find("too_many_pings"),
            std::string::npos);
}

TEST(Http2Ping, PatientPeersMayPingForEver) {
  RawPeer peer;
  peer.requests.on_end = nullptr;
  peer.say(headers(1, get_fields()));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(peer.say(ping()), "PING ACK\n");
    peer.host.now += 5000;
  }
}

TEST(Http2Ping, WithoutStreamsOnlyWherePermitted) {
  {
    RawPeer peer;
    int pings = 0;
    for (; !peer.session->finished() && pings < 100; ++pings) {
      peer.say(ping());
      peer.host.now += 60'000;
    }
    EXPECT_EQ(pings, 4);
  }
  {
    RawPeer peer({.permit_pings_without_stream = true});
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(peer.say(ping()), "PING ACK\n");
      peer.host.now += 60'000;
    }
  }
  {
    RawPeer peer;
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(peer.say(ping()), "PING ACK\n");
      peer.host.now += 2 * 60 * 60 * 1000;
    }
  }
}

// gRPC's bandwidth estimators send a PING with each flight of data: after what we send, one is
// free.
TEST(Http2Ping, OneForEachAnswerIsFree) {
  RawPeer peer;
  for (uint32_t stream = 1; stream < 1000; stream += 2) {
    EXPECT_NE(peer.say(headers(stream, get_fields())), "");
    EXPECT_EQ(peer.say(ping()), "PING ACK\n");
  }
}

TEST(Http2Ping, FloodBesidesThePolicy) {
  RawPeer peer({.floods = {.pings = {.burst = 20, .per_second = 1}}, .min_ping_interval_ms = 0});
  EXPECT_EQ(peer.times_until_finished(ping(), 1000), 21);
  EXPECT_EQ(peer.last, "GOAWAY last 0 ENHANCE_YOUR_CALM \"too_many_pings\"\n");
}

TEST(Http2Ping, ServersAreHeldToTheBudgetToo) {
  TestHost host;
  auto session = make_http2_client(host, {.floods = {.pings = {.burst = 20, .per_second = 1}}});
  take(*session);
  session->feed(settings());
  int count = 0;
  for (; !session->finished() && count < 1000; ++count) {
    session->feed(ping());
    take(*session);
  }
  EXPECT_EQ(count, 21);
  EXPECT_FALSE(session->can_open());
}

}  // namespace
}  // namespace gatehouse::http::testing
