// Network: takes messages from member to member; loses, delays, repeats and reorders them as the
// plan says, and not at all over links that are cut.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
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
  // A sender may learn that a message did not get there.
  using Lost = std::function<void(raft::NodeId from, raft::NodeId to)>;

  Network(Timeline& timeline, Trace& trace, const Plan& plan, Deliver deliver, Lost lost);

  void send(raft::Message message);

  // One direction.
  void cut(raft::NodeId from, raft::NodeId to) { cut_.emplace(from, to); }
  void mend() { cut_.clear(); }
  // From now on everything arrives, soon and once.
  void be_reliable();

  uint64_t delivered() const { return delivered_; }

 private:
  void carry(std::shared_ptr<raft::Message> message);

  Timeline& timeline_;
  Trace& trace_;
  const Plan& plan_;
  const Deliver deliver_;
  const Lost lost_;
  env::SeededEntropy entropy_;
  std::set<std::pair<raft::NodeId, raft::NodeId>> cut_;
  bool reliable_ = false;
  uint64_t delivered_ = 0;
};

}  // namespace gatehouse::sim
