#include "common/loop/internals.h"

#include <unistd.h>

#include "common/base/check.h"
#include "common/loop/unique_fd.h"

namespace gatehouse::loop {

void UniqueFd::reset(int fd) {
  // Linux releases the descriptor even when close() reports an error.
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

void check_uv(int result, const char* call) {
  CHECK_MSG(result >= 0, std::string(call) + ": " + uv_strerror(result));
}

Status uv_status(std::string_view what, int error) {
  std::string message(what);
  if (!message.empty()) message += ": ";
  message += uv_strerror(error);
  return unavailable(std::move(message));
}

struct PollWatcher::Handle {
  uv_poll_t poll;
  bool in_callback = false;
  bool closed = false;
  UniqueFunction<void(int)> callback;

  static void on_events(uv_poll_t* poll, int status, int events) {
    Handle* self = static_cast<Handle*>(poll->data);
    self->in_callback = true;
    self->callback(status < 0 ? status : events);
    self->in_callback = false;
    // Dropped by its own callback: what that captured may go only now.
    if (self->closed) self->callback = nullptr;
  }
};

PollWatcher::PollWatcher(EventLoop& loop, int fd, UniqueFunction<void(int)> callback)
    : handle_(new Handle) {
  handle_->callback = std::move(callback);
  handle_->poll.data = handle_;
  check_uv(uv_poll_init(uv_loop_of(loop), &handle_->poll, fd), "uv_poll_init");
}

PollWatcher::~PollWatcher() {
  uv_poll_stop(&handle_->poll);
  handle_->closed = true;
  if (!handle_->in_callback) handle_->callback = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

void PollWatcher::watch(int events) {
  if (events == 0) {
    check_uv(uv_poll_stop(&handle_->poll), "uv_poll_stop");
  } else {
    check_uv(uv_poll_start(&handle_->poll, events, &Handle::on_events), "uv_poll_start");
  }
}

}  // namespace gatehouse::loop
