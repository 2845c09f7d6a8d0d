#include "tests/member/raft/scenario.h"

#include <sstream>
#include <utility>

#include "member/raft/conf_change.h"

namespace gatehouse::raft {
namespace {

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

std::string describe(const Message& message) {
  std::ostringstream text;
  text << message.from << "->" << message.to << " " << message_name(message.type);
  if (message.term != 0) text << " term=" << message.term;
  switch (message.type) {
    case MessageType::kVote:
    case MessageType::kPreVote:
      text << " last=" << message.index << "/" << message.log_term;
      break;
    case MessageType::kAppend:
      text << " after=" << message.index << "/" << message.log_term << " commit=" << message.commit
           << " entries=[";
      for (const Entry& entry : message.entries) {
        text << (&entry == &message.entries[0] ? "" : " ") << entry.index << "/" << entry.term;
      }
      text << "]";
      break;
    case MessageType::kAppendResponse:
      text << " index=" << message.index;
      if (message.reject) text << " hint=" << message.reject_hint << "/" << message.log_term;
      break;
    case MessageType::kHeartbeat:
      text << " commit=" << message.commit;
      break;
    case MessageType::kSnapshot:
      text << " snapshot=" << message.snapshot->index << "/" << message.snapshot->term;
      break;
    case MessageType::kReadIndexResponse:
      text << " index=" << message.index;
      break;
    default:
      break;
  }
  if (message.reject) text << " reject";
  if (message.context == kCampaignTransfer) text << " transfer";
  if (message.context.size() == 8) text << " read=" << static_cast<int>(message.context[0]);
  return text.str();
}

raftpb::ConfChangeV2 parse_change(const std::vector<std::string>& arguments) {
  raftpb::ConfChangeV2 change;
  for (size_t i = 2; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "explicit") {
      change.set_transition(raftpb::ConfChangeTransitionJointExplicit);
    } else if (word == "implicit") {
      change.set_transition(raftpb::ConfChangeTransitionJointImplicit);
    } else {
      raftpb::ConfChangeSingle* single = change.add_changes();
      single->set_node_id(std::stoull(word.substr(1)));
      single->set_type(word[0] == 'v'   ? raftpb::ConfChangeAddNode
                       : word[0] == 'l' ? raftpb::ConfChangeAddLearnerNode
                                        : raftpb::ConfChangeRemoveNode);
    }
  }
  return change;
}

std::string describe(const raftpb::ConfState& state) {
  std::ostringstream text;
  const auto list = [&](const char* name, const auto& ids) {
    if (ids.empty()) return;
    text << " " << name << "=(";
    for (int i = 0; i < ids.size(); ++i) text << (i == 0 ? "" : " ") << ids[i];
    text << ")";
  };
  list("voters", state.voters());
  list("outgoing", state.voters_outgoing());
  list("learners", state.learners());
  list("learners_next", state.learners_next());
  if (state.auto_leave()) text << " auto_leave";
  return text.str();
}

}  // namespace

// make nodes=5 voters=3 [prevote=0] [checkquorum=0] [inflight=n] [append=bytes] [uncommitted=bytes]
// Members above `voters` begin empty. Election timeouts are 10 ticks and the member's id.
void Scenario::make(const std::map<std::string, std::string>& arguments) {
  const auto number = [&](const std::string& name, uint64_t otherwise) {
    const auto at = arguments.find(name);
    return at == arguments.end() ? otherwise : std::stoull(at->second);
  };
  nodes_.clear();
  network_.clear();
  cut_.clear();
  const uint64_t voters = number("voters", 3);
  for (NodeId id = 1; id <= number("nodes", voters); ++id) {
    Options options;
    options.id = id;
    options.pre_vote = number("prevote", 1) != 0;
    options.check_quorum = number("checkquorum", 1) != 0;
    options.max_inflight_appends = number("inflight", 8);
    options.max_append_bytes = number("append", 1000);
    options.max_uncommitted_bytes = number("uncommitted", 0);
    options.entropy = [id] { return id; };
    options.trace = [this, id](const std::string& line) {
      if (!quiet_) say(std::to_string(id) + " " + line);
    };
    Restored restored;
    if (id <= voters) {
      auto first = std::make_shared<Snapshot>();
      first->index = 1;
      first->term = 1;
      for (NodeId voter = 1; voter <= voters; ++voter) first->conf_state.add_voters(voter);
      restored.hard_state = {1, kNoNode, 1};
      restored.applied = 1;
      restored.conf_state = first->conf_state;
      restored.snapshot = std::move(first);
    }
    quiet_ = true;
    nodes_[id].core = std::move(Core::create(std::move(options), std::move(restored)).value());
    quiet_ = false;
  }
}

