// EventLoop: the executor that the programs run on, over libuv and epoll. This room is the only one
// that includes <uv.h>, and none of its public headers does.
//
//   EventLoop loop;
//   Timer timer(loop, [&] { loop.stop(); });
//   timer.arm(100);
//   loop.run();
//
// What lives on a loop (sockets, timers, hooks) is destroyed before it, on its thread or while it
// does not run; a libuv handle that is left then is a bug and ends the process.
//
// Making a loop sets SIGPIPE to be ignored in the whole process: a write to a peer that went is an
// error of that connection.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "common/env/executor.h"

namespace gatehouse::loop {

class EventLoop final : public env::Executor {
 public:
  EventLoop();
  // Must not be running. Destroys tasks that never ran.
  ~EventLoop() override;

  // Runs turns on the calling thread until stop(). May be called again after it returned.
  void run();

  // Any thread. The turn under way is finished first. A stop() while the loop does not run ends the
  // next run() after its first turn.
  void stop();

  // Any thread; however many tasks wait, the loop is woken once for them.
  void post(UniqueFunction<void()> task) override;

  uint64_t now_ms() const override;
  uint64_t now_us() const override;

  // True on the thread that is inside run().
  bool runs_here() const;

  // For this room only.
  struct Internals;
  Internals& internals() { return *internals_; }

 private:
  void run_tasks();
  void set_wake_timer();

  std::unique_ptr<Internals> internals_;
  std::vector<UniqueFunction<void()>> running_;
  uint64_t wake_timer_due_ms_ = kNever;
  bool runs_ = false;

  std::mutex mutex_;
  std::vector<UniqueFunction<void()>> tasks_;  // under mutex_
  bool woken_ = false;                         // under mutex_: a wake for tasks_ is under way
  bool stop_ = false;                          // under mutex_
};

}  // namespace gatehouse::loop
