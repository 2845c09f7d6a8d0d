#include <memory>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/http/fields.h"
#include "common/http/http1.h"
#include "common/http/http1_parser.h"
#include "common/http/http1_request.h"
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

  size_t read(std::string_view bytes);
  void read_backlog();
  bool drain_response(std::string& out, size_t budget);
  void end_exchange();
  void refuse(int status, std::string_view text);
  void answer_refusal();
  void finish(const Status& why);
  void wake();

  bool more_to_read() const {
    return !backlog_.empty() && !request_done_ && !finished_ && refusal_ == 0;
  }
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
  Http1RequestWishes wishes_;
  std::unique_ptr<StreamHandler> handler_;
  bool exchange_ = false;      // from the request's head to the end of both
  bool request_done_ = false;  // all of the request has come
  bool keep_alive_ = true;
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
  if (!more_to_read()) return;
  backlog_.drop(read(backlog_.front(backlog_.size())));
  if (refusal_ != 0) backlog_.reset();
}

bool Http1ServerSession::on_message_head() {
  exchange_ = true;
  keep_alive_ = parser_.keep_alive() && !draining_;
  const Http1Parser::Error error = take_request_head(parser_, peer_.tls, request_, wishes_);
  if (error.status != 0) {
    refuse(error.status, error.text);
  } else {
    handler_ = requests_.on_request(*this);
    CHECK(handler_ != nullptr);
  }
  return true;
}

void Http1ServerSession::on_message_body(std::string_view bytes) {
  wishes_.continuation = false;
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
  if (wishes_.continuation) keep_alive_ = false;
  std::string start_line = "HTTP/1.1 " + std::to_string(status) + " ";
  start_line.append(reason_phrase(status));
  writer_.start(start_line, headers,
                {.body = status != 204 && status != 304 && request_.method != "HEAD",
                 .length = status != 204,
                 .chunks = parser_.minor_version() > 0,
                 .trailers = wishes_.trailers});
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
  if (!exchange_ && refusal_ == 0) return more_to_read();
  if (wishes_.continuation && !writer_.started()) {
    wishes_.continuation = false;
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
  if (!writer_.complete()) return more_to_read();
  handler_.reset();
  if (!keep_alive_ || writer_.must_close() || discarded_ > kMaxDiscardedBytes) {
    finish(verdict_);
    return false;
  }
  if (request_done_) end_exchange();
  return more_to_read();
}

void Http1ServerSession::end_exchange() {
  exchange_ = false;
  request_done_ = false;
  wishes_.continuation = false;
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
  wishes_.continuation = false;
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
