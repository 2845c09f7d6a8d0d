#include "common/env/executor.h"

#include <utility>

#include "common/base/check.h"

namespace gatehouse::env {

TurnEndHook::~TurnEndHook() {
  if (scheduled_on_ != nullptr) scheduled_on_->hooks_[position_] = nullptr;
}

Timer::Timer(Executor& executor, UniqueFunction<void()> callback)
    : executor_(executor), callback_(std::move(callback)) {}

Timer::~Timer() {
  cancel();
  // Only then: an unarmed timer may outlive its executor.
  if (firing_) executor_.firing_ = nullptr;
}

void Timer::arm(uint64_t delay_ms) { executor_.arm(*this, delay_ms); }

void Timer::cancel() {
  if (armed()) executor_.cancel(*this);
}

Executor::~Executor() {
  CHECK_MSG(timers_.empty(), "a timer outlives its executor");
  CHECK_MSG(!has_turn_end_work(), "turn-end work is left when the executor goes");
}

void Executor::at_turn_end(TurnEndHook& hook) {
  if (hook.scheduled_on_ != nullptr) {
    CHECK_MSG(hook.scheduled_on_ == this, "one hook on two executors");
    return;
  }
  hook.scheduled_on_ = this;
  hook.position_ = hooks_.size();
  hooks_.push_back(&hook);
}

void Executor::finish_turn() {
  // Hooks schedule hooks, and what is destroyed may schedule more: until nothing is left.
  while (has_turn_end_work()) {
    for (size_t i = 0; i < hooks_.size(); ++i) {
      TurnEndHook* hook = std::exchange(hooks_[i], nullptr);
      if (hook == nullptr) continue;
      hook->scheduled_on_ = nullptr;
      hook->on_turn_end();
    }
    hooks_.clear();
    std::vector<Doomed> doomed = std::move(doomed_);
    doomed_.clear();
    // In the order given: an object may refer to one that was handed over after it.
    for (Doomed& object : doomed) object.reset();
    // Keeps the capacity for the next turn, unless a destructor handed over more.
    doomed.clear();
    if (doomed_.empty()) doomed_ = std::move(doomed);
  }
}

void Executor::run_due_timers() {
  const uint64_t now = now_ms();
  // A timer armed from here on has a higher sequence: armed with 0 ms it waits for the next turn.
  // It cannot stand before an older due timer, as equal due times go by sequence.
  const uint64_t end_sequence = next_sequence_;
  while (!timers_.empty()) {
    Timer* timer = timers_.front();
    if (timer->due_ms_ > now || timer->sequence_ >= end_sequence) return;
    cancel(*timer);
    // The callback may destroy its timer, so it runs from here and goes home only if there is one.
    UniqueFunction<void()> callback = std::move(timer->callback_);
    firing_ = timer;
    timer->firing_ = true;
    callback();
    if (firing_ == timer) {
      timer->firing_ = false;
      timer->callback_ = std::move(callback);
    }
    firing_ = nullptr;
  }
}

uint64_t Executor::next_timer_ms() const {
  return timers_.empty() ? kNever : timers_.front()->due_ms_;
}

void Executor::arm(Timer& timer, uint64_t delay_ms) {
  const uint64_t now = now_ms();
  timer.due_ms_ = delay_ms < kNever - now ? now + delay_ms : kNever - 1;
  timer.sequence_ = next_sequence_++;
  if (timer.armed()) {
    // Later or earlier than before: one of the two moves it.
    sift_down(timer.position_);
    sift_up(timer.position_);
    return;
  }
  timers_.push_back(nullptr);
  place(timers_.size() - 1, &timer);
  sift_up(timer.position_);
}

void Executor::cancel(Timer& timer) {
  const size_t hole = std::exchange(timer.position_, Timer::kUnarmed);
  Timer* last = timers_.back();
  timers_.pop_back();
  if (last == &timer) return;
  place(hole, last);
  sift_down(hole);
  sift_up(last->position_);
}

bool Executor::before(const Timer& a, const Timer& b) {
  return a.due_ms_ != b.due_ms_ ? a.due_ms_ < b.due_ms_ : a.sequence_ < b.sequence_;
}

void Executor::place(size_t position, Timer* timer) {
  timers_[position] = timer;
  timer->position_ = position;
}

void Executor::sift_up(size_t position) {
  Timer* timer = timers_[position];
  while (position > 0) {
    const size_t parent = (position - 1) / 2;
    if (!before(*timer, *timers_[parent])) break;
    place(position, timers_[parent]);
    position = parent;
  }
  place(position, timer);
}

void Executor::sift_down(size_t position) {
  Timer* timer = timers_[position];
  while (true) {
    size_t child = 2 * position + 1;
    if (child >= timers_.size()) break;
    if (child + 1 < timers_.size() && before(*timers_[child + 1], *timers_[child])) ++child;
    if (!before(*timers_[child], *timer)) break;
    place(position, timers_[child]);
    position = child;
  }
  place(position, timer);
}

}  // namespace gatehouse::env
