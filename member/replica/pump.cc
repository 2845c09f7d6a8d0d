#include "member/replica/pump.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace gatehouse::replica {

Pump::Pump(env::Executor& executor, const Options& options, std::unique_ptr<raft::Core> core,
           wal::LogWriter& log_writer, PeerSender& peers, CommitSink& commits, Progress& progress,
           ReadRelease release, Events events, log::Logger logger)
    : executor_(executor),
      options_(options),
      core_(std::move(core)),
      log_writer_(log_writer),
      peers_(peers),
      commits_(commits),
      progress_(progress),
      events_(std::move(events)),
      logger_(std::move(logger)),
      reads_(*core_, options.first_read_context, std::move(release), options_.slow_read_indexes, logger_),
      tick_timer_(executor, [this] { on_tick(); }) {
  progress_.term = core_->term();
  progress_.committed = core_->log().committed();
  progress_.is_learner = core_->is_learner();
}

Pump::~Pump() = default;

void Pump::start() {
  next_tick_ms_ = executor_.now_ms() + options_.tick_ms;
  tick_timer_.arm(options_.tick_ms);
  campaign_if_alone();
  turn();
}

void Pump::campaign_if_alone() {
  if (core_->role() == raft::Role::kFollower && core_->leader() == raft::kNoNode &&
      core_->is_sole_voter()) {
    core_->campaign();
  }
}

void Pump::turn() { executor_.at_turn_end(*this); }

void Pump::submit(LaneBatch batch) {
  if (batch.read_ticket != 0) reads_.want(batch.lane, batch.read_ticket);
  if (!batch.proposals.empty()) propose(std::move(batch));
  turn();
}

void Pump::propose(LaneBatch batch) {
  // Without a leader, and while leadership is handed over, proposals wait: what is held was
  // certainly not executed, so nothing is lost by trying later.
  if (held_.empty() && takes_proposals()) {
    if (proposed_.size() <= batch.lane) proposed_.resize(batch.lane + 1);
    Proposed& proposed = proposed_[batch.lane];
    if (proposed.term != core_->term()) proposed.last_id_before = proposed.last_id;
    proposed.term = core_->term();
    proposed.last_id = batch.last_id;
    // A follower's proposal may still be dropped on its way; its proposer times out.
    const Status status = core_->propose(std::move(batch.proposals));
    if (!status.ok()) {
      LOG_WARN_LIMITED(logger_, "proposals were dropped", {"error", status.message()});
    }
    return;
  }
  hold(std::move(batch));
}

void Pump::hold(LaneBatch batch) {
  const size_t room = options_.max_held_proposals - held_count_;
  if (batch.proposals.size() > room) batch.proposals.resize(room);
  if (batch.proposals.empty()) return;
  held_count_ += batch.proposals.size();
  held_.push_back(std::move(batch));
}

void Pump::on_term_began(uint64_t term) {
  if (!events_.on_lost) return;
  for (size_t lane = 0; lane < proposed_.size(); ++lane) {
    const Proposed& proposed = proposed_[lane];
    const uint64_t last = proposed.term < term ? proposed.last_id : proposed.last_id_before;
    if (last != 0) events_.on_lost(lane, last);
  }
}

bool Pump::takes_proposals() const {
  return core_->leader() != raft::kNoNode && core_->transfer_target() == raft::kNoNode;
}

void Pump::step(raft::Message message) {
  // The core drops what it cannot take while leadership is handed over; the next leader takes it.
  if (message.type == raft::MessageType::kPropose && core_->transfer_target() != raft::kNoNode &&
      held_messages_.size() < options_.max_held_proposals) {
    held_messages_.push_back(std::move(message));
    return turn();
  }
  const Status status = core_->step(std::move(message));
  if (!status.ok()) {
    LOG_WARN_LIMITED(logger_, "a message from a peer was refused", {"error", status.message()});
  }
  turn();
}

void Pump::on_tick() {
  core_->tick();
  reads_.ask_again(executor_.now_ms(), /*all=*/false);
  // A commit index that no write carried along: not needed, but a restart is quicker with it.
  if (lazy_state_) write_aside(wal::Batch());
  if (events_.on_tick) events_.on_tick();
  // On a grid, so that ticks do not drift; after a stall the missed ones are not made up for.
  const uint64_t now = executor_.now_ms();
  next_tick_ms_ = std::max(next_tick_ms_ + options_.tick_ms, now + 1);
  if (now > next_tick_ms_ + options_.tick_ms) next_tick_ms_ = now + options_.tick_ms;
  tick_timer_.arm(next_tick_ms_ - now);
  turn();
}

void Pump::advance_ticks(uint64_t ticks) {
  for (uint64_t i = 0; i < ticks; ++i) core_->tick();
  turn();
}

void Pump::on_turn_end() {
  if (!held_.empty() && takes_proposals()) {
    held_count_ = 0;
    for (LaneBatch& batch : std::exchange(held_, {})) propose(std::move(batch));
  }
  if (!held_messages_.empty() && takes_proposals()) {
    for (raft::Message& message : std::exchange(held_messages_, {})) step(std::move(message));
  }
  reads_.ask(executor_.now_ms());
  while (core_->has_ready()) handle(core_->take_ready());
}

