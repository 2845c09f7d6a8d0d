#include "common/httpio/server_connection.h"

#include <utility>

#include "common/httpio/server_worker.h"

namespace gatehouse::httpio {

ServerConnection::ServerConnection(ServerWorker& worker, std::unique_ptr<env::ByteStream> stream,
                                   std::shared_ptr<const tls::Context> tls)
    : worker_(worker),
      options_(worker.options_),
      stream_(std::move(stream)),
      tls_(std::move(tls)),
      state_deadline_ms_(deadline_after(
          worker.executor_.now_ms(),
          tls_ != nullptr ? options_.tls_handshake_timeout_ms : options_.request_head_timeout_ms)),
      timer_(worker.executor_, [this] { on_timer(); }) {}

ServerConnection::~ServerConnection() = default;

void ServerConnection::start() {
  stream_->start(*this);
  set_timer();
}

uint64_t ServerConnection::now_ms() const { return worker_.executor_.now_ms(); }

void ServerConnection::wake() {
  if (flushing_) {
    woken_in_flush_ = true;
  } else if (state_ == State::kServing) {
    worker_.executor_.at_turn_end(*this);
  }
}

std::unique_ptr<http::StreamHandler> ServerConnection::on_request(http::ServerStream& stream) {
  TrafficCounters::add(worker_.counters_.requests, 1);
  head_since_ms_ = 0;
  idle_since_ms_ = 0;
  return worker_.handler_->on_request(stream);
}

// ---- what the stream tells

void ServerConnection::on_bytes(std::string_view bytes) {
  TrafficCounters::add(worker_.counters_.bytes_received, bytes.size());
  switch (state_) {
    case State::kServing:
      return feed(bytes);
    case State::kTelling:
      return tell_protocol(bytes);
    case State::kHandshaking:
    case State::kClosing:
    case State::kClosed:
      return;
  }
}

void ServerConnection::on_end() {
  peer_ended_ = true;
  switch (state_) {
    case State::kTelling:
      // Who leaves without a byte looked whether the port is open.
      if (tls_ != nullptr && !first_bytes_.empty()) {
        return fail_handshake(unavailable("tls: closed during the handshake"));
      }
      return destroy();
    case State::kServing:
      session_->peer_finished();
      worker_.executor_.at_turn_end(*this);
      return;
    case State::kClosing:
      if (stream_->unsent() == 0) destroy();
      return;
    case State::kHandshaking:
    case State::kClosed:
      return;
  }
}

void ServerConnection::on_drained() {
  if (state_ == State::kServing) {
    worker_.executor_.at_turn_end(*this);
  } else if (state_ == State::kClosing) {
    if (peer_ended_) return destroy();
    state_deadline_ms_ = now_ms() + options_.linger_ms;
    set_timer();
  }
}

void ServerConnection::on_broken(const Status& why) {
  if (state_ == State::kServing) {
    close(why);
  } else if (state_ != State::kClosed) {
    destroy();
  }
}

// ---- serving

void ServerConnection::begin_session(net::Protocol protocol) {
  state_ = State::kServing;
  state_deadline_ms_ = kNever;
  if (protocol == net::Protocol::kHttp2) {
    std::unique_ptr<http::Http2Server> session =
        http::make_http2_server(*this, *this, stream_->peer(), options_.http2);
    http2_ = session.get();
    session_ = std::move(session);
  } else {
    session_ = http::make_http1_server(*this, *this, stream_->peer(), options_.http1);
    head_since_ms_ = now_ms();
  }
  idle_since_ms_ = now_ms();
  const std::string first_bytes = std::move(first_bytes_);
  std::string().swap(first_bytes_);
  worker_.executor_.at_turn_end(*this);
  if (!first_bytes.empty()) feed(first_bytes);
  set_timer();
}

void ServerConnection::feed(std::string_view bytes) {
  const uint64_t requests_before = worker_.counters_.requests.load(std::memory_order_relaxed);
  session_->feed(bytes);
  if (state_ != State::kServing) return;
  note_progress(requests_before);
  set_pause();
  // Flow control, acknowledgements and the end of the session are not all told by wake().
  worker_.executor_.at_turn_end(*this);
}

void ServerConnection::note_progress(uint64_t requests_before) {
  if (http2_ != nullptr || head_since_ms_ != 0 || options_.request_head_timeout_ms == 0) return;
  const bool began = worker_.counters_.requests.load(std::memory_order_relaxed) != requests_before;
  if (began || session_->active_streams() > 0) return;
  // Bytes, and neither a request nor the body of one: the head of the next.
  head_since_ms_ = now_ms();
  set_timer();
}

void ServerConnection::set_pause() {
  const bool pause = session_->wants_pause();
  if (pause == paused_) return;
  paused_ = pause;
  if (pause) {
    stream_->pause_reading();
  } else {
    stream_->resume_reading();
  }
}

void ServerConnection::on_turn_end() {
  if (state_ == State::kServing) flush();
}

void ServerConnection::flush() {
  std::string& output = worker_.output_;
  flushing_ = true;
  bool more = true;
  for (int i = 0; i < kMaxWritesPerTurn && more; ++i) {
    if (stream_->unsent() > kMaxUnsentBytes) break;  // on_drained goes on
    woken_in_flush_ = false;
    output.clear();
    session_->take_output(output, kWriteBytes);
    more = output.size() >= kWriteBytes || woken_in_flush_;
    if (output.empty()) continue;
    TrafficCounters::add(worker_.counters_.bytes_sent, output.size());
    stream_->write(output);
  }
  flushing_ = false;
  if (session_->finished() && !more) return finish();
  set_pause();
  if (session_->active_streams() > 0) {
    idle_since_ms_ = 0;
  } else if (idle_since_ms_ == 0) {
    idle_since_ms_ = now_ms();
    if (options_.idle_timeout_ms != 0) set_timer();
  }
  if (more && stream_->unsent() <= kMaxUnsentBytes) {
    timer_due_ms_ = now_ms();
    timer_.arm(0);
  }
}

// ---- the end

void ServerConnection::finish() {
  if (!session_->why_finished().ok() && worker_.observer_ != nullptr) {
    worker_.observer_->on_connection_failed(stream_->peer(), session_->why_finished());
  }
  begin_closing();
}

void ServerConnection::begin_closing() {
  state_ = State::kClosing;
  stream_->finish_writing();
  if (peer_ended_ && stream_->unsent() == 0) return destroy();
  // What the peer still sends must be read, or closing would reset the connection.
  stream_->resume_reading();
  state_deadline_ms_ =
      now_ms() + (stream_->unsent() == 0 ? options_.linger_ms : options_.flush_timeout_ms);
  set_timer();
}

void ServerConnection::drain() {
  switch (state_) {
    case State::kTelling:
    case State::kHandshaking:
      return destroy();
    case State::kServing:
      session_->drain();
      worker_.executor_.at_turn_end(*this);
      return;
    case State::kClosing:
    case State::kClosed:
      return;
  }
}

void ServerConnection::close(const Status& why) {
  if (state_ == State::kClosed) return;
  const bool serving = state_ == State::kServing;
  const Status reason = why;  // it may be the stream's own
  destroy();
  if (!serving) return;
  session_->connection_lost(reason);
  if (worker_.observer_ != nullptr) {
    worker_.observer_->on_connection_failed(stream_->peer(), reason);
  }
}

void ServerConnection::destroy() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  timer_.cancel();
  worker_.remove(*this);
}

}  // namespace gatehouse::httpio
