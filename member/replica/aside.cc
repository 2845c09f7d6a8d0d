#include "member/replica/aside.h"

#include <thread>
#include <utility>

namespace gatehouse::replica {

Aside::~Aside() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return started_ == 0; });
}

void Aside::run(env::Executor& executor, std::function<void()> work, std::function<void()> then) {
  {
    const std::lock_guard lock(mutex_);
    ++started_;
  }
  std::thread([this, &executor, work = std::move(work), then = std::move(then)]() mutable {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return running_ < kMaxThreads; });
      ++running_;
    }
    work();
    work = nullptr;
    executor.post(std::move(then));
    // The last touch of this object: with the lock, so that the destructor cannot be past it.
    const std::lock_guard lock(mutex_);
    --running_;
    --started_;
    changed_.notify_all();
  }).detach();
}

}  // namespace gatehouse::replica
