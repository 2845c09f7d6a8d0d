// HTTP/1.1 (RFC 9110, 9112) on llhttp: server and client sessions without I/O, clock or thread.
//
// Server: keep-alive, pipelining answered in order, HTTP/1.0, Expect: 100-continue (sent once the
// handler reads on). An Upgrade is ignored and answered in HTTP/1.1. What cannot be parsed safely
// is answered 400, 414, 431, 413, 501 or 505 with a line of text, and the connection closes: a
// message with both Transfer-Encoding and Content-Length, with two lengths, or with a doubtful
// chunk is never guessed at (RFC 9112 sections 6.1, 6.3 and 11.2). Host becomes
// RequestHead::authority and is left out of the headers. A response whose end comes in the turn of
// its head says its Content-Length, others are chunked.
//
// Neither side adds Date: there is no wall clock in this room. Handlers that want it send it.
//
// Thread: a session and its streams belong to one thread. A session must not be destroyed from
// inside a callback of one of its handlers. Destroying it ends its exchanges without callbacks:
// call connection_lost() first where handlers are to hear of it.
#pragma once

#include <cstddef>
#include <memory>

#include "common/env/byte_stream.h"
#include "common/http/exchange.h"

namespace gatehouse::http {

// Bounds on what is kept before a handler sees it. The size of a body is the handler's business: it
// is handed over in pieces.
struct Http1Options {
  // The request target; a client has the reason phrase under it. Longer: 414.
  size_t max_target_bytes = 8 * 1024;
  // Names and values of the head, and again of the trailers. More: 431.
  size_t max_header_bytes = 16 * 1024;
  size_t max_header_count = 128;
  // Body bytes a handler has not consumed, or bytes of pipelined requests behind a response under
  // way, before wants_pause() tells the driver to stop reading. At least as much as one read of the
  // driver may come on top.
  size_t max_unread_bytes = 256 * 1024;
};

// Host and handler must outlive the session; `peer` is copied. ServerStream::http_major() is 1 for
// HTTP/1.0 too.
std::unique_ptr<Session> make_http1_server(SessionHost& host, RequestHandler& handler,
                                           const env::PeerInfo& peer,
                                           const Http1Options& options = {});

// One exchange at a time: can_open() once the one before is over and the connection may be reused.
// A body goes out with the head's content-length where it has one, else in chunks.
std::unique_ptr<ClientSession> make_http1_client(SessionHost& host,
                                                 const Http1Options& options = {});

}  // namespace gatehouse::http
