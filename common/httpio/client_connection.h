// ClientConnection: one connection to one address, from dialling to the end: the bytes of a stream
// go through an HTTP session, one write for each loop turn.
//
//   kConnecting --> kReady --> kDraining --> kClosed     (any state may go to kClosed)
//
// Thread: its executor's. It must not be destroyed inside a callback of its listener or of an
// exchange: Executor::destroy_later() does. Destroying it aborts the exchanges under way: their
// handlers get on_abort from inside the destructor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/env/byte_stream.h"
#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/http/http1.h"
#include "common/http/http2.h"
#include "common/net/dialer.h"

namespace gatehouse::httpio {

struct ClientConnectionOptions {
  enum class Protocol : uint8_t { kHttp2, kHttp1 };
  Protocol protocol = Protocol::kHttp2;
  http::Http2ClientOptions http2;
  http::Http1Options http1;

  // From dialling to the peer's first HTTP/2 frame: a port that accepts and says nothing counts as
  // not connected (gRPC's minimum connect timeout).
  uint64_t connect_timeout_ms = 20'000;

  // Bytes the socket has not taken, above which the session keeps its output: bounds what a peer
  // that does not read costs beside the streams' own bounds.
  size_t max_unsent_bytes = 1024 * 1024;

  // HTTP/2 keepalive (gRPC proposal A8): a PING after this long without a byte from the peer, the
  // end of the connection when none comes for keepalive_timeout_ms after it. 0: never.
  uint64_t keepalive_time_ms = 0;
  uint64_t keepalive_timeout_ms = 20'000;
  bool keepalive_without_streams = false;
};

class ClientConnection final : private http::SessionHost,
                               private env::ByteStream::Sink,
                               private env::TurnEndHook {
 public:
  enum class State : uint8_t {
    kConnecting,
    kReady,     // HTTP/2: the server's SETTINGS came; HTTP/1: connected
    kDraining,  // GOAWAY came or drain() was called: what is under way goes on, nothing new
    kClosed,    // why_closed() says why
  };

  class Listener {
   public:
    // Each state once, in order, some left out; at the end of the turn that brought it.
    virtual void on_connection_state(ClientConnection& connection, State state) = 0;
    // At the end of a turn in which bytes came or went, while can_open() holds: a stream limit may
    // have been lifted.
    virtual void on_can_open(ClientConnection& connection) = 0;

   protected:
    ~Listener() = default;
  };

  // Starts dialling. Executor, dialer and listener must outlive it.
  ClientConnection(env::Executor& executor, net::Dialer& dialer, std::string address,
                   ClientConnectionOptions options, Listener& listener);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  State state() const { return state_; }
  const std::string& address() const { return address_; }
  // Unavailable, naming the address; OK until kClosed, and after a drain that went to its end.
  const Status& why_closed() const { return why_closed_; }
  // Who is at the other end; empty while connecting.
  const env::PeerInfo& peer() const;

  bool can_open() const;
  // As http::ClientSession::open; null when !can_open().
  http::ClientStream* open(const http::RequestHead& head, bool end,
                           http::ClientStreamHandler& handler);
  size_t active_streams() const;

  // Lets what is under way finish, then closes.
  void drain();
  // Ends the connection now; exchanges under way are aborted with `why`. Their handlers and the
  // listener are told at the end of this turn.
  void close(Status why);

 private:
  // http::SessionHost
  void wake() override;
  uint64_t now_ms() const override;
  // env::ByteStream::Sink
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_broken(const Status& why) override;
  // env::TurnEndHook
  void on_turn_end() override;

  void dialled(Result<std::unique_ptr<env::ByteStream>> stream);
  void note_preface(std::string_view bytes);
  void flush();
  void keepalive();
  void arm_keepalive();
  void limit_passed();
  Status lost(std::string_view why) const;
  // Takes the reason by value: it may be the session's own.
  void end(Status why);
  void install(State state);
  void tell();

  env::Executor& executor_;
  Listener& listener_;
  const std::string address_;
  const ClientConnectionOptions options_;
  State state_ = State::kConnecting;
  State told_ = State::kConnecting;  // what the listener knows
  Status why_closed_;
  Status pending_close_;  // of close(), until the turn ends
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<env::ByteStream> stream_;
  std::unique_ptr<http::ClientSession> session_;
  http::Http2Client* http2_ = nullptr;  // session_, where it is HTTP/2
  env::Timer limit_timer_;              // on connecting, and on the last output
  env::Timer keepalive_timer_;
  std::string output_;         // one turn's write, kept for its room
  size_t preface_have_ = 0;    // bytes received while kConnecting
  size_t preface_need_ = 9;    // a frame head, then that frame
  uint64_t ping_sent_ms_ = 0;  // while a keepalive PING is unanswered
  bool writing_finished_ = false;
  bool peer_ended_ = false;
};

}  // namespace gatehouse::httpio
