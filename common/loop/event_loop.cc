#include "common/loop/event_loop.h"

#include <csignal>
#include <utility>

#include "common/base/check.h"
#include "common/loop/internals.h"

namespace gatehouse::loop {
namespace {

thread_local const EventLoop* running_here = nullptr;

void ignore_sigpipe() {
  static const bool once = [] {
    // libuv writes with write(2), which knows no MSG_NOSIGNAL.
    struct sigaction action {};
    action.sa_handler = SIG_IGN;
    return sigaction(SIGPIPE, &action, nullptr) == 0;
  }();
  CHECK(once);
}

template <typename Handle>
uv_handle_t* as_handle(Handle& handle) {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

}  // namespace

EventLoop::EventLoop() : internals_(std::make_unique<Internals>()) {
  ignore_sigpipe();
  Internals& uv = *internals_;
  check_uv(uv_loop_init(&uv.loop), "uv_loop_init");
  uv.loop.data = this;
  uv.read_buffer = std::make_unique<char[]>(Internals::kReadBufferBytes);

  check_uv(uv_async_init(&uv.loop, &uv.wake,
                         [](uv_async_t* handle) {
                           static_cast<EventLoop*>(handle->loop->data)->run_tasks();
                         }),
           "uv_async_init");
  check_uv(uv_idle_init(&uv.loop, &uv.tasks_ready), "uv_idle_init");
  check_uv(uv_timer_init(&uv.loop, &uv.timer), "uv_timer_init");
  check_uv(uv_prepare_init(&uv.loop, &uv.prepare), "uv_prepare_init");
  check_uv(uv_check_init(&uv.loop, &uv.check), "uv_check_init");
  check_uv(uv_prepare_start(&uv.prepare,
                            [](uv_prepare_t* handle) {
                              auto* loop = static_cast<EventLoop*>(handle->loop->data);
                              loop->finish_turn();
                              loop->set_wake_timer();
                            }),
           "uv_prepare_start");
  check_uv(uv_check_start(&uv.check,
                          [](uv_check_t* handle) {
                            static_cast<EventLoop*>(handle->loop->data)->finish_turn();
                          }),
           "uv_check_start");
}

EventLoop::~EventLoop() {
  CHECK_MSG(running_here != this, "a loop destroyed inside run()");
  // A task may own what hands over more when it goes.
  while (true) {
    std::vector<UniqueFunction<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
      woken_ = true;
    }
    if (tasks.empty() && !has_turn_end_work()) break;
    tasks.clear();
    finish_turn();
  }
  Internals& uv = *internals_;
  uv_handle_t* const own[] = {as_handle(uv.wake), as_handle(uv.tasks_ready), as_handle(uv.prepare),
                              as_handle(uv.check), as_handle(uv.timer)};
  for (uv_handle_t* handle : own) uv_close(handle, nullptr);
  uv_walk(
      &uv.loop,
      [](uv_handle_t* handle, void*) {
        CHECK_MSG(uv_is_closing(handle),
                  std::string("a handle outlives its loop: ") + uv_handle_type_name(handle->type));
      },
      nullptr);
  // Close callbacks, and the ends of lookups that were given up.
  uv_run(&uv.loop, UV_RUN_DEFAULT);
  check_uv(uv_loop_close(&uv.loop), "uv_loop_close");
}

void EventLoop::run() {
  CHECK_MSG(running_here == nullptr, "run() inside run()");
  running_here = this;
  runs_ = true;
  uv_run(&internals_->loop, UV_RUN_DEFAULT);
  // uv_stop() leaves the loop after the closing callbacks, which may have left turn-end work.
  finish_turn();
  runs_ = false;
  running_here = nullptr;
}

void EventLoop::stop() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  // Under the lock: the loop's owner may tear it down as soon as it sees the stop.
  uv_async_send(&internals_->wake);
}

void EventLoop::post(UniqueFunction<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  if (std::exchange(woken_, true)) return;
  if (runs_here()) {
    uv_idle_start(&internals_->tasks_ready, [](uv_idle_t* handle) {
      static_cast<EventLoop*>(handle->loop->data)->run_tasks();
    });
  } else {
    uv_async_send(&internals_->wake);
  }
}

void EventLoop::run_tasks() {
  bool stop = false;
  {
    const std::lock_guard lock(mutex_);
    running_.swap(tasks_);
    woken_ = false;
    stop = std::exchange(stop_, false);
  }
  uv_idle_stop(&internals_->tasks_ready);
  for (UniqueFunction<void()>& task : running_) task();
  running_.clear();
  if (stop) uv_stop(&internals_->loop);
}

void EventLoop::set_wake_timer() {
  const uint64_t due = next_timer_ms();
  if (due == wake_timer_due_ms_) return;
  wake_timer_due_ms_ = due;
  uv_timer_t* timer = &internals_->timer;
  if (due == kNever) {
    uv_timer_stop(timer);
    return;
  }
  const uint64_t now = now_ms();
  uv_timer_start(
      timer,
      [](uv_timer_t* handle) {
        auto* loop = static_cast<EventLoop*>(handle->loop->data);
        loop->wake_timer_due_ms_ = kNever;
        loop->run_due_timers();
      },
      due > now ? due - now : 0, 0);
}

uint64_t EventLoop::now_ms() const {
  // A loop that does not run keeps the time of its last turn: a timer armed now would be early.
  if (!runs_) uv_update_time(&internals_->loop);
  return uv_now(&internals_->loop);
}

uint64_t EventLoop::now_us() const { return uv_hrtime() / 1'000; }
bool EventLoop::runs_here() const { return running_here == this; }

}  // namespace gatehouse::loop
