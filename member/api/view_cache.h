// ViewCache: one view of the store for all reads of a turn.
#pragma once

#include <cstdint>
#include <memory>

#include "common/env/executor.h"
#include "member/mvcc/store.h"
#include "member/replica/progress.h"

namespace gatehouse::api {

// Thread: that of its executor.
class ViewCache final : private env::TurnEndHook {
 public:
  ViewCache(env::Executor& executor, const mvcc::Store& store, const replica::Progress& progress)
      : executor_(executor), store_(store), progress_(progress) {}

  // At least what was applied when this was called: the store shows a batch before the progress
  // tells of it, so a view taken at the present applied index is as good as a new one.
  const std::shared_ptr<const mvcc::View>& get() {
    const uint64_t applied = progress_.applied.load(std::memory_order_acquire);
    if (view_ == nullptr || applied != applied_) {
      view_ = store_.view();
      applied_ = applied;
      executor_.at_turn_end(*this);
    }
    return view_;
  }

 private:
  // A view that is kept keeps pages of the database.
  void on_turn_end() override { view_.reset(); }

  env::Executor& executor_;
  const mvcc::Store& store_;
  const replica::Progress& progress_;
  std::shared_ptr<const mvcc::View> view_;
  uint64_t applied_ = 0;
};

}  // namespace gatehouse::api
