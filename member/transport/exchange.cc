#include "member/transport/exchange.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/net/address.h"

namespace gatehouse::transport {
namespace {

// How often to look whether bytes move: part of the limit, so that it is kept within a fifth.
constexpr uint64_t kLooksPerLimit = 5;

// Bytes the socket has not taken. Small, so that a slow peer still shows progress at each look, and
// a snapshot holds little memory; the kernel buffers on top.
constexpr size_t kMaxUnsentBytes = 64 * 1024;

}  // namespace

Exchange::Exchange(env::Executor& executor, net::Dialer& dialer, Limits limits, User& user)
    : executor_(executor),
      dialer_(dialer),
      limits_(limits),
      user_(user),
      timer_(executor, [this] { on_timer(); }) {}

Exchange::~Exchange() { stop(); }

void Exchange::start(const std::string& url, http::RequestHead head, std::string body, Body kind) {
  CHECK_MSG(!busy_, "one request at a time");
  busy_ = true;
  head_ = std::move(head);
  const Result<net::Address> address = net::parse_address(url);
  if (address.ok()) {
    head_.authority =
        address->kind == net::Address::Kind::kTcp ? address->to_string() : "localhost";
  }
  body_ = std::move(body);
  kind_ = kind;
  quiet_ms_ = limits_.quiet_ms;
  timer_.cancel();
  if (connection_ != nullptr && kind == Body::kWhole && connection_->address() == url &&
      connection_->can_open()) {
    open();
    return;
  }
  release();
  httpio::ClientConnectionOptions options;
  options.protocol = httpio::ClientConnectionOptions::Protocol::kHttp1;
  options.connect_timeout_ms = limits_.dial_ms;
  options.max_unsent_bytes = kMaxUnsentBytes;
  httpio::ClientConnection::Listener& listener = *this;
  connection_ = std::make_unique<httpio::ClientConnection>(executor_, dialer_, url,
                                                           std::move(options), listener);
}

void Exchange::stop() {
  busy_ = false;
  timer_.cancel();
  release();
}

void Exchange::release() {
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->cancel();
  executor_.destroy_later(std::move(connection_));
}

void Exchange::open() {
  const bool no_body = kind_ == Body::kWhole && body_.empty();
  stream_ = connection_->open(head_, no_body, *this);
  CHECK(stream_ != nullptr);
  moved();
  set_quiet_limit(quiet_ms_);
  if (kind_ == Body::kStreamed) {
    user_.on_opened();
  } else if (!no_body) {
    stream_->send_body(body_);
    stream_->send_end();
    std::string().swap(body_);
  }
}

void Exchange::send_body(std::string_view bytes) {
  if (stream_ == nullptr) return;
  stream_->send_body(bytes);
  moved();
}

void Exchange::send_end() {
  if (stream_ != nullptr) stream_->send_end();
}

void Exchange::set_quiet_limit(uint64_t ms) {
  quiet_ms_ = ms;
  moved();
  if (!busy_) return;
  timer_.cancel();
  if (ms > 0) timer_.arm(std::max<uint64_t>(ms / kLooksPerLimit, 1));
}

void Exchange::moved() {
  moved_ms_ = executor_.now_ms();
  unsent_before_ = unsent();
}

void Exchange::on_timer() {
  if (!busy_) {
    release();
    return;
  }
  if (unsent() != unsent_before_) moved();
  if (executor_.now_ms() - moved_ms_ >= quiet_ms_) {
    fail(unavailable(connection_->address() + ": i/o timeout"));
    return;
  }
  timer_.arm(std::max<uint64_t>(quiet_ms_ / kLooksPerLimit, 1));
}

void Exchange::on_connection_state(httpio::ClientConnection& connection,
                                   httpio::ClientConnection::State state) {
  if (&connection != connection_.get()) return;  // one that was given up
  if (state == httpio::ClientConnection::State::kReady && busy_ && stream_ == nullptr) {
    open();
  } else if (state == httpio::ClientConnection::State::kClosed) {
    if (busy_) {
      fail(connection.why_closed().ok() ? unavailable("connection closed")
                                        : Status(connection.why_closed()));
    } else {
      release();
    }
  }
}

void Exchange::on_head(int status, const http::Headers& headers) {
  moved();
  user_.on_head(status, headers);
}

void Exchange::on_body(std::string_view bytes) {
  moved();
  stream_->consumed(bytes.size());
  user_.on_body(bytes);
}

void Exchange::on_writable() { user_.on_writable(); }

void Exchange::on_end(const http::Headers&) {
  stream_ = nullptr;
  busy_ = false;
  if (limits_.idle_ms > 0) {
    timer_.arm(limits_.idle_ms);
  } else {
    timer_.cancel();
    release();
  }
  user_.on_done();
}

void Exchange::on_abort(const http::Abort& abort) {
  stream_ = nullptr;
  fail(abort.status);
}

void Exchange::fail(const Status& why) {
  if (!busy_) return;
  const Status reason = why;  // it may be the connection's own
  stop();
  user_.on_failed(reason);
}

}  // namespace gatehouse::transport
