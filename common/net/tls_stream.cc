#include "common/net/tls_stream.h"

#include <utility>

#include "common/base/check.h"

namespace gatehouse::net {
namespace {

// As for sockets: what a burst needed must not stay with an idle connection.
constexpr size_t kKeptBufferBytes = 4 * 1024;

void empty(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptBufferBytes) std::string().swap(buffer);
}

}  // namespace

TlsStream::TlsStream(env::Executor& executor, std::unique_ptr<env::ByteStream> lower,
                     std::unique_ptr<tls::Session> session, std::string received)
    : lower_(std::move(lower)),
      session_(std::move(session)),
      received_(std::move(received)),
      timer_(executor, [this] { on_timer(); }) {
  peer_.address = lower_->peer().address;
  peer_.tls = true;
}

TlsStream::~TlsStream() = default;

void TlsStream::handshake(uint64_t timeout_ms, UniqueFunction<void(const Status&)> done) {
  CHECK(state_ == State::kNew);
  state_ = State::kHandshaking;
  done_ = std::move(done);
  timer_.arm(timeout_ms);
  lower_->start(*this);
  send_output();
  if (received_.empty()) return;
  const Status status = session_->feed(received_);
  std::string().swap(received_);
  send_output();
  // Told later: this is a call of the owner. A handshake is never over after one flight.
  if (!status.ok()) fail(status);
}

void TlsStream::start(env::ByteStream::Sink& sink) {
  CHECK_MSG(state_ != State::kNew && state_ != State::kHandshaking, "start() before the handshake");
  sink_ = &sink;
  lower_->resume_reading();
  // What came with the last flight of the handshake, or broke since.
  timer_.arm(0);
}

void TlsStream::on_timer() {
  if (state_ == State::kHandshaking) {
    fail(Status(StatusCode::kDeadlineExceeded, "tls: handshake timed out"));
  }
  if (state_ == State::kFailed) {
    if (done_) {
      UniqueFunction<void(const Status&)> done = std::move(done_);
      told_ = true;
      done(failure_);
    } else if (sink_ != nullptr && !told_) {
      deliver();
      told_ = true;
      sink_->on_broken(failure_);
    }
    return;
  }
  deliver();
}

void TlsStream::fail(const Status& why) {
  if (state_ == State::kFailed) return;
  state_ = State::kFailed;
  failure_ = why;
  lower_->pause_reading();
  timer_.arm(0);
}

void TlsStream::send_output() {
  session_->take_output(ciphertext_);
  if (!ciphertext_.empty() && !finishing_) lower_->write(ciphertext_);
  empty(ciphertext_);
}

void TlsStream::on_bytes(std::string_view bytes) {
  if (state_ == State::kFailed) return;
  const Status status = session_->feed(bytes);
  send_output();
  if (state_ == State::kHandshaking) {
    if (!status.ok()) return fail(status);
    if (!session_->handshake_done()) return;
    state_ = State::kReady;
    timer_.cancel();
    peer_.alpn = std::string(session_->alpn());
    if (const tls::PeerCertificate* certificate = session_->peer_certificate()) {
      peer_.certificate_verified = certificate->verified;
      peer_.certificate_common_name = certificate->common_name;
    }
    // Until somebody listens; start() resumes.
    lower_->pause_reading();
    UniqueFunction<void(const Status&)> done = std::move(done_);
    done(Status());
    return;
  }
  deliver();
  if (!status.ok()) fail(status);
}

void TlsStream::deliver() {
  if (sink_ == nullptr) return;
  // Taken by swapping: the session goes on with the capacity of the last time.
  session_->take_plaintext(plaintext_);
  if (!plaintext_.empty()) sink_->on_bytes(plaintext_);
  empty(plaintext_);
  if (session_->peer_closed() && !std::exchange(ended_, true)) sink_->on_end();
}

void TlsStream::on_end() {
  const Status status = session_->end_of_input();
  if (!status.ok()) return fail(status);
  if (state_ == State::kHandshaking) fail(unavailable("tls: closed during the handshake"));
}

void TlsStream::on_drained() {
  if (state_ == State::kReady && sink_ != nullptr) sink_->on_drained();
}

void TlsStream::on_broken(const Status& why) { fail(why); }

void TlsStream::write(std::string_view bytes) {
  CHECK_MSG(!finishing_, "a write after finish_writing()");
  if (bytes.empty() || state_ == State::kFailed) return;
  CHECK_MSG(state_ == State::kReady, "a write before the handshake");
  const Status status = session_->write(bytes);
  send_output();
  if (!status.ok()) fail(status);
}

size_t TlsStream::unsent() const { return lower_->unsent(); }

void TlsStream::pause_reading() {
  if (state_ == State::kReady) lower_->pause_reading();
}

void TlsStream::resume_reading() {
  if (state_ == State::kReady) lower_->resume_reading();
}

void TlsStream::finish_writing() {
  if (finishing_ || state_ != State::kReady) return;
  session_->close_notify();
  send_output();
  finishing_ = true;
  lower_->finish_writing();
}

}  // namespace gatehouse::net
