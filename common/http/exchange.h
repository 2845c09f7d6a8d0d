// One request and its response, as HTTP/1.1 and HTTP/2 have in common. A server writes its handlers
// against this and serves both; a client may do the same.
//
// Callbacks never come from inside a call that the handler itself makes: what a call causes is told
// later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/base/status.h"
#include "common/env/byte_stream.h"
#include "common/http/headers.h"

namespace gatehouse::http {

// RFC 9113 section 7. HTTP/1 has no such codes: there an abort closes the connection.
enum class ErrorCode : uint32_t {
  kNoError = 0x0,
  kProtocolError = 0x1,
  kInternalError = 0x2,
  kFlowControlError = 0x3,
  kSettingsTimeout = 0x4,
  kStreamClosed = 0x5,
  kFrameSizeError = 0x6,
  kRefusedStream = 0x7,
  kCancel = 0x8,
  kCompressionError = 0x9,
  kConnectError = 0xa,
  kEnhanceYourCalm = 0xb,
  kInadequateSecurity = 0xc,
  kHttp11Required = 0xd,
};

// Why an exchange ended before its regular end.
struct Abort {
  ErrorCode code = ErrorCode::kNoError;
  bool by_peer_reset = false;  // RST_STREAM from the peer; otherwise the connection went
  bool surely_not_processed =
      false;      // client side: REFUSED_STREAM, above GOAWAY's last stream, or never sent
  Status status;  // says what happened: "connection reset by peer", …
};

// ---- server side

class ServerStream;

// What the server does with one request. Owned by its stream; destroyed when the exchange is over,
// whichever way.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // A piece of the request body, valid during the call. The handler owes ServerStream::consumed()
  // for it.
  virtual void on_body(std::string_view bytes) = 0;
  // The request is complete. `trailers` is empty where there were none.
  virtual void on_end(const Headers& trailers) = 0;
  // unsent() fell to kLowWater or less after having been above it.
  virtual void on_writable() {}
  // The peer or the connection ended the exchange before both directions finished. The handler is
  // destroyed after.
  virtual void on_abort(const Abort& abort) = 0;
};

class ServerStream {
 public:
  static constexpr size_t kLowWater = 64 * 1024;

  // Valid while the stream lives.
  virtual const RequestHead& request() const = 0;
  virtual const env::PeerInfo& peer() const = 0;
  virtual int http_major() const = 0;  // 1 or 2

  // The response: a head once, body pieces (copied), an end once with optional trailers (HTTP/1:
  // sent where the request said "te: trailers", otherwise dropped). HTTP/1 uses Content-Length
  // where `headers` has it, else chunks. After the end, or after an abort, further calls do
  // nothing, and the rest of the request is dropped: no on_body, no on_end.
  virtual void send_head(int status, const Headers& headers) = 0;
  virtual void send_body(std::string_view bytes) = 0;
  virtual void send_end(const Headers& trailers = {}) = 0;

  // Body bytes accepted by send_body that wait for the peer's flow control or the socket.
  virtual size_t unsent() const = 0;

  // Gives `bytes` of the request body back to the peer's window: back-pressure is not calling this.
  virtual void consumed(size_t bytes) = 0;

  // Ends the exchange at once: RST_STREAM with the code, or for HTTP/1 the connection. No on_abort
  // follows.
  virtual void abort(ErrorCode code) = 0;

 protected:
  ~ServerStream() = default;
};

// Decides who handles a request. Called once the head is complete.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // The stream outlives the handler that is returned. Never null.
  virtual std::unique_ptr<StreamHandler> on_request(ServerStream& stream) = 0;
};

// ---- client side

class ClientStreamHandler {
 public:
  // Informational (1xx) heads are not told.
  virtual void on_head(int status, const Headers& headers) = 0;
  virtual void on_body(std::string_view bytes) = 0;  // owes ClientStream::consumed()
  // The response is complete; the last callback. `trailers` is empty where there were none.
  virtual void on_end(const Headers& trailers) = 0;
  virtual void on_writable() {}
  // The exchange ended early; the last callback.
  virtual void on_abort(const Abort& abort) = 0;

 protected:
  ~ClientStreamHandler() = default;
};

// A request under way. Owned by its session; valid until on_end, on_abort or cancel().
class ClientStream {
 public:
  static constexpr size_t kLowWater = 64 * 1024;

  virtual void send_body(std::string_view bytes) = 0;
  virtual void send_end() = 0;
  virtual size_t unsent() const = 0;
  virtual void consumed(size_t bytes) = 0;
  // Gives the exchange up; no callback comes after.
  virtual void cancel(ErrorCode code = ErrorCode::kCancel) = 0;

 protected:
  ~ClientStream() = default;
};

// ---- both

// Who drives a session: feeds what the socket brings, sends what the session has.
class SessionHost {
 public:
  // There may be output to take, or the session finished: drive it before the turn ends.
  virtual void wake() = 0;
  // Monotonic milliseconds: sessions keep rate budgets but no timers.
  virtual uint64_t now_ms() const = 0;

 protected:
  ~SessionHost() = default;
};

// The protocol state of one connection, without I/O.
class Session {
 public:
  virtual ~Session() = default;

  // Bytes from the peer, in any chunking. Protocol errors are answered by the session itself
  // (GOAWAY, 400) through take_output, then finished() turns true.
  virtual void feed(std::string_view bytes) = 0;

  // Appends what is to be sent now, until `out` holds about `budget` bytes.
  virtual void take_output(std::string& out, size_t budget) = 0;

  // The peer ended its direction (FIN) in order.
  virtual void peer_finished() = 0;

  // Aborts every exchange with this reason; the connection is gone.
  virtual void connection_lost(const Status& why) = 0;

  // Stop taking new exchanges, let those under way finish (GOAWAY; Connection: close), then
  // finished() turns true.
  virtual void drain() = 0;

  // Nothing more will be sent or accepted: close once the output is flushed. why_finished() is OK
  // after a drain.
  virtual bool finished() const = 0;
  virtual const Status& why_finished() const = 0;

  virtual size_t active_streams() const = 0;

  // True while the session holds back input on purpose (HTTP/1 pipelining behind a slow response):
  // stop reading.
  virtual bool wants_pause() const { return false; }
};

class ClientSession : public Session {
 public:
  // False while the peer's stream limit is reached, or after drain / GOAWAY.
  virtual bool can_open() const = 0;

  // can_open() will not hold again: drain() was called, the peer sent GOAWAY, or the session
  // finished. What tells a connection that is full from one that must be replaced.
  virtual bool closing() const { return finished(); }

  // Sends the head. `end`: there will be no body. The handler must live until its last callback or
  // ClientStream::cancel. Null when !can_open().
  virtual ClientStream* open(const RequestHead& head, bool end, ClientStreamHandler& handler) = 0;
};

}  // namespace gatehouse::http
