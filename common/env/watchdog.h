// Watchdog: tells the supervisor that the process still gets on, and is silent when it does not, so
// that it is restarted (WatchdogSec= of systemd.service(5)).
//
// A process that hangs rarely hangs as a whole: one event loop waits for a lock or spins while the
// others turn. So each loop is asked to run a task, and "WATCHDOG=1" is sent when all have since
// the last time.
//
//   Watchdog watchdog(loop, {&workers[0], &workers[1]}, [](const Status& why) { … });
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/status.h"
#include "common/base/unique_function.h"
#include "common/env/executor.h"

namespace gatehouse::env {

// How often the supervisor wants to hear from this process, in milliseconds, at least 1; nothing
// where it does not: WATCHDOG_USEC is unset or no positive number, or WATCHDOG_PID names another
// process, whose child this one is.
std::optional<uint64_t> watchdog_timeout_ms();

class Watchdog {
 public:
  // Pings from `own`'s thread, on which it is made and destroyed, four times in each
  // watchdog_timeout_ms(); does nothing where there is none. The `watched` must take tasks until
  // they are destroyed, which may be before or after this object is. `on_failure` is told the first
  // time that a ping cannot be sent.
  Watchdog(Executor& own, std::vector<Executor*> watched,
           UniqueFunction<void(const Status&)> on_failure);

 private:
  void ask();
  void on_tick();

  const std::vector<Executor*> watched_;
  UniqueFunction<void(const Status&)> on_failure_;
  uint64_t period_ms_ = 0;
  // How many have answered the last question. Theirs too: a loop may get to it when this is gone.
  std::shared_ptr<std::atomic<size_t>> answers_;
  Timer timer_;
};

}  // namespace gatehouse::env
