// Signals as callbacks of a loop.
#pragma once

#include <vector>

#include "common/base/unique_function.h"
#include "common/loop/event_loop.h"

namespace gatehouse::loop {

class SignalWatcher {
 public:
  // Calls back on the loop for each of these signals (SIGTERM, SIGINT, SIGHUP, …) that the process
  // gets, from now until the watcher is destroyed; then their former disposition is back. Signals
  // that come faster than the loop turns may be told once.
  SignalWatcher(EventLoop& loop, const std::vector<int>& signals,
                UniqueFunction<void(int signal)> callback);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  struct Shared;
  struct Handle;
  std::vector<Handle*> handles_;  // each freed in its close callback
};

}  // namespace gatehouse::loop
