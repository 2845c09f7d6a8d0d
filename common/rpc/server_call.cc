#include "common/rpc/server_call.h"

#include <utility>

#include "common/base/check.h"
#include "common/rpc/framing.h"
#include "common/rpc/gzip.h"
#include "common/rpc/wire.h"

namespace gatehouse::rpc {
namespace {

// Below this, gzip's own 18 bytes and the time for it are not worth it.
constexpr size_t kCompressFrom = 128;

// Header lists are built in one place per thread, so that a response allocates nothing for them.
http::Headers& scratch_headers() {
  thread_local http::Headers headers;
  headers.clear();
  return headers;
}

// What nearly every response begins and ends with.
const http::Headers kPlainHead{{"content-type", "application/grpc"}};
const http::Headers kOkTrailers{{"grpc-status", "0"}};

}  // namespace

void set_response_head(http::Headers& headers, std::string_view subtype) {
  if (subtype.empty()) {
    headers.add("content-type", "application/grpc");
  } else {
    headers.add("content-type", "application/grpc" + std::string(subtype));
  }
}

ServerStreamCall::ServerStreamCall(http::ServerStream& stream, env::Executor& executor,
                                   const Method& method, const CallHead& head,
                                   const ServerLimits& limits, ServerObserver* observer)
    : stream_(stream),
      executor_(executor),
      method_(method),
      observer_(observer),
      reply_gzip_(head.request_gzip && head.accepts_gzip),
      subtype_(head.subtype),
      inbound_(limits.max_receive_bytes) {
  if (head.request_gzip) inbound_.allow_gzip();
  if (head.timeout_ms) deadline_ms_ = executor.now_ms() + *head.timeout_ms;
}

ServerStreamCall::~ServerStreamCall() {
  // An exchange that just vanishes is no case of the contract, but a call that was counted in is
  // counted out.
  observe_finish(StatusCode::kCanceled);
}

Status ServerStreamCall::read_metadata() {
  Result<Metadata> metadata = metadata_from(stream_.request().headers);
  if (!metadata.ok()) return metadata.status();
  metadata_ = *std::move(metadata);
  return Status();
}

const Metadata& ServerStreamCall::metadata() const {
  if (!metadata_) {
    // Only binary values can be malformed, and with those it was read before the call began.
    metadata_ = *metadata_from(stream_.request().headers);
  }
  return *metadata_;
}

void ServerStreamCall::begin(const Server::HandlerFactory& factory) {
  if (observer_ != nullptr) {
    observed_ = true;
    started_us_ = executor_.now_us();
    observer_->on_call_started(method_, metadata());
  }
  if (deadline_ms_) {
    deadline_timer_.emplace(executor_, [this] { deadline_passed(); });
    const uint64_t now = executor_.now_ms();
    deadline_timer_->arm(*deadline_ms_ > now ? *deadline_ms_ - now : 0);
  }
  handler_ = factory(*this);
  CHECK(handler_ != nullptr);
}

// ---- what the client sends

void ServerStreamCall::on_body(std::string_view bytes) {
  if (state_ == State::kFinished) {
    stream_.consumed(bytes.size());
    return;
  }
  pump(bytes);
}

void ServerStreamCall::pump(std::string_view bytes) {
  const size_t owed = inbound_.backlog_bytes() + bytes.size();
  size_t credit = 0;
  const Inbound::Outcome outcome = inbound_.feed(bytes, *this, credit);
  if (outcome == Inbound::Outcome::kStopped) credit = owed;
  if (credit > 0) stream_.consumed(credit);
  if (outcome == Inbound::Outcome::kFailed) {
    fail(inbound_.error());
  } else if (outcome == Inbound::Outcome::kOk) {
    half_close_when_drained();
  }
}

bool ServerStreamCall::on_inbound(std::string_view message) {
  ++messages_;
  if (one_request()) {
    if (messages_ > 1) {
      fail(internal_error(
          "cardinality violation: received multiple request messages for non-client-streaming "
          "RPC"));
      return false;
    }
    inbound_.want();  // a second message is an error: not one to find out late
  }
  if (observer_ != nullptr) observer_->on_message_received(method_, message.size());
  handler_->on_message(message);
  return state_ != State::kFinished;
}

void ServerStreamCall::want_message() {
  if (state_ == State::kFinished) return;
  if (inbound_.want()) executor_.at_turn_end(*this);
}

void ServerStreamCall::on_end(const http::Headers&) {
  request_ended_ = true;
  if (state_ != State::kFinished) half_close_when_drained();
}

void ServerStreamCall::half_close_when_drained() {
  if (!request_ended_ || half_close_told_ || inbound_.has_backlog()) return;
  if (inbound_.cut_short()) {
    fail(internal_error("unexpected EOF"));
    return;
  }
  if (one_request() && messages_ == 0) {
    fail(internal_error(
        "cardinality violation: received no request message from non-client-streaming RPC"));
    return;
  }
  half_close_told_ = true;
  handler_->on_half_close();
}

// ---- what the handler sends

void ServerStreamCall::send_head(const Metadata* metadata) {
  state_ = State::kHeadSent;
  if (metadata == nullptr && subtype_.empty() && !reply_gzip_) {
    stream_.send_head(200, kPlainHead);
    return;
  }
  http::Headers& headers = scratch_headers();
  set_response_head(headers, subtype_);
  if (reply_gzip_) headers.add("grpc-encoding", "gzip");
  if (metadata != nullptr) append_metadata(headers, *metadata);
  stream_.send_head(200, headers);
}

void ServerStreamCall::send_initial_metadata(const Metadata& metadata) {
  if (state_ == State::kOpen) send_head(&metadata);
}

void ServerStreamCall::send(std::string_view message) {
  if (state_ == State::kFinished) return;
  if (state_ == State::kOpen) send_head(nullptr);
  if (observer_ != nullptr) observer_->on_message_sent(method_, message.size());
  if (reply_gzip_ && message.size() >= kCompressFrom) {
    const std::string packed = gzip_compress(message);
    const auto prefix = message_prefix(packed.size(), true);
    stream_.send_body({prefix.data(), prefix.size()});
    stream_.send_body(packed);
  } else {
    const auto prefix = message_prefix(message.size(), false);
    stream_.send_body({prefix.data(), prefix.size()});
    stream_.send_body(message);
  }
  if (!can_send()) blocked_ = true;
}

void ServerStreamCall::finish(const Status& status, const Metadata& trailing) {
  if (state_ == State::kFinished) return;
  if (state_ == State::kOpen) {
    http::Headers& headers = scratch_headers();
    set_response_head(headers, subtype_);
    append_status(headers, status);
    append_metadata(headers, trailing);
    stream_.send_head(200, headers);
    stream_.send_end();
  } else if (status.ok() && trailing.empty()) {
    stream_.send_end(kOkTrailers);
  } else {
    http::Headers& headers = scratch_headers();
    append_status(headers, status);
    append_metadata(headers, trailing);
    stream_.send_end(headers);
  }
  state_ = State::kFinished;
  if (deadline_timer_) deadline_timer_->cancel();
  if (inbound_.has_backlog()) stream_.consumed(inbound_.drop_backlog());
  observe_finish(status.code());
  executor_.at_turn_end(*this);  // drops the handler
}

void ServerStreamCall::on_writable() {
  if (!blocked_ || state_ == State::kFinished || !can_send()) return;
  blocked_ = false;
  handler_->on_can_send();
}

// ---- the end

void ServerStreamCall::on_turn_end() {
  if (state_ == State::kFinished) {
    handler_.reset();
    return;
  }
  pump({});
}

void ServerStreamCall::deadline_passed() { fail(handler_->too_late()); }

void ServerStreamCall::fail(const Status& status) {
  finish(status, {});
  handler_->on_cancel(status);
}

void ServerStreamCall::on_abort(const http::Abort&) {
  if (state_ == State::kFinished) return;
  state_ = State::kFinished;
  if (deadline_timer_) deadline_timer_->cancel();
  observe_finish(StatusCode::kCanceled);
  handler_->on_cancel(Status(StatusCode::kCanceled, "context canceled"));
}

void ServerStreamCall::observe_finish(StatusCode code) {
  if (!std::exchange(observed_, false)) return;
  observer_->on_call_finished(method_, code, executor_.now_us() - started_us_);
}

}  // namespace gatehouse::rpc
