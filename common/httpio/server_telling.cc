// How a connection finds out what its client speaks, and the TLS handshake.

#include <algorithm>
#include <utility>

#include "common/httpio/server_connection.h"
#include "common/httpio/server_worker.h"
#include "common/net/tls_stream.h"
#include "common/tls/session.h"

namespace gatehouse::httpio {
namespace {

// Go's net/http answers so, and its clients know the first.
constexpr std::string_view kClearOnTls =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    "\r\nClient sent an HTTP request to an HTTPS server.\n";
// A TLS client takes any answer for "not TLS"; one that looks like HTTP lets it say so ("server
// gave HTTP response to HTTPS client").
constexpr std::string_view kTlsOnClear =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    "\r\nClient sent a TLS handshake to a server that speaks clear text.\n";
// Enough of a request line to answer in HTTP (as Go's tlsRecordHeaderLooksLikeHTTP).
enum class Looks : uint8_t { kLikeHttp, kUnclear, kForeign };
Looks looks(std::string_view bytes) {
  constexpr std::string_view kMethods[] = {"GET /", "HEAD ", "POST ", "PUT /",
                                           "OPTIO", "DELET", "PATCH"};
  for (const std::string_view method : kMethods) {
    const size_t n = std::min(bytes.size(), method.size());
    if (bytes.substr(0, n) == method.substr(0, n)) {
      return n == method.size() ? Looks::kLikeHttp : Looks::kUnclear;
    }
  }
  return Looks::kForeign;
}

}  // namespace

void ServerConnection::tell_protocol(std::string_view bytes) {
  first_bytes_.append(bytes);
  if (tls_ != nullptr) return tell_tls();
  const net::Protocol protocol = net::sniff(first_bytes_);
  switch (protocol) {
    case net::Protocol::kNeedMore:
      return;
    case net::Protocol::kTls:
      return refuse(kTlsOnClear, "client sent a TLS handshake to a port without TLS");
    case net::Protocol::kHttp2:
    case net::Protocol::kHttp1:
      return begin_session(protocol);
  }
}

void ServerConnection::tell_tls() {
  if (net::sniff(first_bytes_) == net::Protocol::kTls) return begin_handshake();
  switch (looks(first_bytes_)) {
    case Looks::kUnclear:
      return;
    case Looks::kLikeHttp:
      return refuse(kClearOnTls, "client sent an HTTP request to an HTTPS server");
    case Looks::kForeign:
      return refuse({}, "tls: first record does not look like a TLS handshake");
  }
}

void ServerConnection::begin_handshake() {
  Result<std::unique_ptr<tls::Session>> session = tls::Session::create(std::move(tls_));
  if (!session.ok()) return fail_handshake(session.status());
  state_ = State::kHandshaking;
  auto stream = std::make_unique<net::TlsStream>(worker_.executor_, std::move(stream_),
                                                 *std::move(session), std::move(first_bytes_));
  std::string().swap(first_bytes_);
  net::TlsStream* tls_stream = stream.get();
  stream_ = std::move(stream);
  const uint64_t now = now_ms();
  const uint64_t left = state_deadline_ms_ > now ? state_deadline_ms_ - now : 0;
  // The stream keeps that deadline itself.
  state_deadline_ms_ = kNever;
  tls_stream->handshake(left, [this](const Status& status) { on_handshake(status); });
}

void ServerConnection::on_handshake(const Status& status) {
  if (state_ != State::kHandshaking) return;
  if (!status.ok()) return fail_handshake(status);
  state_ = State::kTelling;
  state_deadline_ms_ = deadline_after(now_ms(), options_.request_head_timeout_ms);
  const std::string& alpn = stream_->peer().alpn;
  if (alpn == "h2") {
    begin_session(net::Protocol::kHttp2);
  } else if (alpn == "http/1.1") {
    begin_session(net::Protocol::kHttp1);
  }
  stream_->start(*this);
  set_timer();
}

void ServerConnection::refuse(std::string_view response, std::string_view why) {
  TrafficCounters::add(worker_.counters_.handshakes_failed, 1);
  if (worker_.observer_ != nullptr) {
    worker_.observer_->on_handshake_failed(stream_->peer(), unavailable(std::string(why)));
  }
  TrafficCounters::add(worker_.counters_.bytes_sent, response.size());
  stream_->write(response);
  begin_closing();
}

void ServerConnection::fail_handshake(const Status& why) {
  TrafficCounters::add(worker_.counters_.handshakes_failed, 1);
  if (worker_.observer_ != nullptr) worker_.observer_->on_handshake_failed(stream_->peer(), why);
  destroy();
}

}  // namespace gatehouse::httpio
