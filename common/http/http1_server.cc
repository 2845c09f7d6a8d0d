#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/http/fields.h"
#include "common/http/http1.h"
#include "common/http/http1_parser.h"
#include "common/http/http1_writer.h"

namespace gatehouse::http {

namespace {

// The rest of a request body that nobody reads any more is read up to here for the sake of the
// connection; beyond it the connection closes.
constexpr size_t kMaxDiscardedBytes = 256 * 1024;

// One exchange at a time: the session is its own stream. Requests behind the one under way wait as
// bytes in backlog_.
class Http1ServerSession final : public Session, private ServerStream, private Http1Parser::Sink {
 public:
  Http1ServerSession(SessionHost& host, RequestHandler& requests, const env::PeerInfo& peer,
                     const Http1Options& options)
      : host_(host),
        requests_(requests),
        peer_(peer),
        options_(options),
        parser_(Http1Parser::Kind::kRequest, options, *this) {}

  void feed(std::string_view bytes) override;
  void take_output(std::string& out, size_t budget) override;
  void peer_finished() override;
  void connection_lost(const Status& why) override { finish(why); }
  void drain() override;
  bool finished() const override { return finished_; }
  const Status& why_finished() const override { return why_; }
  size_t active_streams() const override { return exchange_ ? 1 : 0; }
  bool wants_pause() const override {
    return unconsumed_ > options_.max_unread_bytes || backlog_.size() > options_.max_unread_bytes;
  }

 private:
  const RequestHead& request() const override { return request_; }
  const env::PeerInfo& peer() const override { return peer_; }
  int http_major() const override { return 1; }
  void send_head(int status, const Headers& headers) override;
  void send_body(std::string_view bytes) override;
  void send_end(const Headers& trailers) override;
  size_t unsent() const override { return writer_.waiting(); }
  void consumed(size_t bytes) override;
  void abort(ErrorCode code) override;

  bool on_message_head() override;
  void on_message_body(std::string_view bytes) override;

  void take_target();
  bool take_host();
  size_t read(std::string_view bytes);
  void read_backlog();
  bool drain_response(std::string& out, size_t budget);
  void end_exchange();
  void refuse(int status, std::string_view text);
  void answer_refusal();
  void finish(const Status& why);
  void wake();

  // The handler still listens to the request.
  bool listening() const { return handler_ != nullptr && !writer_.ended() && !aborted_; }
  bool open_for_sending() const { return exchange_ && !finished_ && !aborted_ && !writer_.ended(); }

  SessionHost& host_;
  RequestHandler& requests_;
  const env::PeerInfo peer_;
  const Http1Options options_;
  Http1Parser parser_;
  Http1Writer writer_;
  SendBuffer backlog_;

  RequestHead request_;
  std::unique_ptr<StreamHandler> handler_;
  bool exchange_ = false;      // from the request's head to the end of both
  bool request_done_ = false;  // all of the request has come
  bool keep_alive_ = true;
  bool trailers_welcome_ = false;
  bool continue_expected_ = false;  // the client waits for 100 Continue
  bool above_low_water_ = false;
  bool aborted_ = false;
  size_t unconsumed_ = 0;
  size_t discarded_ = 0;

  int refusal_ = 0;  // the status that ends the connection
  std::string refusal_text_;
  Status verdict_;  // why_finished() once the last response is out

