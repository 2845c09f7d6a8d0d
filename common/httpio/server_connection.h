// ServerConnection: drives one accepted connection: tells TLS, HTTP/2 and HTTP/1 apart, runs the
// handshake, makes the HTTP session, feeds it what comes and writes what it has, once per turn.
//
//   raw stream -> first bytes -> [TLS -> ALPN or first bytes ->] http::Session -> handlers
//
// An idle connection holds no buffer: input is fed from the stream's own, output goes through one
// buffer of the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/env/byte_stream.h"
#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/http/http1.h"
#include "common/http/http2.h"
#include "common/httpio/server_observer.h"
#include "common/net/tls_stream.h"
#include "common/tls/context.h"

namespace gatehouse::httpio {

struct ServerConnectionOptions {
  http::Http2ServerOptions http2;
  http::Http1Options http1;

  // From the first byte expected to the end of the handshake. Answers clients that connect and say
  // nothing, to a TLS port.
  uint64_t tls_handshake_timeout_ms = 10'000;
  // For the first request head of a connection (HTTP/2: its preface), and for each later HTTP/1
  // head from its first byte. Answers slowloris: heads that arrive byte by byte for ever. 0: off.
  uint64_t request_head_timeout_ms = 30'000;
  // Without a request under way. HTTP/2 gets a GOAWAY. 0: off, as in etcd.
  uint64_t idle_timeout_ms = 0;

  // HTTP/2: a PING after this long without a byte from the peer, and the end of the connection when
  // nothing answers it (etcd's --grpc-keepalive-interval and -timeout). 0: off.
  uint64_t keepalive_interval_ms = 2 * 3'600'000;
  uint64_t keepalive_timeout_ms = 20'000;

  // A closed connection lingers this long for the peer's end, so that bytes still under way do not
  // turn into a reset that eats our last response.
  uint64_t linger_ms = 2'000;
  // How long the last output of a finished connection may wait for a peer that does not read.
  uint64_t flush_timeout_ms = 30'000;
};

}  // namespace gatehouse::httpio
