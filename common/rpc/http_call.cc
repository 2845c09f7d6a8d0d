#include "common/rpc/http_call.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/http/error_code.h"
#include "common/rpc/framing.h"
#include "common/rpc/wire.h"

namespace gatehouse::rpc {
namespace {

const char kDeadlineText[] = "context deadline exceeded";

// Bad metadata from a server costs it that metadata, not the call.
Metadata lenient_metadata(const http::Headers& headers) {
  Result<Metadata> metadata = metadata_from(headers);
  return metadata.ok() ? *std::move(metadata) : Metadata();
}

}  // namespace

HttpCall::HttpCall(env::Executor& executor, Owner& owner, const CallOptions& options,
                   ClientHandler& handler)
    : executor_(executor),
      owner_(&owner),
      handler_(handler),
      deadline_ms_(options.deadline_ms),
      inbound_(options.max_receive_bytes),
      timer_(executor, [this] { on_timer(); }) {}

HttpCall::~HttpCall() {
  if (gone_ != nullptr) *gone_ = true;
  if (stream_ != nullptr) stream_->cancel();
  leave_owner();
}

void HttpCall::leave_owner() {
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->on_call_over(*this);
}

// ---- on the way to a stream

void HttpCall::wait(std::string_view path, const Metadata& metadata, uint64_t max_wait_ms) {
  kept_ = std::make_unique<Kept>();
  kept_->path = path;
  kept_->metadata = metadata;
  give_up_ms_ = executor_.now_ms() + max_wait_ms;
  arm(std::min(give_up_ms_, deadline_ms_.value_or(UINT64_MAX)));
}

void HttpCall::opened(http::ClientStream& stream) {
  CHECK(state_ == State::kWaiting);
  state_ = State::kOpen;
  stream_ = &stream;
  if (deadline_ms_) {
    arm(*deadline_ms_);
  } else {
    timer_.cancel();
  }
  if (kept_ == nullptr) return;
  if (!kept_->body.empty()) stream.send_body(kept_->body);
  if (kept_->half_closed) stream.send_end();
  kept_.reset();
}

void HttpCall::arm(uint64_t when_ms) {
  const uint64_t now = executor_.now_ms();
  timer_.arm(when_ms > now ? when_ms - now : 0);
}

void HttpCall::on_timer() {
  if (state_ == State::kOver) {
    const std::unique_ptr<CallResult> result = std::move(result_);
    handler_.on_finish(*result);  // may destroy this
    return;
  }
  const uint64_t now = executor_.now_ms();
  const bool deadline = deadline_ms_ && now >= *deadline_ms_;
  if (state_ == State::kOpen) {
    if (deadline) fail(Status(StatusCode::kDeadlineExceeded, kDeadlineText));
    return;
  }
  std::string what = " while waiting for " + owner_->waiting_for();
  end(CallResult{deadline ? Status(StatusCode::kDeadlineExceeded, kDeadlineText + what)
                          : unavailable("timed out" + what),
                 {},
                 Executed::kNo});
}

void HttpCall::fail_unsent(Status status) {
  end_later(CallResult{std::move(status), {}, Executed::kNo});
}

// ---- what the caller sends

void HttpCall::send(std::string_view message) {
  if (state_ == State::kOver) return;
  if (stream_ == nullptr) {
    // Before wait() or opened() nobody but Subchannel::start has seen the call.
    append_message(kept_->body, message);
  } else {
    const auto prefix = message_prefix(message.size(), false);
    stream_->send_body({prefix.data(), prefix.size()});
    stream_->send_body(message);
  }
  if (!can_send()) blocked_ = true;
}

bool HttpCall::can_send() const {
  if (stream_ != nullptr) return stream_->unsent() <= kSendWindow;
  return kept_ == nullptr || kept_->body.size() <= kSendWindow;
}

void HttpCall::half_close() {
  if (stream_ != nullptr) {
    stream_->send_end();
  } else if (kept_ != nullptr) {
    kept_->half_closed = true;
  }
}

void HttpCall::on_writable() {
  if (!blocked_ || !can_send()) return;
  blocked_ = false;
  handler_.on_can_send();
}

// ---- what the server sends

void HttpCall::on_head(int status, const http::Headers& headers) {
  if (std::optional<Status> grpc_status = status_from(headers)) {
    status_ = std::move(grpc_status);  // trailers only: the end follows
    trailing_ = lenient_metadata(headers);
    return;
  }
  if (status != 200) {
    fail(status_from_http(status));
    return;
  }
  const std::string_view type = headers.get("content-type").value_or("");
  if (!grpc_content_subtype(type)) {
    fail(Status(StatusCode::kUnknown,
                "transport: received unexpected content-type \"" + http::printable(type) + "\""));
    return;
  }
  const std::string_view encoding = headers.get("grpc-encoding").value_or("identity");
  if (encoding == "gzip") {
    inbound_.allow_gzip();
  } else if (encoding != "identity") {
    fail(internal_error("grpc: Decompressor is not installed for grpc-encoding \"" +
                        http::printable(encoding) + "\""));
    return;
  }
  handler_.on_initial_metadata(lenient_metadata(headers));
}

void HttpCall::on_body(std::string_view bytes) {
  if (status_) {  // a body after trailers-only says nothing
    stream_->consumed(bytes.size());
    return;
  }
  pump(bytes);
}

bool HttpCall::on_inbound(std::string_view message) {
  // The handler may destroy this object; the flag on the stack of pump() outlives it.
  bool* const gone = gone_;
  handler_.on_message(message);
  return !*gone;
}

void HttpCall::pump(std::string_view bytes) {
  bool gone = false;
  gone_ = &gone;
  size_t credit = 0;
  const Inbound::Outcome outcome = inbound_.feed(bytes, *this, credit);
  if (gone) return;
  gone_ = nullptr;
  if (stream_ != nullptr && credit > 0) stream_->consumed(credit);
  if (outcome == Inbound::Outcome::kFailed) {
    fail(inbound_.error());
  } else {
    finish_when_drained();
  }
}

void HttpCall::want_message() {
  if (state_ != State::kOver && inbound_.want()) executor_.at_turn_end(*this);
}

void HttpCall::on_turn_end() {
  if (state_ != State::kOver) pump({});
}

void HttpCall::on_end(const http::Headers& trailers) {
  stream_ = nullptr;
  if (!status_) {
    status_ = status_from(trailers);
    trailing_ = lenient_metadata(trailers);
    if (!status_) {
      end(CallResult{internal_error("server closed the stream without sending trailers"),
                     {},
                     Executed::kMaybe});
      return;
    }
  }
  ended_ = true;
  finish_when_drained();
}

// Messages come before the status, even where the handler takes its time.
void HttpCall::finish_when_drained() {
  if (!ended_ || inbound_.has_backlog()) return;
  if (status_->ok() && inbound_.cut_short()) status_ = internal_error("unexpected EOF");
  end(CallResult{*std::move(status_), std::move(trailing_), Executed::kYes});
}

void HttpCall::on_abort(const http::Abort& abort) {
  stream_ = nullptr;
  CallResult result;
  result.executed = abort.surely_not_processed ? Executed::kNo : Executed::kMaybe;
  if (abort.by_peer_reset) {
    const StatusCode code = http::status_code_of(abort.code);
    const bool late = deadline_ms_ && executor_.now_ms() >= *deadline_ms_;
    result.status = code == StatusCode::kCanceled && late
                        ? Status(StatusCode::kDeadlineExceeded, kDeadlineText)
                        : Status(code, "stream terminated by RST_STREAM with error code: " +
                                           http::error_code_name(abort.code));
  } else {
    result.status = abort.status.ok() ? unavailable("the connection was closed") : abort.status;
  }
  end(std::move(result));
}

// ---- the end

void HttpCall::fail(Status status) {
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->cancel();
  end(CallResult{std::move(status), {}, Executed::kMaybe});
}

void HttpCall::end(CallResult result) {
  if (owner_ != nullptr && owner_->going()) {
    end_later(std::move(result));
    return;
  }
  state_ = State::kOver;
  timer_.cancel();
  leave_owner();
  handler_.on_finish(result);  // may destroy this
}

void HttpCall::end_later(CallResult result) {
  result_ = std::make_unique<CallResult>(std::move(result));
  state_ = State::kOver;
  leave_owner();
  timer_.arm(0);
}

}  // namespace gatehouse::rpc
