#include "common/httpio/client_connection.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace gatehouse::httpio {
namespace {

// RFC 9113 section 4.1: the bytes of length that open a frame's head.
constexpr size_t kLengthBytes = 3;

// Room of the output buffer that is kept from turn to turn.
constexpr size_t kKeptOutput = 256 * 1024;

// How long the last output (a GOAWAY) of a finished session may wait for a peer that does not read.
constexpr uint64_t kLingerMs = 2'000;

}  // namespace

ClientConnection::ClientConnection(env::Executor& executor, net::Dialer& dialer,
                                   std::string address, ClientConnectionOptions options,
                                   Listener& listener)
    : executor_(executor),
      listener_(listener),
      address_(std::move(address)),
      options_(std::move(options)),
      limit_timer_(executor, [this] { limit_passed(); }),
      keepalive_timer_(executor, [this] { keepalive(); }) {
  limit_timer_.arm(options_.connect_timeout_ms);
  dial_ = dialer.dial(address_, [this](Result<std::unique_ptr<env::ByteStream>> stream) {
    dialled(std::move(stream));
  });
}

ClientConnection::~ClientConnection() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  if (session_ != nullptr) session_->connection_lost(lost("closed"));
}

const env::PeerInfo& ClientConnection::peer() const {
  static const env::PeerInfo kNobody;
  return stream_ != nullptr ? stream_->peer() : kNobody;
}

// ---- connecting

void ClientConnection::limit_passed() {
  end(state_ == State::kConnecting ? unavailable("dial " + address_ + ": i/o timeout")
                                   : session_->why_finished());
}

void ClientConnection::dialled(Result<std::unique_ptr<env::ByteStream>> stream) {
  executor_.destroy_later(std::move(dial_));
  if (!stream.ok()) {
    end(stream.status());
    return;
  }
  stream_ = *std::move(stream);
  if (options_.protocol == ClientConnectionOptions::Protocol::kHttp2) {
    std::unique_ptr<http::Http2Client> session = http::make_http2_client(*this, options_.http2);
    http2_ = session.get();
    session_ = std::move(session);
  } else {
    session_ = http::make_http1_client(*this, options_.http1);
    limit_timer_.cancel();
    install(State::kReady);
  }
  stream_->start(*this);
  executor_.at_turn_end(*this);
}

// The first frame of an HTTP/2 server is its SETTINGS (section 3.4): once it is whole and the
// session has not objected, the other end is one.
void ClientConnection::note_preface(std::string_view bytes) {
  for (const char byte : bytes.substr(0, kLengthBytes - std::min(preface_have_, kLengthBytes))) {
    const size_t shift = 8 * (kLengthBytes - 1 - preface_have_++);
    preface_need_ += static_cast<size_t>(static_cast<uint8_t>(byte)) << shift;
    bytes.remove_prefix(1);
  }
  preface_have_ += bytes.size();
  if (preface_have_ < preface_need_ || session_->finished()) return;
  limit_timer_.cancel();
  install(State::kReady);
}

// ---- calls

bool ClientConnection::can_open() const { return state_ == State::kReady && session_->can_open(); }

http::ClientStream* ClientConnection::open(const http::RequestHead& head, bool end,
                                           http::ClientStreamHandler& handler) {
  if (!can_open()) return nullptr;
  http::ClientStream* stream = session_->open(head, end, handler);
  arm_keepalive();
  return stream;
}

size_t ClientConnection::active_streams() const {
  return session_ != nullptr ? session_->active_streams() : 0;
}

void ClientConnection::drain() {
  if (state_ == State::kClosed) return;
  if (state_ == State::kConnecting) {
    close(lost("closed before it was made"));
    return;
  }
  session_->drain();
  executor_.at_turn_end(*this);
}

void ClientConnection::close(Status why) {
  if (state_ == State::kClosed || !pending_close_.ok()) return;
  pending_close_ = std::move(why);
  CHECK_MSG(!pending_close_.ok(), "a connection is closed for a reason");
  executor_.at_turn_end(*this);
}

// ---- bytes

void ClientConnection::wake() { executor_.at_turn_end(*this); }

uint64_t ClientConnection::now_ms() const { return executor_.now_ms(); }

