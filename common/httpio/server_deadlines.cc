// The time limits of a connection: one timer, armed for the earliest of them.

#include <algorithm>

#include "common/httpio/server_connection.h"
#include "common/httpio/server_worker.h"

namespace gatehouse::httpio {
namespace {

constexpr std::string_view kHeadTimeout =
    "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

}  // namespace

uint64_t ServerConnection::deadline_after(uint64_t start_ms, uint64_t limit_ms) {
  return limit_ms == 0 ? kNever : start_ms + limit_ms;
}

uint64_t ServerConnection::deadline_ms() const {
  if (state_ == State::kClosed) return kNever;
  if (state_ != State::kServing) return state_deadline_ms_;
  uint64_t deadline = kNever;
  if (head_since_ms_ != 0) {
    deadline = deadline_after(head_since_ms_, options_.request_head_timeout_ms);
  }
  if (idle_since_ms_ != 0) {
    deadline = std::min(deadline, deadline_after(idle_since_ms_, options_.idle_timeout_ms));
  }
  if (http2_ != nullptr && options_.keepalive_interval_ms != 0) {
    const uint64_t heard_ms = now_ms() - http2_->ms_since_received();
    deadline = std::min(deadline, ping_sent_ms_ != 0 ? ping_sent_ms_ + options_.keepalive_timeout_ms
                                                     : heard_ms + options_.keepalive_interval_ms);
  }
  return deadline;
}

void ServerConnection::set_timer() {
  const uint64_t deadline = deadline_ms();
  if (deadline >= timer_due_ms_) return;
  const uint64_t now = now_ms();
  timer_due_ms_ = deadline;
  timer_.arm(deadline > now ? deadline - now : 0);
}

void ServerConnection::on_timer() {
  timer_due_ms_ = kNever;
  const uint64_t now = now_ms();
  if (state_ == State::kServing) {
    check_keepalive(now);
    if (state_ != State::kServing) return;
    if (head_since_ms_ != 0 &&
        deadline_after(head_since_ms_, options_.request_head_timeout_ms) <= now) {
      return head_timed_out();
    }
    if (idle_since_ms_ != 0 && deadline_after(idle_since_ms_, options_.idle_timeout_ms) <= now) {
      idle_since_ms_ = now;
      session_->drain();
    }
    worker_.executor_.at_turn_end(*this);
  } else if (state_deadline_ms_ <= now) {
    if (tls_ != nullptr) {
      return fail_handshake(Status(StatusCode::kDeadlineExceeded, "tls: handshake timed out"));
    }
    return destroy();
  }
  set_timer();
}

void ServerConnection::check_keepalive(uint64_t now) {
  if (http2_ == nullptr || options_.keepalive_interval_ms == 0) return;
  const uint64_t silent_ms = http2_->ms_since_received();
  if (ping_sent_ms_ != 0) {
    // Any byte since proves as much as the answer does.
    if (silent_ms < now - ping_sent_ms_ || !http2_->keepalive_ping_unanswered()) {
      ping_sent_ms_ = 0;
    } else if (now - ping_sent_ms_ >= options_.keepalive_timeout_ms) {
      return close(unavailable("keepalive: no answer to a PING"));
    }
  }
  if (ping_sent_ms_ == 0 && silent_ms >= options_.keepalive_interval_ms) {
    ping_sent_ms_ = now;
    http2_->send_keepalive_ping();
  }
}

void ServerConnection::head_timed_out() {
  const Status why(StatusCode::kDeadlineExceeded, "the head of a request took too long");
  // Nothing is under way and all output has been taken: this comes after it in order.
  TrafficCounters::add(worker_.counters_.bytes_sent, kHeadTimeout.size());
  stream_->write(kHeadTimeout);
  if (worker_.observer_ != nullptr) worker_.observer_->on_connection_failed(stream_->peer(), why);
  begin_closing();
  session_->connection_lost(why);
}

}  // namespace gatehouse::httpio
