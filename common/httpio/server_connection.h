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
#include <string_view>

#include "common/env/byte_stream.h"
#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/http/http1.h"
#include "common/http/http2.h"
#include "common/net/sniff.h"
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

class ServerWorker;

class ServerConnection final : private http::SessionHost,
                               private http::RequestHandler,
                               private env::ByteStream::Sink,
                               private env::TurnEndHook {
 public:
  // Bytes asked of the session for one write; several writes follow in a turn only for bulk.
  static constexpr size_t kWriteBytes = 256 * 1024;
  // Writes of one connection in one turn, before the others get theirs.
  static constexpr int kMaxWritesPerTurn = 4;
  // Bytes the stream has not got rid of, above which the session keeps its output: what a client
  // that does not read costs beside the session's own bounds.
  static constexpr size_t kMaxUnsentBytes = 256 * 1024;

  // With `tls` the client must speak TLS, without it must not.
  ServerConnection(ServerWorker& worker, std::unique_ptr<env::ByteStream> stream,
                   std::shared_ptr<const tls::Context> tls);
  ~ServerConnection();

  void start();
  // Lets requests under way finish. A connection that has not made its first is closed.
  void drain();
  // Ends it now; exchanges under way are aborted with `why`.
  void close(const Status& why);

 private:
  friend class ServerWorker;

  enum class State : uint8_t {
    kTelling,      // waits for the first bytes
    kHandshaking,  // TLS
    kServing,      // session_ is there
    kClosing,      // our direction is finished; what still comes is dropped until the peer ends
    kClosed,       // waits for destruction
  };

  // http::SessionHost
  void wake() override;
  uint64_t now_ms() const override;
  // http::RequestHandler: counts, and passes on.
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override;
  // env::ByteStream::Sink
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_broken(const Status& why) override;
  // env::TurnEndHook
  void on_turn_end() override;

  void tell_protocol(std::string_view bytes);
  void tell_tls();
  void begin_handshake();
  void on_handshake(const Status& status);
  void refuse(std::string_view response, std::string_view why);
  void begin_session(net::Protocol protocol);
  void feed(std::string_view bytes);
  void flush();
  void set_pause();
  void note_progress(uint64_t requests_before);
  void finish();
  void begin_closing();
  void fail_handshake(const Status& why);
  void destroy();

  // Deadlines: one timer, armed for the earliest; a later deadline waits until it fires.
  static constexpr uint64_t kNever = UINT64_MAX;
  static uint64_t deadline_after(uint64_t start_ms, uint64_t limit_ms);  // limit 0: never
  uint64_t deadline_ms() const;
  void set_timer();
  void on_timer();
  void check_keepalive(uint64_t now);
  void head_timed_out();

  ServerWorker& worker_;
  const ServerConnectionOptions& options_;
  std::unique_ptr<env::ByteStream> stream_;
  std::shared_ptr<const tls::Context> tls_;  // until the handshake
  std::string first_bytes_;                  // while kTelling
  std::unique_ptr<http::Session> session_;
  http::Http2Server* http2_ = nullptr;  // session_, where it is HTTP/2
  size_t slot_ = 0;                     // in the worker's list
  State state_ = State::kTelling;
  bool paused_ = false;
  bool flushing_ = false;  // inside flush()
  bool woken_in_flush_ = false;
  bool peer_ended_ = false;

  uint64_t state_deadline_ms_;  // of every state but kServing
  uint64_t head_since_ms_ = 0;  // kServing, HTTP/1: a request head is under way; else 0
  uint64_t idle_since_ms_ = 0;  // kServing: no request since; else 0
  uint64_t ping_sent_ms_ = 0;   // a keepalive PING waits for its answer; else 0
  uint64_t timer_due_ms_ = kNever;
  env::Timer timer_;
};

}  // namespace gatehouse::httpio
