// Wake: how one loop tells another that there is something to look at. However often it rings before
// the other loop gets to it, that loop is woken once.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "common/base/unique_function.h"
#include "common/env/executor.h"

namespace gatehouse::mirror {

class Wake : public std::enable_shared_from_this<Wake> {
 public:
  // `callback` is called on the executor, until close() has returned.
  Wake(env::Executor& executor, UniqueFunction<void()> callback)
      : executor_(&executor), callback_(std::move(callback)) {}

  // Any thread. What the caller wrote before is seen by the callback.
  void ring() {
    if (posted_.exchange(true, std::memory_order_acq_rel)) return;
    const std::lock_guard lock(mutex_);
    if (executor_ == nullptr) return;
    executor_->post([self = shared_from_this()] {
      self->posted_.store(false, std::memory_order_seq_cst);
      if (self->callback_) self->callback_();
    });
  }

  // On the executor's thread, not within the callback.
  void close() {
    callback_ = nullptr;
    const std::lock_guard lock(mutex_);
    executor_ = nullptr;
  }

 private:
  std::mutex mutex_;
  env::Executor* executor_;            // under mutex_
  UniqueFunction<void()> callback_;    // only on the executor's thread
  std::atomic<bool> posted_{false};
};

}  // namespace gatehouse::mirror
