// TlsStream: TLS over any byte stream, either side.
//
//   TlsStream stream(executor, std::move(socket), std::move(session), bytes_already_read);
//   stream.handshake(10'000, [&](const Status& status) { … stream.start(sink); });
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/unique_function.h"
#include "common/env/byte_stream.h"
#include "common/env/executor.h"
#include "common/tls/session.h"

namespace gatehouse::net {

class TlsStream final : public env::ByteStream, private env::ByteStream::Sink {
 public:
  // Takes the lower stream over (from whoever it was started with) and begins with `received`, what
  // the owner read of it already.
  TlsStream(env::Executor& executor, std::unique_ptr<env::ByteStream> lower,
            std::unique_ptr<tls::Session> session, std::string received = {});
  ~TlsStream() override;

  // Once, first. `done` comes once, from a later turn: OK when both sides finished, and peer() is
  // complete. Errors: the session's ("tls: …", "remote error: tls: …"), those of the lower stream,
  // or DeadlineExceeded "tls: handshake timed out". After an error the stream is only good for
  // destruction; the alert that tells the peer has been written. `done` may give the stream to
  // destroy_later().
  void handshake(uint64_t timeout_ms, UniqueFunction<void(const Status&)> done);

  // After a successful handshake. A peer that ends the transport without close_notify may have been
  // cut short: that is told by on_broken, not on_end.
  void start(env::ByteStream::Sink& sink) override;
  // Encrypted at the call, a record at least: gather small pieces first.
  void write(std::string_view bytes) override;
  size_t unsent() const override;
  void pause_reading() override;
  void resume_reading() override;
  void finish_writing() override;
  const env::PeerInfo& peer() const override { return peer_; }

 private:
  enum class State : uint8_t { kNew, kHandshaking, kReady, kFailed };

  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_broken(const Status& why) override;

  void deliver();
  void send_output();
  void fail(const Status& why);
  void on_timer();

  std::unique_ptr<env::ByteStream> lower_;
  std::unique_ptr<tls::Session> session_;
  std::string received_;
  env::PeerInfo peer_;
  State state_ = State::kNew;
  bool finishing_ = false;
  bool ended_ = false;  // on_end was told
  bool told_ = false;   // failure_ was told
  Status failure_;      // once kFailed
  UniqueFunction<void(const Status&)> done_;
  env::ByteStream::Sink* sink_ = nullptr;
  env::Timer timer_;  // the handshake's deadline; then what may not be told at once
  std::string plaintext_;
  std::string ciphertext_;
};

}  // namespace gatehouse::net
