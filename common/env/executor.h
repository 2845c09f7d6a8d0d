// Executor: the door to time and to "later". One thread runs an executor; everything that lives on
// it (connections, sessions, calls) is touched by that thread only and needs no lock.
//
// Two implementations: loop::EventLoop (libuv) and SimExecutor (virtual time, for tests and
// simulation).
//
// A *turn* is one round of the executor: ready I/O, due timers and posted tasks, then the turn-end
// hooks, then what destroy_later() was given. Work that should happen once for all that arrived
// (one write per connection, one fsync) is a turn-end hook.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/unique_function.h"

namespace gatehouse::env {

class Executor;

// Something to do once at the end of the current turn. Destroying a scheduled hook takes it off the
// list.
class TurnEndHook {
 public:
  TurnEndHook() = default;
  TurnEndHook(const TurnEndHook&) = delete;
  TurnEndHook& operator=(const TurnEndHook&) = delete;

 protected:
  virtual ~TurnEndHook();

 private:
  friend class Executor;
  virtual void on_turn_end() = 0;
  Executor* scheduled_on_ = nullptr;
  size_t position_ = 0;  // in Executor::hooks_, while scheduled
};

// A one-shot timer. Destroying or cancelling it is final: no callback comes after. The callback may
// re-arm or destroy it.
class Timer {
 public:
  Timer(Executor& executor, UniqueFunction<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Fires once, not before delay_ms have passed (0: in the next turn). Re-arming replaces.
  void arm(uint64_t delay_ms);
  void cancel();
  bool armed() const { return position_ != kUnarmed; }

 private:
  friend class Executor;
  static constexpr size_t kUnarmed = SIZE_MAX;

  Executor& executor_;
  UniqueFunction<void()> callback_;
  uint64_t due_ms_ = 0;
  uint64_t sequence_ = 0;       // ties fire in arming order
  size_t position_ = kUnarmed;  // in Executor::timers_, a binary heap
  bool firing_ = false;         // inside its callback
};

class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor();  // no armed timer and no scheduled hook may be left

  // Monotonic milliseconds, constant within a turn.
  virtual uint64_t now_ms() const = 0;

  // Monotonic microseconds, read at the call: for measuring, not for deciding.
  virtual uint64_t now_us() const = 0;

  // Any thread. Runs the task on this executor in a later turn; tasks of one thread run in their
  // order.
  virtual void post(UniqueFunction<void()> task) = 0;

  // The calls below: only on the executor's own thread.

  // Runs the hook at the end of this turn; scheduling it twice in a turn runs it once. A hook
  // scheduled by another hook runs in the same turn.
  void at_turn_end(TurnEndHook& hook);

  // Destroys the object at the end of this turn, after the hooks: for objects that end inside their
  // own callback.
  template <typename T>
  void destroy_later(std::unique_ptr<T> object) {
    if (object) doomed_.emplace_back(object.release(), [](void* p) { delete static_cast<T*>(p); });
  }

 protected:
  static constexpr uint64_t kNever = UINT64_MAX;

  // For implementations: a turn is run_due_timers(), I/O and tasks in any order, then
  // finish_turn().
  void run_due_timers();
  void finish_turn();
  uint64_t next_timer_ms() const;  // when the earliest timer is due, or kNever
  bool has_turn_end_work() const { return !hooks_.empty() || !doomed_.empty(); }

 private:
  friend class Timer;
  friend class TurnEndHook;
  using Doomed = std::unique_ptr<void, void (*)(void*)>;

  void arm(Timer& timer, uint64_t delay_ms);
  void cancel(Timer& timer);
  void sift_up(size_t position);
  void sift_down(size_t position);
  void place(size_t position, Timer* timer);
  static bool before(const Timer& a, const Timer& b);

  std::vector<Timer*> timers_;
  Timer* firing_ = nullptr;  // whose callback runs; null once that callback destroyed it
  uint64_t next_sequence_ = 0;
  std::vector<TurnEndHook*> hooks_;  // null where a scheduled hook was destroyed
  std::vector<Doomed> doomed_;
};

}  // namespace gatehouse::env
