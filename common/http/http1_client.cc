#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/http/error_code.h"
#include "common/http/fields.h"
#include "common/http/http1.h"
#include "common/http/http1_parser.h"
#include "common/http/http1_writer.h"

namespace gatehouse::http {

namespace {

// One exchange at a time: the session is its own stream.
class Http1ClientSession final : public ClientSession,
                                 private ClientStream,
                                 private Http1Parser::Sink {
 public:
  Http1ClientSession(SessionHost& host, const Http1Options& options)
      : host_(host), options_(options), parser_(Http1Parser::Kind::kResponse, options, *this) {}

  void feed(std::string_view bytes) override;
  void take_output(std::string& out, size_t budget) override;
  void peer_finished() override;
  void connection_lost(const Status& why) override { finish(why); }
  void drain() override;
  bool finished() const override { return finished_; }
  const Status& why_finished() const override { return why_; }
  size_t active_streams() const override { return exchange_ ? 1 : 0; }
  bool wants_pause() const override { return unconsumed_ > options_.max_unread_bytes; }
  bool can_open() const override { return !exchange_ && !closing(); }
  bool closing() const override { return finished_ || draining_; }
  ClientStream* open(const RequestHead& head, bool end, ClientStreamHandler& handler) override;

 private:
  void send_body(std::string_view bytes) override;
  void send_end() override;
  size_t unsent() const override { return writer_.waiting(); }
  void consumed(size_t bytes) override;
  void cancel(ErrorCode code) override;

  bool on_message_head() override;
  void on_message_body(std::string_view bytes) override;

  void read(std::string_view bytes);
  void end_response();
  void finish(const Status& why);
  void wake();

  bool informational() const { return parser_.status() < 200; }

  SessionHost& host_;
  const Http1Options options_;
  Http1Parser parser_;
  Http1Writer writer_;

  ClientStreamHandler* handler_ = nullptr;  // null once it had its last callback
  bool exchange_ = false;                   // until the response is complete and the request is out
  bool head_request_ = false;
  bool sent_ = false;  // something of the request has left
  bool above_low_water_ = false;
  size_t unconsumed_ = 0;
  Status bad_request_;  // the head cannot be sent; told in the next take_output

  bool inside_ = false;
  bool awake_ = false;
  bool draining_ = false;
  bool finished_ = false;
  Status why_;
};

// A request line is split at its spaces.
bool is_word(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

ClientStream* Http1ClientSession::open(const RequestHead& head, bool end,
                                       ClientStreamHandler& handler) {
  if (!can_open()) return nullptr;
  exchange_ = true;
  handler_ = &handler;
  head_request_ = head.method == "HEAD";
  sent_ = false;
  if (!is_word(head.method) || !is_word(head.path) ||
      (!head.authority.empty() && !is_word(head.authority))) {
    bad_request_ = invalid_argument("method, path or authority cannot be put into a request line");
  }
  Headers headers;
  headers.add("host", head.authority);
  for (const Headers::Field& field : head.headers) {
    if (field.name != "host") headers.add(field.name, field.value);
  }
  // Methods that usually have a body say so when they have none.
  const bool may_have_body = head.method != "GET" && head.method != "HEAD" &&
                             head.method != "DELETE" && head.method != "OPTIONS";
  writer_.start(head.method + " " + head.path + " HTTP/1.1", headers,
                {.trailers = false, .empty_length = may_have_body});
  if (end) writer_.end({});
  wake();
  return this;
}

void Http1ClientSession::send_body(std::string_view bytes) {
  if (handler_ == nullptr || writer_.ended()) return;
  writer_.append(bytes);
  if (writer_.waiting() > kLowWater) above_low_water_ = true;
  wake();
}

void Http1ClientSession::send_end() {
  if (handler_ == nullptr || writer_.ended()) return;
  writer_.end({});
  wake();
}

void Http1ClientSession::consumed(size_t bytes) {
  if (handler_ == nullptr) return;
  CHECK_MSG(bytes <= unconsumed_, "consumed() of more than came");
  const bool paused = wants_pause();
  unconsumed_ -= bytes;
  if (paused && !wants_pause()) wake();
}

void Http1ClientSession::cancel(ErrorCode) {
  if (handler_ == nullptr) return;
  handler_ = nullptr;
  if (!sent_) {
    exchange_ = false;  // as if it had never been
    bad_request_ = Status();
    writer_.reset();
  }
  wake();
}

void Http1ClientSession::take_output(std::string& out, size_t budget) {
  awake_ = false;
  if (finished_) return;
  inside_ = true;
  if (exchange_ && sent_ && handler_ == nullptr) {
    // Cancelled: the answer may still come, and no one can tell it from the next one's.
    finish(unavailable("connection closed because its request was cancelled"));
  } else if (!bad_request_.ok()) {
    exchange_ = false;
    writer_.reset();
    Abort abort;
    abort.surely_not_processed = true;
    abort.status = std::exchange(bad_request_, Status());
    std::exchange(handler_, nullptr)->on_abort(abort);
  }
  while (!finished_ && exchange_) {
    const size_t before = out.size();
    writer_.drain(out, budget, draining_ ? "close" : "");
    sent_ = sent_ || out.size() > before;
    if (!above_low_water_ || writer_.waiting() > kLowWater) break;
    above_low_water_ = false;
    if (handler_ != nullptr && !writer_.ended()) handler_->on_writable();
  }
  if (!finished_ && writer_.must_close() && writer_.complete()) {
    finish(invalid_argument("request body is not as long as its content-length"));
  }
  if (!finished_ && draining_ && !exchange_) finish(Status());
  inside_ = false;
}

void Http1ClientSession::feed(std::string_view bytes) {
  if (finished_) return;
  inside_ = true;
  read(bytes);
  inside_ = false;
  wake();
}

void Http1ClientSession::read(std::string_view bytes) {
  while (!bytes.empty() && !finished_) {
    if (!exchange_ || !sent_) {
      // Some servers say 408 before they close an idle connection.
      return finish(unavailable("server sent a response without a request"));
    }
    bytes.remove_prefix(parser_.read(bytes));
    if (parser_.error().status != 0) {
      return finish(
          internal_error("server sent a response that is not HTTP/1.1: " + parser_.error().text));
    }
    if (parser_.message_complete()) end_response();
  }
}

bool Http1ClientSession::on_message_head() {
  if (!informational() && handler_ != nullptr) {
    handler_->on_head(parser_.status(), parser_.headers());
  }
  return !head_request_;
}

void Http1ClientSession::on_message_body(std::string_view bytes) {
  if (handler_ == nullptr) return;
  unconsumed_ += bytes.size();
  handler_->on_body(bytes);
}

void Http1ClientSession::end_response() {
  if (parser_.status() == 101) {
    return finish(internal_error("server switched protocols without being asked"));
  }
  if (informational()) return parser_.next();  // the response itself follows
  // A request that was not needed in full leaves a connection that nothing can follow on.
  const bool reusable = parser_.keep_alive() && writer_.complete() && handler_ != nullptr;
  exchange_ = false;
  unconsumed_ = 0;
  above_low_water_ = false;
  ClientStreamHandler* handler = std::exchange(handler_, nullptr);
  // Before the callback: it may open the next one.
  const Headers trailers = parser_.trailers();
  parser_.next();
  writer_.reset();
  if (!reusable) finished_ = true;
  if (handler != nullptr) handler->on_end(trailers);
}

void Http1ClientSession::peer_finished() {
  if (finished_) return;
  inside_ = true;
  if (exchange_ && sent_ && parser_.finish()) {
    end_response();
    if (!finished_) finish(Status());
  } else {
    finish(unavailable("connection closed by the server"));
  }
  inside_ = false;
}

void Http1ClientSession::drain() {
  draining_ = true;
  if (!exchange_) finish(Status());
  wake();
}

void Http1ClientSession::finish(const Status& why) {
  if (std::exchange(finished_, true)) return;
  why_ = why;
  exchange_ = false;
  if (handler_ == nullptr) return;
  Abort abort;
  abort.surely_not_processed = !sent_;
  abort.status = why.ok() ? unavailable("connection closed") : why;
  std::exchange(handler_, nullptr)->on_abort(abort);
}

void Http1ClientSession::wake() {
  if (inside_ || std::exchange(awake_, true)) return;
  host_.wake();
}

}  // namespace

std::unique_ptr<ClientSession> make_http1_client(SessionHost& host, const Http1Options& options) {
  return std::make_unique<Http1ClientSession>(host, options);
}

}  // namespace gatehouse::http
