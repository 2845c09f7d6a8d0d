#include "member/raft/core.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "member/raft/conf_change.h"

namespace gatehouse::raft {
namespace {

Status data_loss(std::string message) {
  return Status(StatusCode::kDataLoss, "raft: " + std::move(message));
}

Status check_options(const Options& options) {
  if (options.id == kNoNode) return invalid_argument("raft: 0 is not a member id");
  if (options.heartbeat_ticks == 0 || options.election_ticks <= options.heartbeat_ticks) {
    return invalid_argument("raft: election_ticks must be greater than heartbeat_ticks");
  }
  if (options.max_inflight_appends == 0) {
    return invalid_argument("raft: max_inflight_appends must be greater than 0");
  }
  if (!options.entropy) return invalid_argument("raft: entropy is required");
  return Status();
}

Status check_restored(const Restored& restored) {
  uint64_t index = restored.snapshot->index;
  uint64_t term = restored.snapshot->term;
  for (const Entry& entry : restored.entries) {
    if (entry.index != index + 1 || entry.term < term || entry.term == 0) {
      return data_loss("entry " + std::to_string(entry.index) + " of term " +
                       std::to_string(entry.term) + " follows entry " + std::to_string(index) +
                       " of term " + std::to_string(term));
    }
    index = entry.index;
    term = entry.term;
  }
  if (restored.hard_state.commit > index) {
    return data_loss("commit index " + std::to_string(restored.hard_state.commit) +
                     " is beyond the last entry " + std::to_string(index));
  }
  if (restored.hard_state.term < term) {
    return data_loss("term " + std::to_string(restored.hard_state.term) +
                     " is below that of the last entry, " + std::to_string(term));
  }
  if (restored.applied < restored.snapshot->index || restored.applied > index) {
    return data_loss("applied index " + std::to_string(restored.applied) +
                     " is outside of the log, " + std::to_string(restored.snapshot->index) +
                     " to " + std::to_string(index));
  }
  return Status();
}

}  // namespace

Result<std::unique_ptr<Core>> Core::create(Options options, Restored restored) {
  GATEHOUSE_RETURN_IF_ERROR(check_options(options));
  if (restored.snapshot == nullptr) restored.snapshot = std::make_shared<const Snapshot>();
  GATEHOUSE_RETURN_IF_ERROR(check_restored(restored));
  Result<Configuration> config = from_conf_state(restored.conf_state);
  if (!config.ok()) return config.status().with_context("raft: configuration");
  return std::unique_ptr<Core>(
      new Core(std::move(options), std::move(restored), std::move(*config)));
}

Core::Core(Options options, Restored restored, Configuration config)
    : options_(std::move(options)),
      // The hard state is written lazily: what was applied or snapshotted was committed.
      log_(restored.snapshot, std::move(restored.entries),
           std::max(restored.hard_state.commit, restored.applied), restored.applied),
      tracker_(options_.max_inflight_appends, options_.max_inflight_bytes),
      term_(restored.hard_state.term),
      vote_(restored.hard_state.vote) {
  tracker_.install(std::move(config), log_.last_index() + 1);
  become_follower(term_, kNoNode);
  last_hard_state_ = hard_state();
  last_soft_state_ = {leader_, role_};
}

void Core::bootstrap(std::span<const Peer> peers) {
  CHECK_MSG(log_.last_index() == 0 && term_ == 0, "bootstrap of a member that has a log");
  become_follower(1, kNoNode);
  std::vector<Entry> entries;
  for (const Peer& peer : peers) {
    CHECK(peer.id != kNoNode);
    raftpb::ConfChange change;
    change.set_type(raftpb::ConfChangeAddNode);
    change.set_node_id(peer.id);
    change.set_context(peer.context);
    entries.push_back({1, entries.size() + 1, EntryType::kConfChange, Payload(encode(change))});
  }
  log_.append(entries);
  log_.commit_to(log_.last_index());
}

void Core::tick() {
  if (role_ == Role::kLeader) {
    tick_heartbeat();
  } else {
    tick_election();
  }
}

bool Core::is_learner() const {
  const Progress* self = tracker_.find(id());
  return self != nullptr && self->is_learner;
}

bool Core::promotable() const {
  const Progress* self = tracker_.find(id());
  return self != nullptr && !self->is_learner && !log_.snapshot_pending();
}

bool Core::has_ready() const {
  return !messages_.empty() || !after_persist_.empty() || !read_states_.empty() ||
         log_.has_unwritten() || hard_state() != last_hard_state_ ||
         last_soft_state_ != SoftState{leader_, role_} ||
         (log_.has_next_committed() && log_.applying_bytes() < options_.max_applying_bytes);
}

Ready Core::take_ready() {
  Ready ready;
  if (const SoftState soft{leader_, role_}; soft != last_soft_state_) {
    ready.soft_state = last_soft_state_ = soft;
  }
  const HardState hard = hard_state();
  const bool promise = hard.term != last_hard_state_.term || hard.vote != last_hard_state_.vote;
  if (hard != last_hard_state_) ready.hard_state = last_hard_state_ = hard;

  const bool writes = ready.hard_state.has_value() || log_.has_unwritten();
  if (writes || (!after_persist_.empty() && log_.writes_under_way() > 0)) {
    ready.persist_sequence = log_.hand_out_writes(&ready.entries, &ready.snapshot);
    ready.must_sync = promise || !ready.entries.empty() || ready.snapshot != nullptr;
    ready.after_persist = std::exchange(after_persist_, {});
    if (own_vote_.has_value() && own_vote_->sequence == 0) {
      own_vote_->sequence = ready.persist_sequence;
    }
  }
  ready.messages = std::exchange(messages_, {});
  for (Message& message : after_persist_) ready.messages.push_back(std::move(message));
  after_persist_.clear();
  ready.read_states = std::exchange(read_states_, {});

  if (log_.applying_bytes() < options_.max_applying_bytes) {
    log_.hand_out_committed(options_.max_applying_bytes - log_.applying_bytes(), &ready.committed);
  }
  return ready;
}

void Core::persisted(uint64_t sequence) {
  log_.writes_done(sequence);
  if (own_vote_.has_value() && own_vote_->sequence != 0 && own_vote_->sequence <= sequence) {
    const OwnVote vote = *own_vote_;
    own_vote_.reset();
    if (role_ == Role::kCandidate && term_ == vote.term) count_vote(id(), true);
  }
  if (role_ == Role::kLeader) own_log_grew();
}

void Core::applied_to(uint64_t index) {
  log_.applied_to(index);
  leave_joint_if_due();
}

void Core::advance(const Ready& ready) {
  if (ready.persist_sequence != 0) persisted(ready.persist_sequence);
  if (!ready.committed.empty()) {
    applied_to(ready.committed.back().index);
  } else if (ready.snapshot != nullptr) {
    applied_to(ready.snapshot->index);
  }
}

Result<raftpb::ConfState> Core::apply_conf_change(const raftpb::ConfChangeV2& change) {
  Result<Configuration> next = apply_change(config(), change);
  if (!next.ok()) return next.status();
  tracker_.install(std::move(*next), std::max<uint64_t>(log_.last_index(), 1));
  const raftpb::ConfState state = config().to_conf_state();
  trace("configuration: " + state.ShortDebugString());

  if (role_ != Role::kLeader) return state;
  const Progress* self = tracker_.find(id());
  if (self == nullptr || self->is_learner) {
    // Dissertation 4.2.2: it led until its removal was committed.
    if (options_.step_down_on_removal) become_follower(term_, kNoNode);
    return state;
  }
  // The quorum may have become smaller; and those that are new have nothing yet.
  if (maybe_commit()) {
    broadcast_append();
  } else {
    for (Progress& member : tracker_.members()) {
      if (member.id != id()) send_append(&member, false);
    }
  }
  if (!config().voters.contains(transfer_target_)) transfer_target_ = kNoNode;
  return state;
}

}  // namespace gatehouse::raft