void Scenario::check(NodeId id) {
  Node& node = nodes_.at(id);
  if (const auto broken = node.invariants.check(*node.core); broken.has_value()) {
    say("BROKEN: " + std::to_string(id) + " " + *broken);
  }
}

void Scenario::send(Message message) {
  const Core& from = *nodes_.at(message.from).core;
  if (message.type == MessageType::kSnapshot && from.log().applied() > message.snapshot->index) {
    // As owners do: what leaves is the present state, which knows of members added meanwhile.
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->index = from.log().applied();
    snapshot->term = *from.log().term(snapshot->index);
    snapshot->conf_state = from.config().to_conf_state();
    message.snapshot = std::move(snapshot);
  }
  const bool lost = cut_[message.from] || cut_[message.to] || !nodes_.contains(message.to);
  if (!quiet_) say(describe(message) + (lost ? " (lost)" : ""));
  if (!lost) network_.push_back(std::move(message));
}

void Scenario::finish_write(NodeId id, Ready ready) {
  Core& core = *nodes_.at(id).core;
  for (const Message& message : ready.after_persist) send(message);
  core.persisted(ready.persist_sequence);
  if (ready.snapshot != nullptr) {
    say(std::to_string(id) + " applies snapshot " + std::to_string(ready.snapshot->index));
    core.applied_to(ready.snapshot->index);
  }
  check(id);
}

bool Scenario::drain(NodeId id) {
  Node& node = nodes_.at(id);
  if (!node.core->has_ready()) return false;
  while (node.core->has_ready()) {
    Ready ready = node.core->take_ready();
    for (const Message& message : ready.messages) send(message);
    for (const ReadState& read : ready.read_states) {
      say(std::to_string(id) + " may read " + read.context + " at " + std::to_string(read.index));
    }
    for (const Entry& entry : ready.committed) {
      if (entry.type == EntryType::kNormal) {
        if (!quiet_) {
          say(std::to_string(id) + " applies " + std::to_string(entry.index) + " '" +
              std::string(entry.data.view()) + "'");
        }
        continue;
      }
      const auto state = node.core->apply_conf_change(*decode_conf_change(entry));
      say(std::to_string(id) + " applies " + std::to_string(entry.index) + ":" +
          (state.ok() ? describe(*state) : " " + state.status().message()));
    }
    if (!ready.committed.empty()) node.core->applied_to(ready.committed.back().index);
    check(id);
    if (ready.persist_sequence == 0) continue;
    if (node.disk_stalled) {
      node.unwritten.push_back(std::move(ready));
    } else {
      finish_write(id, std::move(ready));
    }
  }
  return true;
}

void Scenario::settle() {
  for (int i = 0; i < 10000; ++i) {
    bool busy = false;
    for (auto& [id, node] : nodes_) busy = drain(id) || busy;
    if (!network_.empty()) {
      const Message message = std::move(network_.front());
      network_.pop_front();
      if (cut_[message.to]) continue;
      const Status status = nodes_.at(message.to).core->step(message);
      if (!status.ok()) say(std::to_string(message.to) + " refuses: " + status.message());
      check(message.to);
    } else if (!busy) {
      return;
    }
  }
  say("BROKEN: no end of messages");
}

