// What the sources of this room share: libuv's loop behind an EventLoop, errors as Status, and a
// poll handle that may be dropped at any time. Not for other rooms: it includes <uv.h>.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/base/unique_function.h"
#include "common/loop/event_loop.h"

namespace gatehouse::loop {

struct EventLoop::Internals {
  // One read(2) takes at most this much; it bounds what one connection may feed its session before
  // another gets its turn. Big enough that bulk transfers are not bound by system calls.
  static constexpr size_t kReadBufferBytes = 256 * 1024;

  uv_loop_t loop;
  uv_async_t wake;        // post() and stop() from other threads
  uv_idle_t tasks_ready;  // post() from the loop's own thread: no system call
  uv_prepare_t prepare;   // before blocking
  uv_check_t check;       // after I/O
  uv_timer_t timer;       // the earliest of Executor's timers
  // Every stream of the loop reads into this one: it is consumed within the read callback.
  std::unique_ptr<char[]> read_buffer;
};

inline uv_loop_t* uv_loop_of(EventLoop& loop) { return &loop.internals().loop; }

// CHECKs a libuv call that fails only by our own mistake.
void check_uv(int result, const char* call);

// Unavailable "<what>: connection reset by peer" (without what: only the error), from a libuv error
// or a negated errno.
Status uv_status(std::string_view what, int error);

// Watches one descriptor. Destroying it stops the watch at once, so the owner may close the
// descriptor right after. The callback may destroy the watcher.
class PollWatcher {
 public:
  // `callback` gets the UV_READABLE | UV_WRITABLE | … that are there, or a negative error.
  PollWatcher(EventLoop& loop, int fd, UniqueFunction<void(int events)> callback);
  ~PollWatcher();
  PollWatcher(const PollWatcher&) = delete;
  PollWatcher& operator=(const PollWatcher&) = delete;

  void watch(int events);  // 0: none

 private:
  struct Handle;
  Handle* handle_;  // freed in its close callback
};

}  // namespace gatehouse::loop
