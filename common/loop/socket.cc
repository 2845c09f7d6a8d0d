#include "common/loop/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "common/base/check.h"
#include "common/loop/internals.h"
#include "common/loop/socket_address.h"

namespace gatehouse::loop {
namespace {

// A larger buffer is freed once it is empty: thousands of idle connections must not keep what one
// burst needed.
constexpr size_t kKeptBufferBytes = 4 * 1024;

void empty(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptBufferBytes) std::string().swap(buffer);
}

}  // namespace

struct Socket::Handle {
  union {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  uv_write_t request;
  std::string in_flight;  // what the request writes; empty when there is none
  Socket* owner = nullptr;

  void close() {
    owner = nullptr;
    uv_close(&any, [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
  }
};

Result<std::unique_ptr<Socket>> Socket::adopt(EventLoop& loop, UniqueFd fd) {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof(storage);
  if (getpeername(fd.get(), reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) {
    return uv_status("", -errno);
  }
  env::PeerInfo peer;
  peer.address = SocketAddress(reinterpret_cast<sockaddr*>(&storage), bytes).to_string();

  auto* handle = new Handle;
  handle->any.data = nullptr;
  int result = 0;
  if (storage.ss_family == AF_UNIX) {
    check_uv(uv_pipe_init(uv_loop_of(loop), &handle->pipe, 0), "uv_pipe_init");
    result = uv_pipe_open(&handle->pipe, fd.get());
  } else {
    check_uv(uv_tcp_init(uv_loop_of(loop), &handle->tcp), "uv_tcp_init");
    result = uv_tcp_open(&handle->tcp, fd.get());
    // Each write is a whole batch already: waiting for more would only delay it. Fails when the
    // peer has reset the connection, which the first read tells better.
    if (result == 0) uv_tcp_nodelay(&handle->tcp, 1);
  }
  handle->any.data = handle;
  if (result != 0) {
    handle->close();
    return uv_status("", result);
  }
  fd.release();
  auto socket = std::unique_ptr<Socket>(new Socket(loop, handle, std::move(peer)));
  handle->owner = socket.get();
  return socket;
}

Socket::Socket(EventLoop& loop, Handle* handle, env::PeerInfo peer)
    : loop_(loop), handle_(handle), peer_(std::move(peer)) {}

Socket::~Socket() { handle_->close(); }

void Socket::start(Sink& sink) {
  sink_ = &sink;
  if (open()) {
    start_reading();
  } else if (!reported_ && report_ == nullptr) {
    report();
  }
}

void Socket::pause_reading() {
  paused_ = true;
  stop_reading();
  if (!open()) report();
}

void Socket::resume_reading() {
  paused_ = false;
  start_reading();
}

void Socket::start_reading() {
  if (reading_ || paused_ || ended_ || sink_ == nullptr || !open()) return;
  reading_ = true;
  check_uv(uv_read_start(
               &handle_->stream,
               [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
                 auto& loop = *static_cast<EventLoop*>(handle->loop->data);
                 *buffer = uv_buf_init(loop.internals().read_buffer.get(),
                                       EventLoop::Internals::kReadBufferBytes);
               },
               [](uv_stream_t* stream, ssize_t result, const uv_buf_t* buffer) {
                 Socket* owner = static_cast<Handle*>(stream->data)->owner;
                 if (owner != nullptr) owner->on_read(result, buffer->base);
               }),
           "uv_read_start");
}

void Socket::stop_reading() {
  if (!reading_) return;
  reading_ = false;
  uv_read_stop(&handle_->stream);
}

void Socket::on_read(ssize_t result, const char* base) {
  if (result > 0) {
    sink_->on_bytes(std::string_view(base, static_cast<size_t>(result)));
    return;
  }
  if (result == 0) return;  // EAGAIN
  stop_reading();
  if (result == UV_EOF && open()) {
    ended_ = true;
    sink_->on_end();
    return;
  }
  if (open()) failure_ = uv_status("", static_cast<int>(result));
  if (std::exchange(reported_, true)) return;
  sink_->on_broken(failure_);
}

size_t Socket::unsent() const {
  return open() ? uv_stream_get_write_queue_size(&handle_->stream) + queued_.size() : 0;
}

void Socket::write(std::string_view bytes) {
  CHECK_MSG(!finishing_, "a write after finish_writing()");
  if (bytes.empty() || !open()) return;
  if (!handle_->in_flight.empty()) {
    queued_.append(bytes);
    return;
  }
  const uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  const int taken = uv_try_write(&handle_->stream, &buffer, 1);
  if (taken < 0 && taken != UV_EAGAIN) {
    write_failed(taken);
    return;
  }
  if (taken > 0) bytes.remove_prefix(static_cast<size_t>(taken));
  if (bytes.empty()) return;
  queued_.append(bytes);
  send_queued();
}

void Socket::send_queued() {
  std::string& in_flight = handle_->in_flight;
  in_flight.swap(queued_);
  const uv_buf_t buffer = uv_buf_init(in_flight.data(), static_cast<unsigned>(in_flight.size()));
  const int result = uv_write(&handle_->request, &handle_->stream, &buffer, 1,
                              [](uv_write_t* request, int status) {
                                auto* handle = static_cast<Handle*>(request->handle->data);
                                empty(handle->in_flight);
                                if (handle->owner != nullptr) handle->owner->on_written(status);
                              });
  check_uv(result, "uv_write");
}

void Socket::on_written(int result) {
  if (result < 0) {
    write_failed(result);
    return;
  }
  if (!open()) return;
  if (!queued_.empty()) {
    send_queued();
    return;
  }
  empty(queued_);
  if (finishing_) shut_down();
  if (sink_ != nullptr) sink_->on_drained();
}

void Socket::finish_writing() {
  if (std::exchange(finishing_, true) || !open()) return;
  if (handle_->in_flight.empty()) shut_down();
}

void Socket::shut_down() {
  uv_os_fd_t fd = -1;
  check_uv(uv_fileno(&handle_->any, &fd), "uv_fileno");
  // Fails only where the connection is gone, which reading tells.
  ::shutdown(fd, SHUT_WR);
}

void Socket::write_failed(int error) {
  if (!open()) return;
  failure_ = uv_status("write", error);
  std::string().swap(queued_);
  // The peer may have answered before it went: reading comes to what it sent, then to the end.
  if (!reading_) report();
}

void Socket::report() {
  if (reported_ || sink_ == nullptr) return;
  if (report_ == nullptr) {
    report_ = std::make_unique<env::Timer>(loop_, [this] {
      if (!std::exchange(reported_, true)) sink_->on_broken(failure_);
    });
  }
  report_->arm(0);
}

}  // namespace gatehouse::loop