void ClientConnection::on_bytes(std::string_view bytes) {
  if (state_ == State::kClosed) return;
  session_->feed(bytes);
  if (state_ == State::kConnecting) note_preface(bytes);
  if (session_->wants_pause()) stream_->pause_reading();
  executor_.at_turn_end(*this);
}

void ClientConnection::on_end() {
  if (state_ == State::kClosed) return;
  session_->peer_finished();
  peer_ended_ = true;
  executor_.at_turn_end(*this);
}

void ClientConnection::on_drained() { executor_.at_turn_end(*this); }

void ClientConnection::on_broken(const Status& why) { end(lost(why.message())); }

void ClientConnection::flush() {
  while (!writing_finished_ && stream_->unsent() < options_.max_unsent_bytes) {
    const size_t budget = options_.max_unsent_bytes - stream_->unsent();
    output_.clear();
    session_->take_output(output_, budget);
    if (!output_.empty()) stream_->write(output_);
    if (output_.size() < budget) break;
  }
  if (output_.capacity() > kKeptOutput) output_ = std::string();
  if (!session_->wants_pause()) stream_->resume_reading();
}

void ClientConnection::on_turn_end() {
  if (state_ == State::kClosed) {
    tell();
    return;
  }
  if (!pending_close_.ok()) {
    end(pending_close_);
    return;
  }
  if (stream_ == nullptr) return;
  flush();
  if (session_->finished()) {
    if (!writing_finished_) {
      writing_finished_ = true;
      stream_->finish_writing();
      limit_timer_.arm(kLingerMs);
    }
    // What explains the end (GOAWAY) is still to go out, unless nobody is there to take it.
    if (stream_->unsent() == 0 || peer_ended_) {
      end(session_->why_finished());
      return;
    }
  } else if (state_ == State::kReady && session_->closing()) {
    install(State::kDraining);
  }
  tell();
  if (can_open()) listener_.on_can_open(*this);
}

// ---- keepalive

void ClientConnection::arm_keepalive() {
  if (options_.keepalive_time_ms == 0 || http2_ == nullptr || keepalive_timer_.armed()) return;
  keepalive_timer_.arm(options_.keepalive_time_ms);
}

void ClientConnection::keepalive() {
  if (session_->finished()) return;
  const uint64_t quiet_ms = http2_->ms_since_received();
  if (http2_->keepalive_ping_unanswered()) {
    // Any byte since the PING shows as much life as its answer.
    const uint64_t waited_ms = std::min(quiet_ms, executor_.now_ms() - ping_sent_ms_);
    if (waited_ms >= options_.keepalive_timeout_ms) {
      end(lost("keepalive ping failed to receive ACK within timeout"));
    } else {
      keepalive_timer_.arm(options_.keepalive_timeout_ms - waited_ms);
    }
    return;
  }
  if (session_->active_streams() == 0 && !options_.keepalive_without_streams) return;
  if (quiet_ms < options_.keepalive_time_ms) {
    keepalive_timer_.arm(options_.keepalive_time_ms - quiet_ms);
    return;
  }
  http2_->send_keepalive_ping();
  ping_sent_ms_ = executor_.now_ms();
  executor_.at_turn_end(*this);
  keepalive_timer_.arm(options_.keepalive_timeout_ms);
}

// ---- states

void ClientConnection::install(State state) {
  state_ = state;
  if (state == State::kReady && options_.keepalive_without_streams) arm_keepalive();
  executor_.at_turn_end(*this);
}

Status ClientConnection::lost(std::string_view why) const {
  return unavailable("connection to " + address_ + ": " + std::string(why));
}

void ClientConnection::tell() {
  if (told_ == state_) return;
  told_ = state_;
  listener_.on_connection_state(*this, state_);
}

void ClientConnection::end(Status why) {
  if (state_ == State::kClosed) return;
  why_closed_ = std::move(why);
  limit_timer_.cancel();
  keepalive_timer_.cancel();
  install(State::kClosed);
  if (session_ != nullptr)
    session_->connection_lost(why_closed_.ok() ? lost("closed") : why_closed_);
  executor_.destroy_later(std::move(dial_));
  executor_.destroy_later(std::move(stream_));
}

}  // namespace gatehouse::httpio
