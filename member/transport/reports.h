// Reports: news for the owner, kept until the end of the turn, so that nothing is told from inside
// a call that the owner makes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/env/executor.h"
#include "member/raft/types.h"

namespace gatehouse::transport {

class Handler;

class Reports final : private env::TurnEndHook {
 public:
  Reports(env::Executor& executor, Handler& handler) : executor_(executor), handler_(handler) {}

  // Several losses of a turn are one.
  void unreachable(raft::NodeId id);
  void gone(raft::NodeId id);
  void snapshot(raft::NodeId id, bool arrived);
  void removed_self(std::string_view reason);
  // Nothing is told from now on.
  void stop();

 private:
  void on_turn_end() override;
  void schedule();

  env::Executor& executor_;
  Handler& handler_;
  std::vector<raft::NodeId> unreachable_;
  std::vector<raft::NodeId> gone_;
  std::vector<std::pair<raft::NodeId, bool>> snapshots_;
  std::string removed_self_;
  bool stopped_ = false;
};

}  // namespace gatehouse::transport
