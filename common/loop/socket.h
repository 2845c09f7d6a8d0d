// Socket: a byte stream over a connected TCP or Unix socket.
//
// Reads go through one buffer per loop and writes straight from the caller's bytes, so an idle
// socket holds no buffer at all. What the kernel does not take at once is copied, gathered, and
// sent as the peer reads.
#pragma once

#include <memory>
#include <string_view>

#include "common/base/result.h"
#include "common/env/byte_stream.h"
#include "common/loop/event_loop.h"
#include "common/loop/unique_fd.h"

namespace gatehouse::loop {

class Socket final : public env::ByteStream {
 public:
  // Takes over a connected stream socket; the loop runs it from here. TCP gets TCP_NODELAY.
  // Unavailable when the peer is gone already ("transport endpoint is not connected").
  static Result<std::unique_ptr<Socket>> adopt(EventLoop& loop, UniqueFd fd);
  ~Socket() override;

  // Keeps `token` until the socket is destroyed: how a listener counts its connections.
  void hold(std::shared_ptr<const void> token) { token_ = std::move(token); }

  // Errors told through on_broken are Unavailable: "read: connection reset by peer", "write: broken
  // pipe".
  void start(Sink& sink) override;
  void write(std::string_view bytes) override;
  size_t unsent() const override;
  void pause_reading() override;
  void resume_reading() override;
  void finish_writing() override;
  const env::PeerInfo& peer() const override { return peer_; }

 private:
  struct Handle;
  friend struct Handle;

  Socket(EventLoop& loop, Handle* handle, env::PeerInfo peer);
  void read_on();
  void write_on();
  void fail(const char* what, int uv_error);
  void report_failure();
  void maybe_shut_down();

  EventLoop& loop_;
  Handle* handle_;  // freed in its close callback
  Sink* sink_ = nullptr;
  env::PeerInfo peer_;
  std::string queued_;                  // waits behind what handle_ has under way
  std::unique_ptr<env::Timer> report_;  // tells of a failure inside write() in the next turn
  Status failure_;
  bool paused_ = false;
  bool reading_ = false;
  bool ended_ = false;      // the peer sent FIN
  bool finishing_ = false;  // finish_writing() was called
  bool broken_ = false;
  std::shared_ptr<const void> token_;
};

}  // namespace gatehouse::loop
