// A peer that does not keep to RFC 9113, frame by frame. Each case names its section; h2spec asks
// much the same.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/http/http2.h"
#include "tests/common/http/frames.h"
#include "tests/common/http/recorder.h"
#include "tests/common/http/wire.h"

namespace gatehouse::http::testing {
namespace {

// A server session that has exchanged settings with a raw peer.
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

  TestHost host;
  TestServer requests;
  std::unique_ptr<Http2Server> session;
  FrameReader reader;
};

std::string padded(uint8_t type, uint8_t flags, uint32_t stream, uint8_t pad,
                   std::string_view rest) {
  return frame(type, flags | kPadded, stream,
               std::string(1, static_cast<char>(pad)) + std::string(rest));
}

std::string bad(std::vector<Headers::Field> fields, Headers::Field extra, bool first = false) {
  fields.insert(first ? fields.begin() : fields.end(), extra);
  return headers(1, fields);
}

std::string without(std::string_view name) {
  std::vector<Headers::Field> fields;
  for (const Headers::Field& field : get_fields()) {
    if (field.name != name) fields.push_back(field);
  }
  return headers(1, fields);
}

struct Case {
  const char* name;
  std::string bytes;
  std::string answer;  // a line of the answer, or all of it when it ends in a line end
};

const std::string kOpen = headers(1, post_fields(), false);
const std::string kHalfClosed = headers(1, get_fields(), true);
constexpr const char* kReset = "RST_STREAM 1 PROTOCOL_ERROR\n";

const Case kConnectionErrors[] = {
    {"4.2 DATA too large", kOpen + data(1, std::string(16385, 'x')), "FRAME_SIZE_ERROR"},
    {"4.2 HEADERS too large", frame(kHeaders, kEndHeaders, 1, std::string(16385, 'x')),
     "FRAME_SIZE_ERROR"},
    {"4.2 unknown frame too large", frame(0x77, 0, 0, std::string(16385, 'x')), "FRAME_SIZE_ERROR"},
    {"4.3 bad HPACK index", frame(kHeaders, kEndHeaders | kEndStream, 1, "\xff\xff\x7f"),
     "COMPRESSION_ERROR"},
    {"4.3 header block cut short",
     frame(kHeaders, kEndHeaders | kEndStream, 1, hpack(get_fields()).substr(0, 20)),
     "COMPRESSION_ERROR"},
    {"4.3 PRIORITY within a header block",
     frame(kHeaders, kEndStream, 1, hpack(get_fields())) + frame(kPriority, 0, 1, "\0\0\0\0\x10"),
     "PROTOCOL_ERROR"},
    {"4.3 another stream within a header block",
     frame(kHeaders, kEndStream, 1, hpack(get_fields())) + headers(3, get_fields()),
     "PROTOCOL_ERROR"},
    {"4.3 CONTINUATION of another stream",
     frame(kHeaders, kEndStream, 1, hpack(get_fields())) + frame(kContinuation, kEndHeaders, 3, ""),
     "PROTOCOL_ERROR"},
    {"5.1 idle: DATA", data(1, "x"), "PROTOCOL_ERROR"},
    {"5.1 idle: RST_STREAM", rst_stream(1, 8), "PROTOCOL_ERROR"},
    {"5.1 idle: WINDOW_UPDATE", window_update(1, 1), "PROTOCOL_ERROR"},
    {"5.1 idle: CONTINUATION", frame(kContinuation, kEndHeaders, 1, hpack(get_fields())),
     "PROTOCOL_ERROR"},
    {"5.1 half-closed: DATA", kHalfClosed + data(1, "x"), "STREAM_CLOSED"},
    {"5.1 half-closed: HEADERS", kHalfClosed + headers(1, get_fields()), "STREAM_CLOSED"},
    {"5.1.1 even stream", headers(2, get_fields()), "PROTOCOL_ERROR"},
    {"5.3.1 depends on itself",
     frame(kHeaders, kEndHeaders | kEndStream | kPriorityFlag, 1,
           big_endian(1, 4) + big_endian(16, 1) + hpack(get_fields())),
     "PROTOCOL_ERROR"},
    {"5.5 unknown frame within a header block",
     frame(kHeaders, kEndStream, 1, hpack(get_fields())) + frame(0x77, 0, 0, "x"),
     "PROTOCOL_ERROR"},
    {"6.1 DATA on stream 0", data(0, "x"), "PROTOCOL_ERROR"},
    {"6.1 padding longer than DATA", kOpen + padded(kData, 0, 1, 6, "abcde"), "PROTOCOL_ERROR"},
    {"6.1 padded DATA without a length", kOpen + frame(kData, kPadded, 1, ""), "PROTOCOL_ERROR"},
    {"6.2 HEADERS on stream 0", headers(0, get_fields()), "PROTOCOL_ERROR"},
    {"6.2 padding longer than HEADERS", padded(kHeaders, kEndHeaders, 1, 200, hpack(get_fields())),
     "PROTOCOL_ERROR"},
    {"6.3 PRIORITY of 4 bytes", kOpen + frame(kPriority, 0, 1, "abcd"), "FRAME_SIZE_ERROR"},
    {"6.4 RST_STREAM on stream 0", rst_stream(0, 8), "PROTOCOL_ERROR"},
    {"6.4 RST_STREAM of 3 bytes", kOpen + frame(kRstStream, 0, 1, "abc"), "FRAME_SIZE_ERROR"},
    {"6.5 SETTINGS ACK with entries", frame(kSettings, kAck, 0, "abcdef"), "FRAME_SIZE_ERROR"},
    {"6.5 SETTINGS on a stream", frame(kSettings, 0, 1, ""), "PROTOCOL_ERROR"},
    {"6.5 SETTINGS of 5 bytes", frame(kSettings, 0, 0, "abcde"), "FRAME_SIZE_ERROR"},
    {"6.5.2 ENABLE_PUSH 2", settings({{2, 2}}), "PROTOCOL_ERROR"},
    {"6.5.2 INITIAL_WINDOW_SIZE 2^31", settings({{4, 0x80000000u}}), "FLOW_CONTROL_ERROR"},
    {"6.5.2 MAX_FRAME_SIZE 16383", settings({{5, 16383}}), "PROTOCOL_ERROR"},
    {"6.5.2 MAX_FRAME_SIZE 2^24", settings({{5, 1 << 24}}), "PROTOCOL_ERROR"},
    {"6.6 PUSH_PROMISE from a client",
     kOpen + frame(kPushPromise, kEndHeaders, 1, big_endian(2, 4) + hpack(get_fields())),
     "PROTOCOL_ERROR"},
    {"6.7 PING on a stream", frame(kPing, 0, 1, "12345678"), "PROTOCOL_ERROR"},
    {"6.7 PING of 7 bytes", ping("1234567"), "FRAME_SIZE_ERROR"},
    {"6.8 GOAWAY on a stream", frame(kGoaway, 0, 1, std::string(8, '\0')), "PROTOCOL_ERROR"},
    {"6.8 GOAWAY of 7 bytes", frame(kGoaway, 0, 0, std::string(7, '\0')), "FRAME_SIZE_ERROR"},
    {"6.9 WINDOW_UPDATE of 0", window_update(0, 0), "PROTOCOL_ERROR"},
    {"6.9 WINDOW_UPDATE of 3 bytes", frame(kWindowUpdate, 0, 0, "abc"), "FRAME_SIZE_ERROR"},
    {"6.9.1 window of the connection beyond 2^31-1", window_update(0, 0x7fffffff),
     "FLOW_CONTROL_ERROR"},
    {"6.10 CONTINUATION after END_HEADERS",
     kOpen + frame(kContinuation, kEndHeaders, 1, hpack({{"a", "b"}})), "PROTOCOL_ERROR"},
    {"6.10 CONTINUATION on stream 0",
     frame(kHeaders, kEndStream, 1, hpack(get_fields())) + frame(kContinuation, kEndHeaders, 0, ""),
     "PROTOCOL_ERROR"},
};

TEST(Http2Protocol, ConnectionErrors) {
  for (const Case& one : kConnectionErrors) {
    for (const bool bytewise : {false, true}) {
      SCOPED_TRACE(one.name);
      RawPeer peer({.max_continuations = 100});
      peer.requests.on_end = nullptr;
      (bytewise ? Chunking::bytes(1) : Chunking::whole()).feed(*peer.session, one.bytes);
      const std::string answer = describe(peer.reader.read(take(*peer.session)));
      const size_t goaway = answer.rfind("GOAWAY last ");
      ASSERT_NE(goaway, std::string::npos) << answer;
      EXPECT_NE(answer.find(one.answer, goaway), std::string::npos) << answer;
      EXPECT_TRUE(peer.session->finished());
      EXPECT_NE(peer.session->why_finished().message().find(one.answer), std::string::npos)
          << peer.session->why_finished().message();
      EXPECT_EQ(peer.requests.alive(), 0u);
      for (const auto& served : peer.requests.served) EXPECT_TRUE(served->abort.has_value());
      EXPECT_EQ(peer.say(ping()), "") << "nothing more is taken";
    }
  }
}

const Case kStreamErrors[] = {
    {"6.9 WINDOW_UPDATE beyond 2^31-1", kOpen + window_update(1, 0x7fffffff),
     "RST_STREAM 1 FLOW_CONTROL_ERROR\n"},
    {"8.1 second HEADERS without END_STREAM", kOpen + headers(1, {{"a", "b"}}, false), kReset},
    {"8.1.1 content-length and less",
     headers(1, {{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {"content-length", "2"}},
             false) +
         data(1, "x", true),
     kReset},
    {"8.1.1 content-length and more",
     headers(1, {{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {"content-length", "2"}},
             false) +
         data(1, "xyz", true),
     kReset},
    {"8.2.1 upper case", bad(get_fields(), {"X-A", "b"}), kReset},
    {"8.2.1 empty name", bad(get_fields(), {"", "b"}), kReset},
    {"8.2.1 space in a name", bad(get_fields(), {"a b", "b"}), kReset},
    {"8.2.1 line break in a value", bad(get_fields(), {"a", "b\r\nc: d"}), kReset},
    {"8.2.1 NUL in a value", bad(get_fields(), {"a", std::string_view("b\0", 2)}), kReset},
    {"8.2.2 connection", bad(get_fields(), {"connection", "close"}), kReset},
    {"8.2.2 transfer-encoding", bad(get_fields(), {"transfer-encoding", "chunked"}), kReset},
    {"8.2.2 te other than trailers", bad(get_fields(), {"te", "gzip"}), kReset},
    {"8.3 pseudo-header after a field", bad(get_fields(), {"a", "b"}, true), kReset},
    {"8.3 unknown pseudo-header", bad(get_fields(), {":x", "b"}), kReset},
    {"8.3 pseudo-header of a response", bad(get_fields(), {":status", "200"}), kReset},
    {"8.3 pseudo-header in trailers", kOpen + headers(1, {{":path", "/"}}), kReset},
    {"8.3.1 no :method", without(":method"), kReset},
    {"8.3.1 no :scheme", without(":scheme"), kReset},
    {"8.3.1 no :path", without(":path"), kReset},
    {"8.3.1 empty :path",
     headers(1, {{":method", "GET"}, {":scheme", "http"}, {":path", ""}, {":authority", "a"}}),
     kReset},
    {"8.3.1 :method twice", bad(get_fields(), {":method", "GET"}), kReset},
    {"8.3.1 :path twice", bad(get_fields(), {":path", "/"}), kReset},
    {"8.3.1 :scheme twice", bad(get_fields(), {":scheme", "http"}), kReset},
};

TEST(Http2Protocol, StreamErrors) {
  for (const Case& one : kStreamErrors) {
    for (const bool bytewise : {false, true}) {
      SCOPED_TRACE(one.name);
      RawPeer peer;
      peer.requests.on_end = nullptr;
      (bytewise ? Chunking::bytes(1) : Chunking::whole()).feed(*peer.session, one.bytes);
      EXPECT_EQ(describe(peer.reader.read(take(*peer.session))), one.answer);
      EXPECT_FALSE(peer.session->finished());
      EXPECT_EQ(peer.session->active_streams(), 0u);
      for (const auto& served : peer.requests.served) {
        ASSERT_TRUE(served->abort.has_value());
        EXPECT_FALSE(served->abort->by_peer_reset);
        EXPECT_TRUE(served->abort->status.message().starts_with("the client broke HTTP/2"))
            << served->abort->status.message();
      }
      EXPECT_EQ(peer.requests.alive(), 0u);
      // The connection is none the worse for it.
      peer.requests.on_end = TestServer::echo;
      EXPECT_EQ(peer.say(headers(5, get_fields("/next"))), "HEADERS 5 END_STREAM\n");
    }
  }
}

TEST(Http2Protocol, WhatIsIgnored) {
  const Case cases[] = {
      {"5.1 closed: WINDOW_UPDATE", window_update(1, 1), ""},
      {"5.1 closed: RST_STREAM", rst_stream(1, 8), ""},
      {"5.1 closed: PRIORITY", frame(kPriority, 0, 1, std::string("\0\0\0\0\x10", 5)), ""},
      {"5.5 unknown frame", frame(0x77, 0xff, 1, "whatever"), ""},
      {"6.5.2 unknown setting", settings({{0x77, 1}}), "SETTINGS ACK\n"},
      {"6.7 PING", ping(), "PING ACK\n"},
      {"6.7 PING ACK nobody asked for", frame(kPing, kAck, 0, "12345678"), ""},
      {"6.3 PRIORITY of an idle stream", frame(kPriority, 0, 99, std::string("\0\0\0\0\x10", 5)),
       ""},
      {"PRIORITY_UPDATE", frame(0x10, 0, 0, big_endian(3, 4) + "u=1"), ""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    RawPeer peer;
    EXPECT_EQ(peer.say(headers(1, get_fields())), "HEADERS 1 END_STREAM\n");
    EXPECT_EQ(peer.say(one.bytes), one.answer);
    EXPECT_FALSE(peer.session->finished());
    EXPECT_EQ(peer.say(headers(3, get_fields())), "HEADERS 3 END_STREAM\n");
  }
}

TEST(Http2Protocol, DataBehindAResetIsIgnoredButCounted) {
  RawPeer peer;
  peer.requests.on_end = nullptr;
  peer.say(kOpen + data(1, "x"));
  peer.requests.served[0]->stream->abort(ErrorCode::kCancel);
  // The peer has not seen the RST_STREAM yet: 1 MiB in all, of which the window must come back.
  std::string answer;
  for (int i = 0; i < 64; ++i) answer += peer.say(data(1, std::string(16384 - 1, 'x')));
  EXPECT_NE(answer.find("RST_STREAM 1 CANCEL"), std::string::npos);
  EXPECT_NE(answer.find("WINDOW_UPDATE 5"), std::string::npos) << answer;
  EXPECT_FALSE(peer.session->finished());
}

TEST(Http2Protocol, Preface) {
  const std::string cases[] = {
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + settings(),
      std::string(kPreface) + ping(),
      std::string(kPreface) + settings_ack(),
      std::string(kPreface) + headers(1, get_fields()),
  };
  for (const std::string& bytes : cases) {
    for (const bool bytewise : {false, true}) {
      SCOPED_TRACE(bytes.substr(0, 30));
      TestHost host;
      TestServer requests;
      auto session = make_http2_server(host, requests, {.address = "raw"});
      (bytewise ? Chunking::bytes(1) : Chunking::whole()).feed(*session, bytes);
      FrameReader reader;
      const std::string answer = describe(reader.read(take(*session)));
      EXPECT_NE(answer.find("GOAWAY last 0 PROTOCOL_ERROR"), std::string::npos) << answer;
      EXPECT_TRUE(session->finished());
      EXPECT_TRUE(requests.served.empty());
      EXPECT_FALSE(session->why_finished().ok());
    }
  }
}

TEST(Http2Protocol, FlowControlMustBeKept) {
  for (const bool whole_connection : {false, true}) {
    RawPeer peer({.stream_window_bytes = whole_connection ? 100000u : 1000u,
                  .connection_window_bytes = 66000});
    peer.requests.on_end = nullptr;
    peer.requests.consume = false;
    std::string answer = peer.say(kOpen);
    for (int i = 0; i < 7; ++i) answer += peer.say(data(1, std::string(10000, 'x')));
    EXPECT_NE(answer.find("FLOW_CONTROL_ERROR"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("WINDOW_UPDATE 1 "), std::string::npos) << answer;
    EXPECT_EQ(peer.session->finished(), whole_connection);
  }
}

TEST(Http2Protocol, HostStandsInForAuthority) {
  RawPeer peer;
  peer.say(
      headers(1, {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "host.test"}}));
  ASSERT_EQ(peer.requests.served.size(), 1u);
  EXPECT_EQ(peer.requests.served[0]->request.authority, "host.test");
}

TEST(Http2Protocol, Connect) {
  RawPeer peer;
  peer.session->feed(headers(1, {{":method", "CONNECT"}, {":authority", "a:1"}}, false));
  const std::vector<Frame> frames = peer.reader.read(take(*peer.session));
  EXPECT_EQ(describe(frames), "HEADERS 1\nDATA 1 25 bytes END_STREAM\nRST_STREAM 1 NO_ERROR\n");
  EXPECT_EQ(peer.reader.fields(frames[0]).get(":status"), "501");
  EXPECT_TRUE(peer.requests.served.empty());
}

TEST(Http2Protocol, RequestTrailers) {
  RawPeer peer;
  peer.say(kOpen + data(1, "x") + headers(1, {{"sum", "1"}, {"", ""}}));
  EXPECT_TRUE(peer.requests.served[0]->abort.has_value()) << "an empty name";
  peer.say(headers(3, post_fields(), false) + data(3, "x") + headers(3, {{"sum", "1"}}));
  EXPECT_EQ(text_of(peer.requests.served[1]->trailers), "sum: 1\n");
  EXPECT_EQ(peer.requests.served[1]->body, "x");
  peer.say(headers(5, post_fields(), false) + headers(5, {{"x", std::string(16000, 'x')}}));
  EXPECT_TRUE(peer.requests.served[2]->ended);
  const std::string half(8180, 'x');
  EXPECT_EQ(peer.say(headers(7, post_fields(), false) + headers(7, {{"x", half}, {"y", half}})),
            "RST_STREAM 7 ENHANCE_YOUR_CALM\n");
  EXPECT_FALSE(peer.requests.served[3]->ended);
  EXPECT_TRUE(peer.requests.served[3]->abort.has_value());
}

// ---- a server that does not keep to the rules

struct RawServer {
  RawServer() : session(make_http2_client(host)) {
    take(*session);
    session->feed(settings() + settings_ack());
    take(*session);
  }

  std::string say(std::string_view bytes) {
    session->feed(bytes);
    return describe(reader.read(take(*session)));
  }

  TestHost host;
  std::unique_ptr<Http2Client> session;
  FrameReader reader;
};

TEST(Http2Protocol, ServerErrors) {
  struct ServerCase {
    const char* name;
    std::string bytes;
    std::string answer;
  };
  const ServerCase cases[] = {
      {"push although it is off",
       frame(kPushPromise, kEndHeaders, 1, big_endian(2, 4) + hpack(get_fields())),
       "GOAWAY last 0 PROTOCOL_ERROR"},
      {"a request", headers(2, get_fields()), "GOAWAY last 0 PROTOCOL_ERROR"},
      {"an idle stream", headers(3, {{":status", "200"}}), "GOAWAY last 0 PROTOCOL_ERROR"},
      {"DATA before HEADERS", data(1, "x"), "PROTOCOL_ERROR"},
      {"no :status", headers(1, {{"a", "b"}}), "RST_STREAM 1 PROTOCOL_ERROR\n"},
      {":status that is none", headers(1, {{":status", "2xx"}}), "RST_STREAM 1 PROTOCOL_ERROR\n"},
      {"informational with the end", headers(1, {{":status", "100"}}),
       "RST_STREAM 1 PROTOCOL_ERROR\n"},
      {"101", headers(1, {{":status", "101"}}, false), "RST_STREAM 1 PROTOCOL_ERROR\n"},
      {"content-length and less",
       headers(1, {{":status", "200"}, {"content-length", "3"}}, false) + data(1, "ab", true),
       "RST_STREAM 1 PROTOCOL_ERROR\n"},
  };
  for (const ServerCase& one : cases) {
    SCOPED_TRACE(one.name);
    RawServer server;
    TestCall call;
    ASSERT_TRUE(call.start(*server.session, request_head("GET", "/")));
    take(*server.session);
    const std::string answer = server.say(one.bytes);
    EXPECT_NE(answer.find(one.answer), std::string::npos) << answer;
    ASSERT_TRUE(call.abort.has_value());
    EXPECT_FALSE(call.abort->surely_not_processed);
    EXPECT_FALSE(call.abort->by_peer_reset);
    EXPECT_NE(call.abort->status.message().find("the server broke HTTP/2"), std::string::npos)
        << call.abort->status.message();
  }
}

TEST(Http2Protocol, InformationalHeadsAreNotTold) {
  RawServer server;
  TestCall call;
  ASSERT_TRUE(call.start(*server.session, request_head("GET", "/")));
  take(*server.session);
  server.say(headers(1, {{":status", "100"}}, false) +
             headers(1, {{":status", "103"}, {"link", "x"}}, false));
  EXPECT_EQ(call.status, 0);
  server.say(headers(1, {{":status", "200"}, {"a", "b"}}, false) + data(1, "x") +
             headers(1, {{"c", "d"}}));
  EXPECT_EQ(call.status, 200);
  EXPECT_EQ(text_of(call.headers), "a: b\n");
  EXPECT_EQ(text_of(call.trailers), "c: d\n");
  EXPECT_TRUE(call.ended);
}

TEST(Http2Protocol, GoawayTellsWhatWasNotProcessed) {
  RawServer server;
  TestCall calls[3];
  for (TestCall& call : calls) {
    ASSERT_TRUE(call.start(*server.session, request_head("GET", "/")));
  }
  take(*server.session);
  server.say(goaway(3, 11, "too_many_pings\n\x01"));
  EXPECT_FALSE(server.session->can_open());
  EXPECT_TRUE(server.session->closing());
  EXPECT_FALSE(calls[0].over());
  EXPECT_FALSE(calls[1].over());
  ASSERT_TRUE(calls[2].abort.has_value());
  EXPECT_TRUE(calls[2].abort->surely_not_processed);
  EXPECT_FALSE(calls[2].abort->by_peer_reset);
  const std::string text =
      "the server ends the connection: GOAWAY ENHANCE_YOUR_CALM \"too_many_pings..\"";
  EXPECT_EQ(calls[2].abort->status, unavailable(text));
  server.say(headers(1, {{":status", "200"}}));
  EXPECT_TRUE(calls[0].ended);
  EXPECT_FALSE(server.session->finished());
  server.session->peer_finished();
  EXPECT_EQ(server.session->why_finished(), unavailable(text));
  ASSERT_TRUE(calls[1].abort.has_value());
  EXPECT_FALSE(calls[1].abort->surely_not_processed) << "it may have been";
}

TEST(Http2Protocol, GoawayWithoutStreamsFinishes) {
  RawServer server;
  server.say(goaway(0, 0));
  EXPECT_TRUE(server.session->finished());
  EXPECT_TRUE(server.session->why_finished().ok());
}

}  // namespace
}  // namespace gatehouse::http::testing
