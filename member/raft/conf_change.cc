#include "member/raft/conf_change.h"

#include <algorithm>
#include <utility>

namespace gatehouse::raft {
namespace {

Status refused(std::string message) {
  return Status(StatusCode::kFailedPrecondition, "membership change: " + std::move(message));
}

void add_voter(Configuration* config, NodeId id) {
  config->voters.incoming.insert(id);
  config->learners.erase(id);
  config->learners_next.erase(id);
}

void add_learner(Configuration* config, NodeId id) {
  config->voters.incoming.erase(id);
  // A voter of the outgoing side votes until the joint configuration is left.
  if (config->voters.outgoing.contains(id)) {
    config->learners_next.insert(id);
  } else {
    config->learners.insert(id);
  }
}

void remove(Configuration* config, NodeId id) {
  config->voters.incoming.erase(id);
  config->learners.erase(id);
  config->learners_next.erase(id);
}

size_t voters_changed(const Majority& before, const Majority& after) {
  std::vector<NodeId> changed;
  std::set_symmetric_difference(before.ids().begin(), before.ids().end(), after.ids().begin(),
                                after.ids().end(), std::back_inserter(changed));
  return changed.size();
}

Configuration leave_joint(Configuration config) {
  for (const NodeId id : config.learners_next.ids()) config.learners.insert(id);
  config.learners_next.clear();
  config.voters.outgoing.clear();
  config.auto_leave = false;
  return config;
}

}  // namespace

raftpb::ConfChangeV2 as_v2(const raftpb::ConfChange& change) {
  raftpb::ConfChangeV2 result;
  result.set_transition(raftpb::ConfChangeTransitionAuto);
  raftpb::ConfChangeSingle* single = result.add_changes();
  single->set_type(change.type());
  single->set_node_id(change.node_id());
  if (change.has_context()) result.set_context(change.context());
  return result;
}

std::string encode(const raftpb::ConfChange& change) {
  raftpb::ConfChange full = change;
  full.set_id(change.id());
  full.set_type(change.type());
  full.set_node_id(change.node_id());
  return full.SerializeAsString();
}

std::string encode(const raftpb::ConfChangeV2& change) {
  raftpb::ConfChangeV2 full = change;
  full.set_transition(change.transition());
  for (raftpb::ConfChangeSingle& single : *full.mutable_changes()) {
    single.set_type(single.type());
    single.set_node_id(single.node_id());
  }
  return full.SerializeAsString();
}

Result<raftpb::ConfChangeV2> decode_conf_change(const Entry& entry) {
  const std::string_view bytes = entry.data.view();
  const int size = static_cast<int>(bytes.size());
  if (entry.type == EntryType::kConfChange) {
    raftpb::ConfChange change;
    if (change.ParseFromArray(bytes.data(), size)) return as_v2(change);
  } else if (entry.type == EntryType::kConfChangeV2) {
    raftpb::ConfChangeV2 change;
    if (change.ParseFromArray(bytes.data(), size)) return change;
  }
  return invalid_argument("entry " + std::to_string(entry.index) +
                          " does not hold a membership change");
}

bool leaves_joint(const raftpb::ConfChangeV2& change) {
  return change.changes().empty() && change.transition() == raftpb::ConfChangeTransitionAuto;
}

bool enters_joint(const raftpb::ConfChangeV2& change) {
  return change.transition() != raftpb::ConfChangeTransitionAuto || change.changes_size() > 1;
}

Result<Configuration> apply_change(const Configuration& config,
                                   const raftpb::ConfChangeV2& change) {
  if (leaves_joint(change)) {
    if (!config.voters.joint()) return refused("there is no joint configuration to leave");
    return leave_joint(config);
  }
  if (config.voters.joint()) return refused("a joint configuration has to be left first");

  const bool joint = enters_joint(change);
  Configuration next = config;
  if (joint) {
    if (config.voters.incoming.empty()) return refused("a joint configuration without voters");
    next.voters.outgoing = config.voters.incoming;
    next.auto_leave = change.transition() != raftpb::ConfChangeTransitionJointExplicit;
  }
  for (const raftpb::ConfChangeSingle& single : change.changes()) {
    // 0 stands for a change that the application withdrew after it was proposed.
    if (single.node_id() == kNoNode) continue;
    switch (single.type()) {
      case raftpb::ConfChangeAddNode:
        add_voter(&next, single.node_id());
        break;
      case raftpb::ConfChangeAddLearnerNode:
        add_learner(&next, single.node_id());
        break;
      case raftpb::ConfChangeRemoveNode:
        remove(&next, single.node_id());
        break;
      case raftpb::ConfChangeUpdateNode:
        break;
    }
  }
  if (next.voters.incoming.empty()) return refused("no voter would be left");
  if (!joint && voters_changed(config.voters.incoming, next.voters.incoming) > 1) {
    return refused("more than one voter changes without a joint configuration");
  }
  return next;
}

Result<Configuration> from_conf_state(const raftpb::ConfState& state) {
  Configuration config;
  for (const NodeId id : state.voters()) config.voters.incoming.insert(id);
  for (const NodeId id : state.voters_outgoing()) config.voters.outgoing.insert(id);
  for (const NodeId id : state.learners()) config.learners.insert(id);
  for (const NodeId id : state.learners_next()) config.learners_next.insert(id);
  config.auto_leave = state.auto_leave();

  for (const NodeId id : config.learners.ids()) {
    if (config.voters.contains(id)) return invalid_argument("a member is voter and learner");
  }
  for (const NodeId id : config.learners_next.ids()) {
    if (!config.voters.outgoing.contains(id) || config.voters.incoming.contains(id)) {
      return invalid_argument("learners_next names a member that is no outgoing voter");
    }
  }
  if (config.voters.joint() && config.voters.incoming.empty()) {
    return invalid_argument("outgoing voters without incoming ones");
  }
  if (!config.voters.joint() && config.auto_leave) {
    return invalid_argument("auto_leave without outgoing voters");
  }
  for (const Majority* ids : {&config.voters.incoming, &config.voters.outgoing, &config.learners}) {
    if (ids->contains(kNoNode)) return invalid_argument("0 is not a member id");
  }
  return config;
}

}  // namespace gatehouse::raft
