#include "proxy/upstream/call.h"

#include <utility>

#include "common/base/check.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/leader_calls.h"

namespace gatehouse::upstream {

Call::Call(Upstream& upstream, std::string_view path, CallKind kind, rpc::CallOptions options,
           rpc::ClientHandler& handler)
    : upstream_(upstream),
      path_(path),
      kind_(kind),
      for_leader_(!kind.stream && is_for_leader(path)),
      options_(std::move(options)),
      handler_(handler) {
  upstream_.retry_budget_.on_call();
  CHECK_MSG(start_attempt(), "an upstream has at least one endpoint");
}

Call::~Call() {
  if (attempt_) end_attempt(nullptr);
}

bool Call::start_attempt() {
  endpoint_ = upstream_.pick(kind_.stream, for_leader_, tried_);
  if (endpoint_ == nullptr) return false;
  endpoint_->on_call_started(kind_.stream);
  started_us_ = upstream_.executor().now_us();
  attempt_ = endpoint_->connection().start(path_, options_, *this);
  for (const std::string& message : sent_) attempt_->send(message);
  if (half_closed_) attempt_->half_close();
  return true;
}

void Call::end_attempt(const rpc::CallResult* result) {
  attempt_.reset();
  const uint64_t duration_us = kind_.stream ? 0 : upstream_.executor().now_us() - started_us_;
  endpoint_->on_call_ended(kind_.stream, result, duration_us);
  upstream_.on_attempt_ended();
}

void Call::send(std::string_view message) {
  if (repeatable_) {
    sent_bytes_ += message.size();
    if (sent_bytes_ <= kMaxReplayBytes) {
      sent_.emplace_back(message);
    } else {
      answered();
    }
  }
  attempt_->send(message);
}

void Call::half_close() {
  half_closed_ = true;
  attempt_->half_close();
}

void Call::answered() {
  repeatable_ = false;
  sent_.clear();
}

void Call::on_initial_metadata(const rpc::Metadata& metadata) {
  answered();
  handler_.on_initial_metadata(metadata);
}

void Call::on_message(std::string_view message) {
  answered();
  handler_.on_message(message);
}

void Call::on_finish(const rpc::CallResult& result) {
  const rpc::CallResult kept = result;  // it may belong to the attempt
  end_attempt(&kept);
  if (may_repeat(kept)) {
    tried_.push_back(endpoint_);
    if (start_attempt()) return;
  }
  handler_.on_finish(kept);
}

bool Call::may_repeat(const rpc::CallResult& result) {
  if (result.status.code() != StatusCode::kUnavailable || !repeatable_) return false;
  if (result.executed != rpc::Executed::kNo && kind_.repeat == Repeat::kNever) return false;
  if (tried_.size() + 1 >= Upstream::kMaxAttempts) return false;
  if (!upstream_.retry_budget_.spend()) {
    upstream_.metrics_.retries_refused.add();
    return false;
  }
  upstream_.metrics_.retries.add();
  return true;
}

}  // namespace gatehouse::upstream
