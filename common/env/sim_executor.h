// SimExecutor: an executor whose time is moved by the test. One seed, one run: nothing in it
// depends on the wall clock or on threads.
//
//   SimExecutor sim;
//   Timer timer(sim, [&] { … });
//   timer.arm(500);
//   sim.run_until_idle();  // all that can happen now: nothing
//   sim.advance(500);      // the timer fires, and all that follows from it
//
// Thread: that of its maker, but for post(), which any thread may call.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "common/env/executor.h"

namespace gatehouse::env {

class SimExecutor final : public Executor {
 public:
  // Turns that one call may take before it is taken for an endless ping-pong, which is a bug.
  static constexpr uint64_t kMaxTurns = 50'000'000;

  explicit SimExecutor(uint64_t start_ms = 1'000) : now_ms_(start_ms) {}
  // Finishes the open turn and destroys tasks that never ran.
  ~SimExecutor() override;

  uint64_t now_ms() const override { return now_ms_; }
  uint64_t now_us() const override { return now_ms_ * 1'000; }
  void post(UniqueFunction<void()> task) override;

  // Runs turns until nothing can happen without time passing. Returns how many it took.
  uint64_t run_until_idle();

  // Lets ms pass, stopping at every timer on the way; run_until_idle() before, between and after.
  void advance(uint64_t ms);

  // Time passes and nothing runs, as in a process that was stopped: what became due meanwhile runs
  // late, at the next call of the others.
  void skip(uint64_t ms) { now_ms_ += ms; }

  // Moves time to the next timer and runs what follows. False, and nothing moves, when no timer is
  // armed.
  bool advance_to_next_timer();

  // When the earliest timer is due; UINT64_MAX when none is armed.
  uint64_t next_due_ms() const { return next_timer_ms(); }

 private:
  bool run_turn();

  uint64_t now_ms_;
  std::vector<UniqueFunction<void()>> running_;
  mutable std::mutex mutex_;
  std::vector<UniqueFunction<void()>> tasks_;  // under mutex_
};

}  // namespace gatehouse::env
