#include "common/env/sim_executor.h"

#include <utility>

#include "common/base/check.h"

namespace gatehouse::env {

SimExecutor::~SimExecutor() {
  // A task may own what schedules turn-end work when it goes, and that may post again.
  while (true) {
    std::vector<UniqueFunction<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    if (tasks.empty() && !has_turn_end_work()) return;
    tasks.clear();
    finish_turn();
  }
}

void SimExecutor::post(UniqueFunction<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
}

bool SimExecutor::run_turn() {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(tasks_);
  }
  const bool timers_due = next_timer_ms() <= now_ms_;
  if (running_.empty() && !timers_due && !has_turn_end_work()) return false;
  run_due_timers();
  for (UniqueFunction<void()>& task : running_) task();
  running_.clear();
  finish_turn();
  return true;
}

uint64_t SimExecutor::run_until_idle() {
  uint64_t turns = 0;
  while (run_turn()) CHECK_MSG(++turns < kMaxTurns, "the simulation does not come to rest");
  return turns;
}

void SimExecutor::advance(uint64_t ms) {
  const uint64_t end_ms = now_ms_ + ms;
  run_until_idle();
  while (next_timer_ms() <= end_ms) {
    now_ms_ = next_timer_ms();
    run_until_idle();
  }
  now_ms_ = end_ms;
}

bool SimExecutor::advance_to_next_timer() {
  run_until_idle();
  if (next_timer_ms() == kNever) return false;
  now_ms_ = next_timer_ms();
  run_until_idle();
  return true;
}

}  // namespace gatehouse::env
