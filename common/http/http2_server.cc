#include <memory>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/http/http2.h"
#include "common/http/http2_core.h"
#include "common/http/http2_stream.h"

namespace gatehouse::http {

class Http2ServerSession;

class Http2ServerStream final : public Http2Stream, public ServerStream {
 public:
  explicit Http2ServerStream(Http2ServerSession& session);

  const RequestHead& request() const override { return request_; }
  const env::PeerInfo& peer() const override;
  int http_major() const override { return 2; }

  void send_head(int status, const Headers& headers) override;
  void send_body(std::string_view bytes) override;
  void send_end(const Headers& trailers) override;
  size_t unsent() const override { return waiting(); }
  void consumed(size_t bytes) override { give_back(bytes); }
  void abort(ErrorCode code) override {
    if (!ended_) reset_silently(code);
  }

 protected:
  void on_pseudo_field(std::string_view name, std::string_view value) override;
  void on_fields_end(bool end_stream) override;
  bool on_body(std::string_view bytes) override;
  void on_body_end() override;
  void on_writable() override;
  void on_closed(const Abort* abort) override;
  bool over() const override { return end_sent_; }
  void submit() override;
  void recycle() override;

 private:
  // The handler still listens to the request.
  bool listening() const { return handler_ != nullptr && !silent_ && !ended_; }
  void answer(int status, std::string_view text);

  Http2ServerSession& session_;
  std::unique_ptr<StreamHandler> handler_;
  RequestHead request_;
  Headers trailers_in_;
  bool request_told_ = false;

  Headers head_out_;
  char status_[3] = {};
  bool head_given_ = false;
  bool head_submitted_ = false;
  bool bodyless_ = false;  // HEAD, 204, 304: what the handler sends as body is dropped
};

class Http2ServerSession final : public Http2SessionOf<Http2Server> {
 public:
  Http2ServerSession(SessionHost& host, RequestHandler& handler, const env::PeerInfo& peer,
                     const Http2ServerOptions& options)
      : Http2SessionOf(host, {.side = Side::kServer,
                              .stream_window_bytes = options.stream_window_bytes,
                              .connection_window_bytes = options.connection_window_bytes,
                              .max_frame_size = options.max_frame_size,
                              .max_header_list_bytes = options.max_header_list_bytes,
                              .max_continuations = options.max_continuations,
                              .max_queued_acks = options.max_queued_acks,
                              .max_concurrent_streams = options.max_concurrent_streams,
                              .floods = options.floods,
                              .min_ping_interval_ms = options.min_ping_interval_ms,
                              .permit_pings_without_stream = options.permit_pings_without_stream}),
        handler_(handler),
        peer_(peer) {}

  RequestHandler& handler() { return handler_; }
  const env::PeerInfo& peer() const { return peer_; }

 private:
  std::unique_ptr<Http2Stream> make_stream() override {
    return std::make_unique<Http2ServerStream>(*this);
  }

