// Socket: a byte stream over a connected TCP or Unix socket.
//
// Reads go through one buffer per loop and writes straight from the caller's bytes, so an idle
// socket holds no buffer at all. What the kernel does not take at once is copied, gathered, and
// sent as the peer reads.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

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

  // Errors told through on_broken are Unavailable: "connection reset by peer", "write: broken
  // pipe". When a write fails, what the peer had sent before is still delivered first, unless
  // reading is paused.
  void start(Sink& sink) override;
  void write(std::string_view bytes) override;
  size_t unsent() const override;
  void pause_reading() override;
  void resume_reading() override;
  void finish_writing() override;
  const env::PeerInfo& peer() const override { return peer_; }

 private:
  struct Handle;

  Socket(EventLoop& loop, Handle* handle, env::PeerInfo peer);
  bool open() const { return failure_.ok(); }
  void start_reading();
  void stop_reading();
  void on_read(ssize_t result, const char* base);
  void send_queued();
  void on_written(int result);
  void shut_down();
  void write_failed(int error);
  void report();

  EventLoop& loop_;
  Handle* handle_;  // freed in its close callback
  Sink* sink_ = nullptr;
  env::PeerInfo peer_;
  std::string queued_;                  // waits behind what handle_ has under way
  Status failure_;                      // set once
  std::unique_ptr<env::Timer> report_;  // tells of failure_ in a later turn
  bool reported_ = false;
  bool paused_ = false;
  bool reading_ = false;
  bool ended_ = false;      // the peer sent FIN
  bool finishing_ = false;  // finish_writing() was called
  std::shared_ptr<const void> token_;
};

}  // namespace gatehouse::loop
