// Timeline: the one clock of a simulated world and what is to happen when. Everything that happens
// is an event of it; events of the same moment happen in the order in which they were put.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/unique_function.h"

namespace gatehouse::sim {

class Timeline {
 public:
  using Event = UniqueFunction<void()>;

  // Microseconds since the world began.
  uint64_t now_us() const { return now_us_; }
  uint64_t events() const { return next_; }

  void after(uint64_t delay_us, Event event) {
    heap_.push_back({now_us_ + delay_us, next_++, std::move(event)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  // The next event, if it is not after `end_us`; else time passes to there. Whether there was one.
  bool run_next(uint64_t end_us) {
    if (heap_.empty() || heap_.front().at_us > end_us) {
      now_us_ = std::max(now_us_, end_us);
      return false;
    }
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Planned planned = std::move(heap_.back());
    heap_.pop_back();
    now_us_ = planned.at_us;
    planned.event();
    return true;
  }

 private:
  struct Planned {
    uint64_t at_us;
    uint64_t number;
    Event event;
  };
  static bool later(const Planned& a, const Planned& b) {
    return a.at_us != b.at_us ? a.at_us > b.at_us : a.number > b.number;
  }

  uint64_t now_us_ = 0;
  uint64_t next_ = 0;
  std::vector<Planned> heap_;
};

}  // namespace gatehouse::sim
