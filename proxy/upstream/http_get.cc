#include "proxy/upstream/http_get.h"

#include <utility>

namespace gatehouse::upstream {

namespace {
httpio::ClientConnectionOptions http1_options() {
  httpio::ClientConnectionOptions options;
  options.protocol = httpio::ClientConnectionOptions::Protocol::kHttp1;
  return options;
}
}  // namespace

HttpGet::HttpGet(env::Executor& executor, net::Dialer& dialer, const std::string& address,
                 std::string path, uint64_t timeout_ms, Done done)
    : executor_(executor),
      path_(std::move(path)),
      done_(std::move(done)),
      deadline_(executor,
                [this] { finish(unavailable(connection_->address() + ": no answer in time")); }),
      connection_(std::make_unique<httpio::ClientConnection>(
          executor, dialer, address, http1_options(),
          static_cast<httpio::ClientConnection::Listener&>(*this))) {
  deadline_.arm(timeout_ms);
}

HttpGet::~HttpGet() {
  if (stream_ != nullptr) stream_->cancel();
  executor_.destroy_later(std::move(connection_));
}

void HttpGet::on_connection_state(httpio::ClientConnection& connection,
                                  httpio::ClientConnection::State state) {
  if (state == httpio::ClientConnection::State::kReady && stream_ == nullptr) {
    http::RequestHead head;
    head.method = "GET";
    head.path = path_;
    head.scheme = connection.peer().tls ? "https" : "http";
    head.authority = connection.address();
    stream_ = connection.open(head, /*end=*/true, *this);
  } else if (state == httpio::ClientConnection::State::kClosed && done_) {
    finish(connection.why_closed().ok() ? unavailable(connection.address() + ": connection closed")
                                        : connection.why_closed());
  }
}

void HttpGet::on_head(int status, const http::Headers& headers) {
  response_.status = status;
  response_.content_type = headers.get("content-type").value_or("");
}

void HttpGet::on_body(std::string_view bytes) {
  if (response_.body.size() + bytes.size() > kMaxBodyBytes) {
    finish(unavailable(connection_->address() + ": answer larger than " +
                       std::to_string(kMaxBodyBytes) + " bytes"));
    return;
  }
  response_.body.append(bytes);
  stream_->consumed(bytes.size());
}

void HttpGet::on_end(const http::Headers&) {
  stream_ = nullptr;
  finish(std::move(response_));
}

void HttpGet::on_abort(const http::Abort& abort) {
  stream_ = nullptr;
  finish(abort.status.with_context(connection_->address()));
}

void HttpGet::finish(Result<HttpResponse> result) {
  if (!done_) return;
  deadline_.cancel();
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->cancel();
  Done done = std::move(done_);
  done_ = nullptr;
  done(std::move(result));
}

}  // namespace gatehouse::upstream
