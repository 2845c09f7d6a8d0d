#include <utility>

#include "common/log/log.h"

namespace gatehouse::log {

// Windows of a fixed length, each starting with the first line after the one before.
RateLimit::Decision RateLimit::ask(std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (!started_ || now - window_start_ >= interval_) {
    started_ = true;
    window_start_ = now;
    in_window_ = 0;
  }
  if (in_window_ < lines_) {
    ++in_window_;
    return {true, std::exchange(suppressed_, 0)};
  }
  ++suppressed_;
  return {false, 0};
}

}  // namespace gatehouse::log