std::string Scenario::state(NodeId id) const {
  const Core& core = *nodes_.at(id).core;
  std::ostringstream text;
  text << id << " " << role_name(core.role()) << " term=" << core.term() << " vote=" << core.vote()
       << " leader=" << core.leader() << " log=" << core.log().first_index() << ".."
       << core.log().last_index() << "/" << core.log().last_term()
       << " commit=" << core.log().committed();
  if (core.role() == Role::kLeader) {
    for (const Progress& member : core.tracker().members()) {
      if (member.id != id) text << "\n  " << member.id << ": " << member.to_string();
    }
  }
  return text.str();
}

// Every command but `stall` and `cut` ends when all messages have been delivered.
std::string Scenario::run(const std::string& command) {
  out_.clear();
  std::vector<std::string> arguments = words(command);
  quiet_ = !arguments.empty() && arguments[0] == "quiet";
  if (quiet_) arguments.erase(arguments.begin());
  const std::string& name = arguments.at(0);
  if (name == "make") {
    std::map<std::string, std::string> options;
    for (size_t i = 1; i < arguments.size(); ++i) {
      const size_t equals = arguments[i].find('=');
      options[arguments[i].substr(0, equals)] = arguments[i].substr(equals + 1);
    }
    make(options);
    return "ok\n";
  }
  if (name == "state") {
    for (const auto& [id, node] : nodes_) {
      if (arguments.size() < 2 || id == std::stoull(arguments[1])) say(state(id));
    }
    return out_;
  }
  const NodeId id = std::stoull(arguments.at(1));
  Core& core = *nodes_.at(id).core;
  Status status;
  if (name == "cut" || name == "join") {
    for (size_t i = 1; i < arguments.size(); ++i) cut_[std::stoull(arguments[i])] = name == "cut";
  } else if (name == "campaign") {
    core.campaign();
  } else if (name == "tick") {
    const uint64_t times = arguments.size() > 2 ? std::stoull(arguments[2]) : 1;
    for (uint64_t i = 0; i < times; ++i) {
      core.tick();
      settle();
    }
  } else if (name == "propose") {
    for (size_t i = 2; i < arguments.size(); ++i) {
      if (const Status one = core.propose({Payload(arguments[i])}); !one.ok()) status = one;
    }
  } else if (name == "change") {
    status = core.propose_conf_change(parse_change(arguments));
  } else if (name == "read") {
    status = core.read_index(arguments.at(2));
  } else if (name == "transfer") {
    core.transfer_leader(std::stoull(arguments.at(2)));
  } else if (name == "forget") {
    core.forget_leader();
  } else if (name == "unreachable") {
    core.report_unreachable(std::stoull(arguments.at(2)));
  } else if (name == "snapshot-failed") {
    core.report_snapshot(std::stoull(arguments.at(2)), false);
  } else if (name == "compact") {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->index = core.log().applied();
    snapshot->term = *core.log().term(snapshot->index);
    snapshot->conf_state = core.config().to_conf_state();
    const uint64_t index = snapshot->index;
    core.set_snapshot(std::move(snapshot));
    core.compact(index);
  } else if (name == "stall") {
    nodes_.at(id).disk_stalled = true;
  } else if (name == "write" || name == "write-once") {
    // The stalled writes are done; after `write` the disk keeps up again.
    nodes_.at(id).disk_stalled = name == "write-once";
    for (Ready& ready : std::exchange(nodes_.at(id).unwritten, {})) {
      finish_write(id, std::move(ready));
    }
  } else {
    return "unknown command\n";
  }
  if (!status.ok()) say("error: " + status.message());
  check(id);
  settle();
  return out_.empty() ? "ok\n" : out_;
}

}  // namespace gatehouse::raft
