#include "proxy/upstream/http_get.h"

#include <utility>

#include "common/http/exchange.h"
#include "common/httpio/client_connection.h"
#include "common/net/address.h"

namespace gatehouse::upstream {

namespace {
httpio::ClientConnectionOptions http1_options() {
  httpio::ClientConnectionOptions options;
  options.protocol = httpio::ClientConnectionOptions::Protocol::kHttp1;
  return options;
}

// What goes into Host: an endpoint may be a URL, and a Unix socket has no host at all.
std::string authority_of(const std::string& address) {
  const Result<net::Address> parsed = net::parse_address(address);
  const bool tcp = parsed.ok() && parsed->kind == net::Address::Kind::kTcp;
  return tcp ? parsed->to_string() : "localhost";
}
}  // namespace

// Listens to its connection, so it lives exactly as long: to the end of the turn in which nobody
// wants it any more.
class HttpGet::Request final : public httpio::ClientConnection::Listener,
                               public http::ClientStreamHandler {
 public:
  Request(env::Executor& executor, net::Dialer& dialer, const std::string& address,
          std::string path, uint64_t timeout_ms, Done done)
      : path_(std::move(path)),
        done_(std::move(done)),
        deadline_(executor, [this] { fail("no answer in time"); }),
        connection_(executor, dialer, address, http1_options(), *this) {
    deadline_.arm(timeout_ms);
  }

  void give_up() {
    done_ = nullptr;
    deadline_.cancel();
    if (stream_ != nullptr) std::exchange(stream_, nullptr)->cancel();
  }

 private:
  void on_connection_state(httpio::ClientConnection& connection,
                           httpio::ClientConnection::State state) override {
    if (!done_) return;
    if (state == httpio::ClientConnection::State::kReady) {
      http::RequestHead head;
      head.method = "GET";
      head.path = path_;
      head.scheme = connection.peer().tls ? "https" : "http";
      head.authority = authority_of(connection.address());
      stream_ = connection.open(head, /*end=*/true, *this);
    } else if (state == httpio::ClientConnection::State::kClosed) {
      if (connection.why_closed().ok()) return fail("connection closed");
      finish(connection.why_closed());
    }
  }
  void on_can_open(httpio::ClientConnection&) override {}

  void on_head(int status, const http::Headers& headers) override {
    response_.status = status;
    response_.content_type = headers.get("content-type").value_or("");
  }
  void on_body(std::string_view bytes) override {
    if (response_.body.size() + bytes.size() > kMaxBodyBytes) {
      return fail("answer larger than " + std::to_string(kMaxBodyBytes) + " bytes");
    }
    response_.body.append(bytes);
    stream_->consumed(bytes.size());
  }
  void on_end(const http::Headers&) override {
    stream_ = nullptr;
    finish(std::move(response_));
  }
  void on_abort(const http::Abort& abort) override {
    stream_ = nullptr;
    fail(abort.status.message());
  }

  void fail(std::string_view why) {
    finish(unavailable(connection_.address() + ": " + std::string(why)));
  }

  void finish(Result<HttpResponse> result) {
    if (!done_) return;
    Done done = std::move(done_);
    give_up();
    done(std::move(result));
  }

  const std::string path_;
  Done done_;
  HttpResponse response_;
  env::Timer deadline_;
  http::ClientStream* stream_ = nullptr;
  httpio::ClientConnection connection_;
};

HttpGet::HttpGet(env::Executor& executor, net::Dialer& dialer, const std::string& address,
                 std::string path, uint64_t timeout_ms, Done done)
    : executor_(executor),
      request_(std::make_unique<Request>(executor, dialer, address, std::move(path), timeout_ms,
                                         std::move(done))) {}

HttpGet::~HttpGet() {
  request_->give_up();
  executor_.destroy_later(std::move(request_));
}

}  // namespace gatehouse::upstream
