// HTTP/2 (RFC 9113) on nghttp2: server and client sessions without I/O, clock or thread.
//
// Flow control is manual both ways. A peer sends no more than the window of a stream until its
// handler says consumed(); what send_body() takes waits in the stream until the peer's window and
// the driver's take_output() have room for it, and unsent() tells how much that is.
//
// Calls of one loop turn leave together: a response head, body and trailers are three frames of one
// take_output(), a head with nothing but an end is a single HEADERS frame.
//
// Thread: a session and its streams belong to one thread. A session must not be destroyed from
// inside a callback of one of its handlers. Destroying it ends its exchanges without callbacks:
// call connection_lost() first where handlers are to hear of it.
//
// drain() on a server announces (GOAWAY) and takes what the client had sent before it heard; a
// second drain() does not wait for the client to answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/env/byte_stream.h"
#include "common/http/exchange.h"

namespace gatehouse::http {

// A token bucket over SessionHost::now_ms(): `burst` at once, refilled at `per_second`.
struct RateBudget {
  uint32_t burst;
  uint32_t per_second;
};

// What a peer may make us do that is no work for it. A spent budget ends the connection with GOAWAY
// ENHANCE_YOUR_CALM, whose debug data and why_finished() name the budget. PRIORITY and unknown
// frames have none: they are skipped and cost us less than the peer (CVE-2019-9513 needs a priority
// tree, which both sides turn off: RFC 9218 section 2.1).
struct FloodBudgets {
  // Each SETTINGS costs an ACK and may walk all streams (CVE-2019-9515). Peers send one at the
  // start and some adjust their windows now and then.
  RateBudget settings{100, 10};
  // PING that neither follows HEADERS or DATA of ours (gRPC's bandwidth estimators ping after data)
  // nor acknowledges ours (CVE-2019-9512).
  RateBudget pings{100, 10};
  // RST_STREAM for an exchange under way: opening and cancelling costs the peer 2 frames and us a
  // handler (rapid reset, CVE-2023-44487). A proxy may pass on the cancels of a whole host,
  // thousands at once when it restarts; at a few microseconds each the rate is 1 % of a core.
  RateBudget resets{10000, 1000};
  // DATA without bytes or end (CVE-2019-9518). No client we know sends any.
  RateBudget empty_data{100, 10};
  // WINDOW_UPDATE beyond 10 for each DATA frame we sent and 10 for each stream opened: readers
  // acknowledge what they read, in pieces.
  RateBudget window_updates{1000, 100};
};

struct Http2ServerOptions {
  // A stream costs about 1 KiB and the work of its handler. etcd's default is no limit, grpc-go's
  // too; this is high enough for any client that keeps a stream for each watch.
  uint32_t max_concurrent_streams = 10000;
  // Bounds what a peer can make one handler, and one connection, hold unread. 256 KiB fills a
  // 1 Gbit/s path of 2 ms; a connection of four such streams.
  uint32_t stream_window_bytes = 256 * 1024;
  uint32_t connection_window_bytes = 1024 * 1024;
  // Of a frame we accept, 16384 to 2^24-1. gRPC peers never send more than the smallest.
  uint32_t max_frame_size = 16384;
  // Names, values and 32 for each field (RFC 9113 section 6.5.2), so it bounds their number too. A
  // request above it is answered 431, one above four times it reset with ENHANCE_YOUR_CALM.
  size_t max_header_list_bytes = 16 * 1024;
  // CONTINUATION frames of one header block (CVE-2024-27316): with the smallest frame size this is
  // several times the list above. nghttp2 counts one more for each read that ends within a frame's
  // first 9 bytes.
  uint32_t max_continuations = 8;
  // Output the peer does not read while it asks for more acknowledgements: PING and SETTINGS ACKs
  // queued before the connection ends.
  uint32_t max_queued_acks = 1000;
  FloodBudgets floods;

  // gRPC's keepalive enforcement (grpc-go's, proposal A8): a PING sooner than this after the one
  // before is a strike; without streams, unless permitted, sooner than 2 hours. HEADERS or DATA
  // sent by us forgive the next. The third strike is GOAWAY ENHANCE_YOUR_CALM "too_many_pings". 0:
  // off.
  uint64_t min_ping_interval_ms = 5000;
  bool permit_pings_without_stream = false;
};

struct Http2ClientOptions {
  // A client reads lists and watches in bulk: 1 MiB fills 1 Gbit/s over 8 ms.
  uint32_t stream_window_bytes = 1024 * 1024;
  uint32_t connection_window_bytes = 8 * 1024 * 1024;
  uint32_t max_frame_size = 16384;
  // As for the server; error texts travel in trailers. A response above it aborts the exchange.
  size_t max_header_list_bytes = 64 * 1024;
  uint32_t max_continuations = 8;
  uint32_t max_queued_acks = 1000;
  FloodBudgets floods;
  // Streams opened before the server's SETTINGS told its limit (RFC 9113 section 6.5.2 suggests at
  // least 100); more would be refused by a server that allows fewer.
  uint32_t initial_max_concurrent_streams = 100;
};

// What a driver needs for keepalive: it has the timers, the session has the frames.
class Http2Liveness {
 public:
  // Sends a PING, unless one is already unanswered.
  virtual void send_keepalive_ping() = 0;
  // The PING of send_keepalive_ping() has had no ACK yet.
  virtual bool keepalive_ping_unanswered() const = 0;
  // Since bytes last came from the peer, or since the session was made.
  virtual uint64_t ms_since_received() const = 0;

 protected:
  ~Http2Liveness() = default;
};

class Http2Server : public Session, public Http2Liveness {};
class Http2Client : public ClientSession, public Http2Liveness {};

// Host and handler must outlive the session; `peer` is copied. The session speaks first, so the
// driver takes output right after making it.
std::unique_ptr<Http2Server> make_http2_server(SessionHost& host, RequestHandler& handler,
                                               const env::PeerInfo& peer,
                                               const Http2ServerOptions& options = {});
std::unique_ptr<Http2Client> make_http2_client(SessionHost& host,
                                               const Http2ClientOptions& options = {});

}  // namespace gatehouse::http