  RequestHandler& handler_;
  const env::PeerInfo peer_;
};

Http2ServerStream::Http2ServerStream(Http2ServerSession& session)
    : Http2Stream(session), session_(session) {
  fields_ = &request_.headers;
}

const env::PeerInfo& Http2ServerStream::peer() const { return session_.peer(); }

void Http2ServerStream::send_head(int status, const Headers& headers) {
  if (!open_for_sending()) return;
  CHECK_MSG(!head_given_, "send_head() called twice");
  CHECK_MSG(status >= 200 && status <= 999, "send_head() with a status that is not final");
  head_given_ = true;
  status_[0] = static_cast<char>('0' + status / 100);
  status_[1] = static_cast<char>('0' + status / 10 % 10);
  status_[2] = static_cast<char>('0' + status % 10);
  bodyless_ = status == 204 || status == 304 || request_.method == "HEAD";
  head_out_ = headers;
  core_.enqueue(*this);
}

void Http2ServerStream::send_body(std::string_view bytes) {
  if (!open_for_sending() || bodyless_) return;
  CHECK_MSG(head_given_, "send_body() before send_head()");
  append_body(bytes);
}

void Http2ServerStream::send_end(const Headers& trailers) {
  if (!open_for_sending()) return;
  CHECK_MSG(head_given_, "send_end() before send_head()");
  trailers_out_ = trailers;
  end_body();
}

void Http2ServerStream::answer(int status, std::string_view text) {
  send_head(status, {{"content-type", "text/plain; charset=utf-8"},
                     {"content-length", std::to_string(text.size())}});
  send_body(text);
  send_end({});
}

void Http2ServerStream::on_pseudo_field(std::string_view name, std::string_view value) {
  if (name == ":path") {
    request_.path = value;
  } else if (name == ":method") {
    request_.method = value;
  } else if (name == ":scheme") {
    request_.scheme = value;
  } else if (name == ":authority") {
    request_.authority = value;
  }
}

void Http2ServerStream::on_fields_end(bool) {
  if (request_told_) {  // these were the trailers
    if (oversized_) {
      fail(ErrorCode::kEnhanceYourCalm, resource_exhausted("request trailers too large"));
    }
    return;
  }
  request_told_ = true;
  fields_ = &trailers_in_;
  if (oversized_) return answer(431, "request headers too large\n");
  if (request_.method == "CONNECT") return answer(501, "CONNECT is not supported\n");
  if (request_.authority.empty()) {
    if (const auto host = request_.headers.get("host")) request_.authority = *host;
  }
  handler_ = session_.handler().on_request(*this);
  CHECK(handler_ != nullptr);
}

bool Http2ServerStream::on_body(std::string_view bytes) {
  if (!listening()) return false;
  handler_->on_body(bytes);
  return true;
}

void Http2ServerStream::on_body_end() {
  if (listening() && !reset_wanted_) handler_->on_end(trailers_in_);
}

void Http2ServerStream::on_writable() {
  if (handler_ != nullptr && open_for_sending()) handler_->on_writable();
}

void Http2ServerStream::on_closed(const Abort* abort) {
  if (handler_ == nullptr) return;
  if (abort != nullptr) handler_->on_abort(*abort);
  handler_.reset();
}

void Http2ServerStream::submit() {
  if (!head_given_) return;
  if (std::exchange(head_submitted_, true)) return submit_body();

  std::vector<nghttp2_nv>& fields = core_.fields_scratch();
  fields.push_back(borrow_field(":status", {status_, sizeof status_}));
  borrow_fields(head_out_, fields);
  if (!ended_ || !out_.empty()) {
    const ng::DataProvider body = body_provider();
    core_.check_submitted(
        ng::submit_response(core_.session(), id_, fields.data(), fields.size(), &body));
  } else if (trailers_out_.empty()) {
    // Nothing but a head: one HEADERS frame with END_STREAM.
    core_.check_submitted(
        ng::submit_response(core_.session(), id_, fields.data(), fields.size(), nullptr));
  } else {
    core_.check_submitted(nghttp2_submit_headers(core_.session(), NGHTTP2_FLAG_NONE, id_, nullptr,
                                                 fields.data(), fields.size(), nullptr));
    submit_trailers();
  }
}

void Http2ServerStream::recycle() {
  Http2Stream::recycle();
  request_.method.clear();
  request_.path.clear();
  request_.scheme.clear();
  request_.authority.clear();
  request_.headers.clear();
  trailers_in_.clear();
  head_out_.clear();
  fields_ = &request_.headers;
  request_told_ = false;
  head_given_ = false;
  head_submitted_ = false;
  bodyless_ = false;
}

std::unique_ptr<Http2Server> make_http2_server(SessionHost& host, RequestHandler& handler,
                                               const env::PeerInfo& peer,
                                               const Http2ServerOptions& options) {
  return std::make_unique<Http2ServerSession>(host, handler, peer, options);
}

}  // namespace gatehouse::http
