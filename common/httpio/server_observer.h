// What the HTTP server tells about itself; metrics and logs hang on it.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/status.h"
#include "common/env/byte_stream.h"

namespace gatehouse::httpio {

// Called on the thread of the connection, for several connections of different threads at once.
class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  // TLS failed, or a client spoke clear text to a TLS port or the reverse. The connection closes.
  virtual void on_handshake_failed(const env::PeerInfo& peer, const Status& why) {
    static_cast<void>(peer), static_cast<void>(why);
  }
  // A connection ended for a reason of error: broken, timed out, a protocol error of the peer.
  virtual void on_connection_failed(const env::PeerInfo& peer, const Status& why) {
    static_cast<void>(peer), static_cast<void>(why);
  }
  // On the listener's thread: accepting rests (out of descriptors, or too many connections).
  virtual void on_accept_paused(const Status& why) { static_cast<void>(why); }
  // On the listener's thread: a certificate file changed and was loaded, or could not be.
  virtual void on_tls_reloaded(const Status& result) { static_cast<void>(result); }
};

// Counters with one writing thread each: a plain addition for it, readable from any thread.
struct TrafficCounters {
  std::atomic<uint64_t> connections_opened{0};
  std::atomic<uint64_t> connections_closed{0};
  std::atomic<uint64_t> handshakes_failed{0};
  std::atomic<uint64_t> bytes_received{0};  // as HTTP: under TLS, what was inside
  std::atomic<uint64_t> bytes_sent{0};
  std::atomic<uint64_t> requests{0};

  static void add(std::atomic<uint64_t>& counter, uint64_t n) {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
};

// A sum of those at one moment.
struct Traffic {
  uint64_t connections_opened = 0;
  uint64_t connections_closed = 0;
  uint64_t handshakes_failed = 0;
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  uint64_t requests = 0;

  uint64_t open() const { return connections_opened - connections_closed; }
  void add(const TrafficCounters& counters);
};

}  // namespace gatehouse::httpio