void Pump::handle(raft::Ready ready) {
  if (ready.soft_state) {
    const raft::SoftState before = std::exchange(soft_state_, *ready.soft_state);
    if (before.leader != soft_state_.leader) {
      if (before.leader != raft::kNoNode) {
        progress_.leader_lost_ms.store(executor_.now_ms(), std::memory_order_relaxed);
      }
      progress_.leader = soft_state_.leader;
      if (soft_state_.leader != raft::kNoNode) reads_.ask_again(executor_.now_ms(), /*all=*/true);
    }
    progress_.is_leader = soft_state_.role == raft::Role::kLeader;
    progress_.term = core_->term();
    if (events_.on_soft_state) events_.on_soft_state(before, soft_state_);
  }
  if (ready.hard_state) progress_.term = ready.hard_state->term;
  // In this order: who sees that this member leads alone sees all it has committed.
  progress_.committed.store(core_->log().committed(), std::memory_order_relaxed);
  progress_.leads_alone.store(core_->reads_need_no_quorum(), std::memory_order_release);

  if (!ready.messages.empty()) peers_.send(std::move(ready.messages));
  if (ready.snapshot) {
    CHECK(ready.committed.empty());
    progress_.is_learner = core_->is_learner();
  }
  if (ready.persist_sequence != 0) write(ready);
  if (!ready.committed.empty()) commits_.on_committed(nullptr, std::move(ready.committed));
  for (const raft::ReadState& state : ready.read_states) {
    reads_.on_read_state(state, progress_.applied.load(std::memory_order_relaxed));
  }
}

void Pump::write(raft::Ready& ready) {
  handed_sequence_ = ready.persist_sequence;
  if (!ready.after_persist.empty() || ready.snapshot) {
    unsent_.push_back({ready.persist_sequence, std::move(ready.after_persist), ready.snapshot});
  }
  if (ready.hard_state) lazy_state_ = ready.hard_state;
  if (ready.must_sync || !ready.entries.empty() || ready.snapshot) {
    wal::Batch batch;
    batch.state = std::exchange(lazy_state_, std::nullopt);
    batch.entries = std::move(ready.entries);
    batch.must_sync = true;
    if (ready.snapshot) {
      batch.snapshots.push_back(
          {ready.snapshot->index, ready.snapshot->term, ready.snapshot->conf_state});
      batch.release_before = ready.snapshot->index;
    }
    written_sequence_ = ready.persist_sequence;
    append(std::move(batch));
  } else {
    finish_writes();
  }
}

void Pump::write_aside(wal::Batch batch) {
  batch.state = std::exchange(lazy_state_, std::nullopt);
  append(std::move(batch));
}

void Pump::append(wal::Batch batch) {
  writing_.push_back({++last_batch_, written_sequence_});
  if (log_writer_.append(std::move(batch), last_batch_)) on_durable(last_batch_);
}

void Pump::on_durable(uint64_t batch) {
  CHECK(batch <= last_batch_);
  const uint64_t before = durable_sequence_;
  while (!writing_.empty() && writing_.front().batch <= batch) {
    durable_sequence_ = writing_.front().sequence;
    writing_.pop_front();
  }
  if (durable_sequence_ == before) return;
  finish_writes();
  turn();
}

// What needs no write of its own is done with the last write before it.
void Pump::finish_writes() {
  const uint64_t done =
      durable_sequence_ == written_sequence_ ? handed_sequence_ : durable_sequence_;
  std::vector<raft::Message> messages;
  while (!unsent_.empty() && unsent_.front().sequence <= done) {
    Unsent ready = std::move(unsent_.front());
    unsent_.pop_front();
    messages.insert(messages.end(), std::make_move_iterator(ready.messages.begin()),
                    std::make_move_iterator(ready.messages.end()));
    if (ready.snapshot) commits_.on_committed(std::move(ready.snapshot), {});
  }
  if (!messages.empty()) peers_.send(std::move(messages));
  if (done != 0) core_->persisted(done);
}

void Pump::on_applied(uint64_t index) {
  core_->applied_to(index);
  reads_.on_applied(index);
  campaign_if_alone();  // a new cluster's first entry is what makes it so
  turn();
}

Result<raftpb::ConfState> Pump::apply_conf_change(const raftpb::ConfChangeV2& change) {
  Result<raftpb::ConfState> state = core_->apply_conf_change(change);
  progress_.is_learner = core_->is_learner();
  progress_.leads_alone = core_->reads_need_no_quorum();
  turn();
  return state;
}

void Pump::on_snapshot(std::shared_ptr<const raft::Snapshot> snapshot, uint64_t compact_to) {
  core_->set_snapshot(std::move(snapshot));
  core_->compact(compact_to);
}

Status Pump::propose_conf_change(const raftpb::ConfChange& change) {
  const Status status = core_->propose_conf_change(change);
  turn();
  return status;
}

void Pump::transfer_leader(raft::NodeId to) {
  core_->transfer_leader(to);
  turn();
}

void Pump::campaign() {
  core_->campaign();
  turn();
}

void Pump::report_unreachable(raft::NodeId id) {
  core_->report_unreachable(id);
  turn();
}

void Pump::report_gone(raft::NodeId id) {
  core_->leader_gone(id);
  turn();
}

void Pump::report_snapshot(raft::NodeId id, bool arrived) {
  core_->report_snapshot(id, arrived);
  turn();
}

}  // namespace gatehouse::replica
