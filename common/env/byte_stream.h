// ByteStream: an ordered, reliable stream of bytes to one peer: TCP, a Unix socket, TLS over
// either, or memory with loss and delay (net::MemoryNetwork) in tests and simulation.
//
// Thread: a stream belongs to one Executor; all calls and callbacks happen on it.
// Destruction closes at once, dropping what is unsent, and no callback comes after. A stream must
// not be destroyed inside one of its own callbacks: give it to Executor::destroy_later().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace gatehouse::env {

struct PeerInfo {
  std::string address;  // "127.0.0.1:51234", "[::1]:51234", "unix:/path" or "@" for an unnamed peer
  bool tls = false;
  std::string alpn;                     // "h2", "http/1.1" or "" when none was agreed on
  bool certificate_verified = false;    // the peer proved a certificate that our CA file accepts
  std::string certificate_common_name;  // of that certificate
};

class ByteStream {
 public:
  class Sink {
   public:
    // The bytes are valid only during the call.
    virtual void on_bytes(std::string_view bytes) = 0;
    // The peer finished its direction in order (FIN, or TLS close_notify); ours is still open.
    virtual void on_end() = 0;
    // All that was unsent has gone to the peer's side; called only after unsent() was above 0.
    virtual void on_drained() = 0;
    // The stream broke. The last callback.
    virtual void on_broken(const Status& why) = 0;

   protected:
    ~Sink() = default;
  };

  virtual ~ByteStream() = default;

  // Starts reading. Callbacks come from later turns, never from inside a call to this stream. Called
  // again it hands the stream over to another sink: how TLS takes over what was read to tell it.
  virtual void start(Sink& sink) = 0;

  // Queues the bytes (copied where they cannot go out at once). A failure is told through
  // on_broken. The caller bounds what it queues by looking at unsent().
  virtual void write(std::string_view bytes) = 0;
  virtual size_t unsent() const = 0;

  // Back-pressure towards the peer. Reading starts unpaused. A few bytes already read may still
  // arrive after a pause.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  // Ends our direction after all that is unsent (FIN, close_notify). Reading goes on. No write may
  // follow.
  virtual void finish_writing() = 0;

  // Known from the start; for TLS, complete once the first on_bytes came.
  virtual const PeerInfo& peer() const = 0;
};

}  // namespace gatehouse::env