  bool inside_ = false;
  bool awake_ = false;
  bool draining_ = false;
  bool peer_finished_ = false;
  bool finished_ = false;
  Status why_;
};

void Http1ServerSession::feed(std::string_view bytes) {
  if (finished_ || refusal_ != 0) return;
  inside_ = true;
  if (backlog_.empty()) bytes.remove_prefix(read(bytes));
  if (refusal_ == 0) backlog_.append(bytes);
  inside_ = false;
  wake();
}

// Reads up to the end of one request; the next waits until that one is answered.
size_t Http1ServerSession::read(std::string_view bytes) {
  if (request_done_) return 0;
  const size_t count = parser_.read(bytes);
  if (refusal_ == 0 && parser_.error().status != 0) {
    refuse(parser_.error().status, parser_.error().text);
  }
  if (refusal_ != 0) {
    answer_refusal();
  } else if (parser_.message_complete()) {
    request_done_ = true;
    if (listening()) handler_->on_end(parser_.trailers());
  }
  return count;
}

void Http1ServerSession::read_backlog() {
  if (backlog_.empty() || request_done_ || finished_ || refusal_ != 0) return;
  backlog_.drop(read(backlog_.front(backlog_.size())));
}

bool Http1ServerSession::on_message_head() {
  exchange_ = true;
  keep_alive_ = parser_.keep_alive() && !draining_;
  request_.method = parser_.method();
  request_.scheme = peer_.tls ? "https" : "http";
  request_.headers.clear();
  if (!take_host()) return true;
  take_target();
  if (request_.method == "CONNECT") {
    refuse(501, "CONNECT is not supported");
    return true;
  }
  trailers_welcome_ = false;
  for (const Headers::Field& field : parser_.headers()) {
    if (field.name == "host") continue;
    request_.headers.add(field.name, field.value);
    if (field.name == "te") {
      trailers_welcome_ = field.value.find("trailers") != std::string_view::npos;
    } else if (field.name == "expect" && parser_.minor_version() > 0) {
      if (!equals_ignoring_case(field.value, "100-continue")) {
        refuse(417, "only 100-continue can be expected");
        return true;
      }
      continue_expected_ = parser_.expects_body();
    }
  }
  handler_ = requests_.on_request(*this);
  CHECK(handler_ != nullptr);
  return true;
}

// RFC 9112 section 3.2: one Host, and HTTP/1.1 cannot do without.
bool Http1ServerSession::take_host() {
  size_t hosts = 0;
  request_.authority.clear();
  for (const Headers::Field& field : parser_.headers()) {
    if (field.name != "host") continue;
    ++hosts;
    request_.authority = field.value;
  }
  if (hosts > 1 || (hosts == 0 && parser_.minor_version() > 0)) {
    refuse(400, hosts > 1 ? "more than one Host header" : "missing Host header");
    return false;
  }
  return true;
}

// RFC 9112 section 3.2.2: an absolute target names the authority; the path is what handlers want.
void Http1ServerSession::take_target() {
  request_.path = parser_.target();
  for (const std::string_view scheme :
       {std::string_view("http://"), std::string_view("https://")}) {
    const std::string_view target = parser_.target();
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    request_.authority = rest.substr(0, end);
    request_.path = rest.substr(end);
    if (request_.path.empty() || request_.path.front() != '/') request_.path.insert(0, 1, '/');
  }
}

void Http1ServerSession::on_message_body(std::string_view bytes) {
  continue_expected_ = false;
  if (refusal_ != 0) return;
  if (listening()) {
    unconsumed_ += bytes.size();
    handler_->on_body(bytes);
  } else {
    discarded_ += bytes.size();
  }
}

void Http1ServerSession::send_head(int status, const Headers& headers) {
  if (!open_for_sending()) return;
  CHECK_MSG(!writer_.started(), "send_head() called twice");
  CHECK_MSG(status >= 200 && status <= 999, "send_head() with a status that is not final");
  // A client told no "Continue" may or may not send the body: where the next request starts is
  // anyone's guess (RFC 9110 section 10.1.1).
  if (continue_expected_) keep_alive_ = false;
  const bool http_1_1 = parser_.minor_version() > 0;
  std::string start_line = "HTTP/1.1 " + std::to_string(status) + " ";
  start_line.append(reason_phrase(status));
  writer_.start(start_line, headers,
                {.body = status != 204 && status != 304 && request_.method != "HEAD",
                 .length = status != 204,
                 .chunks = http_1_1,
                 .trailers = http_1_1 && trailers_welcome_});
  if (writer_.asked_to_close()) keep_alive_ = false;
  wake();
}

void Http1ServerSession::send_body(std::string_view bytes) {
  if (!open_for_sending()) return;
  CHECK_MSG(writer_.started(), "send_body() before send_head()");
  writer_.append(bytes);
  if (writer_.waiting() > kLowWater) above_low_water_ = true;
  wake();
}

void Http1ServerSession::send_end(const Headers& trailers) {
  if (!open_for_sending()) return;
  CHECK_MSG(writer_.started(), "send_end() before send_head()");
  writer_.end(trailers);
  unconsumed_ = 0;  // the rest of the request is nobody's any more
  wake();
}

void Http1ServerSession::consumed(size_t bytes) {
  if (!listening() || finished_) return;
  CHECK_MSG(bytes <= unconsumed_, "consumed() of more than came");
  const bool paused = wants_pause();
  unconsumed_ -= bytes;
  if (paused && !wants_pause()) wake();
}

void Http1ServerSession::abort(ErrorCode) {
  if (!open_for_sending()) return;
  aborted_ = true;
  wake();
}

void Http1ServerSession::take_output(std::string& out, size_t budget) {
  awake_ = false;
  if (finished_) return;
  inside_ = true;
  while (!finished_ && drain_response(out, budget)) read_backlog();
  if (!finished_ && !exchange_ && (peer_finished_ || (draining_ && !parser_.begun()))) {
    finish(parser_.begun() ? unavailable("client closed the connection within a request")
                           : Status());
  }
  inside_ = false;
}

// False when there is nothing more to do for now.
bool Http1ServerSession::drain_response(std::string& out, size_t budget) {
  if (aborted_) {
    finish(unavailable("exchange aborted by its handler"));
    return false;
  }
  if (!exchange_ && refusal_ == 0) return !backlog_.empty();
  if (continue_expected_ && !writer_.started()) {
    continue_expected_ = false;
    out.append("HTTP/1.1 100 Continue\r\n\r\n");
  }
  writer_.drain(out, budget,
                !keep_alive_                   ? "close"
                : parser_.minor_version() == 0 ? "keep-alive"
                                               : "");
  if (above_low_water_ && writer_.waiting() <= kLowWater) {
    above_low_water_ = false;
    if (open_for_sending()) {
      handler_->on_writable();
      return true;
    }
  }
  if (!writer_.complete()) return !backlog_.empty() && !request_done_;
  handler_.reset();
  if (!keep_alive_ || writer_.must_close() || discarded_ > kMaxDiscardedBytes) {
    finish(verdict_);
    return false;
  }
  if (request_done_) end_exchange();
  return !backlog_.empty();
}

void Http1ServerSession::end_exchange() {
  exchange_ = false;
  request_done_ = false;
  continue_expected_ = false;
  above_low_water_ = false;
  unconsumed_ = 0;
  discarded_ = 0;
  writer_.reset();
  parser_.next();
}

void Http1ServerSession::refuse(int status, std::string_view text) {
  if (refusal_ != 0) return;
  refusal_ = status;
  refusal_text_ = text;
}

// The request cannot be read on: says so, where nothing of a response has left, and closes.
void Http1ServerSession::answer_refusal() {
  verdict_ =
      invalid_argument("client request refused: " + std::to_string(refusal_) + " " + refusal_text_);
  backlog_.reset();
  keep_alive_ = false;
  if (writer_.ended()) return;  // the answer to this request is given already
  if (writer_.head_drained()) return finish(verdict_);
  if (handler_ != nullptr) {
    const std::unique_ptr<StreamHandler> handler = std::move(handler_);
    Abort broken;
    broken.code = ErrorCode::kProtocolError;
    broken.status = verdict_;
    aborted_ = true;  // nothing it does now counts
    handler->on_abort(broken);
    aborted_ = false;
  }
  continue_expected_ = false;
  writer_.reset();
  const std::string text = refusal_text_ + "\n";
  std::string start_line = "HTTP/1.1 " + std::to_string(refusal_) + " ";
  start_line.append(reason_phrase(refusal_));
  writer_.start(start_line, {{"content-type", "text/plain; charset=utf-8"}},
                {.body = request_.method != "HEAD" || !parser_.head_complete()});
  writer_.append(text);
  writer_.end({});
}

void Http1ServerSession::peer_finished() {
  if (finished_) return;
  peer_finished_ = true;
  if (exchange_ && !request_done_) {
    keep_alive_ = false;
    if (writer_.complete() || !writer_.ended()) {
      finish(unavailable("client closed the connection within a request"));
    }
  } else if (exchange_ && writer_.head_drained() && !writer_.ended() && !writer_.length_known()) {
    // A client may close its direction early and wait for the answer; one that is told an endless
    // stream has gone, and would else be noticed only at the next write.
    finish(unavailable("client closed the connection"));
  }
  wake();
}

void Http1ServerSession::drain() {
  draining_ = true;
  keep_alive_ = false;
  if (!exchange_ && !parser_.begun() && backlog_.empty() && refusal_ == 0) finish(Status());
  wake();
}

void Http1ServerSession::finish(const Status& why) {
  if (std::exchange(finished_, true)) return;
  why_ = why;
  exchange_ = false;
  if (handler_ == nullptr) return;
  const std::unique_ptr<StreamHandler> handler = std::move(handler_);
  const bool over = aborted_ || writer_.complete();
  aborted_ = true;
  if (over) return;
  Abort abort;
  abort.status = why.ok() ? unavailable("connection closed") : why;
  handler->on_abort(abort);
}

void Http1ServerSession::wake() {
  if (inside_ || std::exchange(awake_, true)) return;
  host_.wake();
}

}  // namespace

std::unique_ptr<Session> make_http1_server(SessionHost& host, RequestHandler& handler,
                                           const env::PeerInfo& peer, const Http1Options& options) {
  return std::make_unique<Http1ServerSession>(host, handler, peer, options);
}

}  // namespace gatehouse::http
