#include "member/transport/reports.h"

#include <algorithm>

#include "member/transport/transport.h"

namespace gatehouse::transport {

void Reports::schedule() {
  if (!stopped_) executor_.at_turn_end(*this);
}

void Reports::unreachable(raft::NodeId id) {
  if (std::find(unreachable_.begin(), unreachable_.end(), id) != unreachable_.end()) return;
  unreachable_.push_back(id);
  schedule();
}

void Reports::gone(raft::NodeId id) {
  gone_.push_back(id);
  schedule();
}

void Reports::snapshot(raft::NodeId id, bool arrived) {
  snapshots_.emplace_back(id, arrived);
  schedule();
}

void Reports::removed_self(std::string_view reason) {
  removed_self_ = reason;
  schedule();
}

void Reports::stop() { stopped_ = true; }

void Reports::on_turn_end() {
  const std::vector<raft::NodeId> unreachable = std::exchange(unreachable_, {});
  const std::vector<raft::NodeId> gone = std::exchange(gone_, {});
  const std::vector<std::pair<raft::NodeId, bool>> snapshots = std::exchange(snapshots_, {});
  const std::string removed_self = std::exchange(removed_self_, {});
  // The handler may stop the transport in each of these.
  for (const raft::NodeId id : unreachable) {
    if (!stopped_) handler_.report_unreachable(id);
  }
  for (const raft::NodeId id : gone) {
    if (!stopped_) handler_.report_gone(id);
  }
  for (const auto& [id, arrived] : snapshots) {
    if (!stopped_) handler_.report_snapshot(id, arrived);
  }
  if (!removed_self.empty() && !stopped_) handler_.on_removed_self(removed_self);
}

}  // namespace gatehouse::transport
