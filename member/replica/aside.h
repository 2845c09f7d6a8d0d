// Aside: work that blocks or takes long - hashing a database, streaming a snapshot - on threads that
// may wait. A thread for each piece of work; a member does little of it, and a bound keeps clients
// from doing much.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

#include "common/env/executor.h"

namespace gatehouse::replica {

class Aside {
 public:
  static constexpr size_t kMaxThreads = 16;

  Aside() = default;
  // Waits for what is under way.
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  // Any thread. `then` runs on the executor, which must outlive this object's work. Beyond
  // kMaxThreads work waits for its turn.
  void run(env::Executor& executor, std::function<void()> work, std::function<void()> then);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t started_ = 0;  // threads that have not ended
  size_t running_ = 0;  // of them, those at work
};

}  // namespace gatehouse::replica
