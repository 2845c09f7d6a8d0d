// Network: takes messages from member to member; loses, delays, repeats and reorders them as the
// plan says, and not at all over links that are cut.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "common/env/entropy.h"
#include "member/raft/types.h"
#include "tests/sim/plan.h"
#include "tests/sim/timeline.h"
#include "tests/sim/trace.h"

namespace gatehouse::sim {

class Network {
 public:
  using Deliver = std::function<void(raft::Message)>;
  using Runs = std::function<bool(raft::NodeId)>;
  // A sender may learn that a message did not get there.
  using Lost = std::function<void(raft::NodeId from, raft::NodeId to)>;
  // Snapshots are streams of their own: both ends know what became of one.
  using DeliverSnapshot = std::function<bool(raft::Message, const std::string& database)>;
  using ReportSnapshot = std::function<void(raft::NodeId from, raft::NodeId to, bool arrived)>;
  struct Ends {
    Deliver deliver;
    Runs runs;
    Lost lost;
    DeliverSnapshot deliver_snapshot;
    ReportSnapshot report_snapshot;
  };

  Network(Timeline& timeline, Trace& trace, const Plan& plan, Ends ends);

  void send(raft::Message message);
  void send_snapshot(raft::Message message, std::string database);

  // One direction.
  void cut(raft::NodeId from, raft::NodeId to) { cut_.emplace(from, to); }
  void mend() { cut_.clear(); }
  // From now on everything arrives, soon and once.
  void be_reliable();

  uint64_t delivered() const { return delivered_; }
  uint64_t snapshots() const { return snapshots_; }

 private:
  void carry(std::shared_ptr<raft::Message> message);
  void arrive(std::shared_ptr<raft::Message> message);
  void keep(std::shared_ptr<raft::Message> message);
  uint64_t delay();
  bool loses() { return !reliable_ && entropy_.unit() < plan_.loss; }

  Timeline& timeline_;
  Trace& trace_;
  const Plan& plan_;
  const Ends ends_;
  env::SeededEntropy entropy_;
  std::set<std::pair<raft::NodeId, raft::NodeId>> cut_;
  bool reliable_ = false;
  uint64_t delivered_ = 0;
  uint64_t snapshots_ = 0;
};

}  // namespace gatehouse::sim
