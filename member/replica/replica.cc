#include "member/replica/replica.h"

#include <chrono>
#include <utility>

#include "common/base/check.h"
#include "member/membership/conf_change.h"
#include "member/membership/v2.h"
#include "member/replica/snapshot_transfer.h"
#include "proto/rpc.pb.h"

namespace gatehouse::replica {

namespace {

constexpr std::string_view kRemovedText =
    "the member has been permanently removed from the cluster";

Status learner_not_ready() {
  return Status(StatusCode::kFailedPrecondition,
                "etcdserver: can only promote a learner member which is in sync with leader");
}

// From the entry that removes this member to its end. As etcd.
constexpr uint64_t kStopAfterRemovalMs = 1'000;

// After a snapshot has arrived: time for the peer to begin with the log after it. As etcd.
constexpr uint64_t kHoldAfterSnapshotMs = 30'000;

uint64_t unix_ms() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

uint64_t request_timeout_ms(const ReplicaOptions& options) {
  // 5 s for the disk and the queue, and two elections that may come in between.
  return 5000 + 2 * options.tick_ms * options.election_ticks;
}

}  // namespace

Result<std::unique_ptr<Replica>> Replica::create(env::Executor& executor, env::FileSystem& files,
                                                 const ReplicaOptions& options, Storage& storage,
                                                 wal::LogWriter& log_writer, PeerSender& peers,
                                                 const State& state, size_t lanes, Hooks hooks,
                                                 log::Logger logger) {
  raft::Options raft_options;
  raft_options.id = storage.identity.node_id;
  raft_options.election_ticks = options.election_ticks;
  raft_options.pre_vote = options.pre_vote;
  raft_options.max_append_bytes = options.max_append_bytes;
  raft_options.entropy = hooks.entropy;
  raft_options.trace = [logger](const std::string& line) { LOG_INFO(logger, line); };
  Result<std::unique_ptr<raft::Core>> core =
      raft::Core::create(std::move(raft_options), std::move(storage.restored));
  if (!core.ok()) return core.status();
  if (!storage.bootstrap.empty()) (*core)->bootstrap(storage.bootstrap);
  std::unique_ptr<Replica> replica(new Replica(executor, options, state, lanes,
                                               storage.identity.node_id, std::move(hooks),
                                               std::move(logger)));
  replica->wire(files, storage, std::move(*core), log_writer, peers);
  return replica;
}

Replica::Replica(env::Executor& executor, const ReplicaOptions& options, const State& state,
                 size_t lanes, uint64_t member_id, Hooks hooks, log::Logger logger)
    : executor_(executor),
      options_(options),
      state_(state),
      hooks_(std::move(hooks)),
      logger_(std::move(logger)),
      member_id_(member_id),
      timeout_ms_(request_timeout_ms(options)),
      ids_(member_id, hooks_.unix_ms ? hooks_.unix_ms() : unix_ms(), lanes + 1),
      ports_(lanes + 1),
      removal_timer_(executor, [this] { on_removed(kRemovedText); }) {}

Replica::~Replica() = default;

void Replica::wire(env::FileSystem& files, Storage& storage, std::unique_ptr<raft::Core> core,
                   wal::LogWriter& log_writer, PeerSender& peers) {
  log_writer_ = &log_writer;
  files_ = &files;
  snap_directory_ = storage.snap_directory;
  const uint64_t index = core->log().applied();
  const raft::LogPosition applied{index, *core->log().term(index)};  // it goes back that far
  const uint64_t snapshot_index = core->log().snapshot() ? core->log().snapshot()->index : 0;

  apply::Parts parts{state_.backend, state_.store, state_.lessor, state_.alarms, state_.cluster};
  parts.quota_bytes = state_.quota_bytes;
  parts.durable_checkpoints = options_.durable_checkpoints;
  parts.complete_later = [this](uint64_t id, apply::Outcome outcome) {
    apply_->complete_later(id, std::move(outcome));
  };
  apply_ = std::make_unique<ApplyLoop>(executor_, executor_,
                                       ApplyLoop::Options{options_.warn_apply_ms, options_.metrics},
                                       parts,
                                       ports_.size(), ids_, progress_, state_.feed, applied,
                                       apply_events(), logger_);
  apply_->set_conf_state(core->config().to_conf_state());

  Pump::Events events;
  events.on_tick = [this] {
    const Status health = state_.backend.health();
    if (!health.ok() && !std::exchange(failed_, true)) hooks_.on_fatal(health);
    if (!conf_changes_.empty()) expire_conf_changes();
  };
  events.on_soft_state = [this](raft::SoftState before, raft::SoftState now) {
    on_soft_state(before, now);
  };
  events.on_lost = [this](size_t lane, uint64_t up_to_id) { lost(lane, up_to_id); };
  pump_ = std::make_unique<Pump>(
      executor_,
      Pump::Options{.tick_ms = options_.tick_ms,
                    .slow_read_indexes = options_.metrics.slow_read_indexes,
                    .first_read_context = hooks_.entropy()},
      std::move(core), log_writer, peers,
      *apply_, progress_, [this](size_t lane, uint64_t ticket) { release(lane, ticket); },
      std::move(events), logger_);

  Snapshotter::Options snapshots = options_.snapshots;
  snapshots.snap_directory = storage.snap_directory;
  snapshots.wal_directory = storage.wal_directory;
  snapshots.on_saved = [metrics = options_.metrics](const snap::SaveTimes& times) {
    metrics.snap_marshalling.observe(times.marshalling);
    metrics.snap_fsync.observe(times.fsync);
    metrics.snap_total.observe(times.total);
  };
  snapshotter_ = std::make_unique<Snapshotter>(
      files, state_.backend, snapshots, snapshot_index,
      Snapshotter::Events{
          [this](std::shared_ptr<const raft::Snapshot> snapshot, uint64_t compact_to) {
            executor_.post([this, snapshot = std::move(snapshot), compact_to] {
              on_snapshot(snapshot, compact_to);
            });
          },
          hooks_.on_fatal},
      logger_);

  own_lane_ = make_lane(executor_, ports_.size() - 1);
  Keeper::Options keeper = options_.keeper;
  keeper.member_id = member_id_;
  keeper.election_timeout_ms = options_.tick_ms * options_.election_ticks;
  keeper_ = std::make_unique<Keeper>(
      *own_lane_, keeper, state_.lessor, state_.alarms, state_.cluster,
      Keeper::Hooks{hooks_.on_ready, hooks_.lowest_version, hooks_.on_leases_expired}, logger_);
}

ApplyEvents Replica::apply_events() {
  ApplyEvents events;
  events.change_configuration = [this](raftpb::ConfChangeV2 change, auto done) {
    done(pump_->apply_conf_change(change));
  };
  events.on_applied = [this](uint64_t index) { pump_->on_applied(index); };
  events.on_term_began = [this](uint64_t term) {
    // Later: the outcomes of what was applied just before are still on their way.
    executor_.post([this, term] {
      if (pump_ != nullptr) pump_->on_term_began(term);
    });
    if (progress_.is_leader && term == pump_->core().term()) {
      keeper_->on_leading();
      if (hooks_.on_leading) hooks_.on_leading(true);
    }
  };
  events.on_conf_change = [this](uint64_t id, const Status& status) {
    if (status.ok() && hooks_.on_members_changed) hooks_.on_members_changed();
    const auto waiting = conf_changes_.find(id);
    if (waiting == conf_changes_.end()) return;
    const auto done = std::move(waiting->second.done);
    conf_changes_.erase(waiting);
    done(status);
  };
  events.on_no_space = [this] { keeper_->raise_no_space(); };
  events.on_removed = [this] { on_removal_applied(); };
  events.on_batch = [this](uint64_t index, uint64_t term) {
    snapshotter_->on_batch(index, [&] {
      raft::Snapshot snapshot;
      snapshot.index = index;
      snapshot.term = term;
      snapshot.conf_state = apply_->conf_state();
      snapshot.data = raft::Payload(membership::v2_snapshot(*state_.cluster.members(), index));
      return snapshot;
    });
  };
  events.answer = [this](size_t lane, std::vector<Answer> answers) {
    answer(lane, std::move(answers));
  };
  events.restore = [this](std::shared_ptr<const raft::Snapshot> snapshot,
                          std::function<void()> done) {
    restore(std::move(snapshot), std::move(done));
  };
  return events;
}

void Replica::restore(std::shared_ptr<const raft::Snapshot> snapshot, std::function<void()> done) {
  LOG_INFO(logger_, "applying snapshot", {"current-applied-index", apply_->applied_index()},
           {"incoming-leader-snapshot-index", snapshot->index},
           {"incoming-leader-snapshot-term", snapshot->term});
  if (hooks_.on_restoring) hooks_.on_restoring(true);
  const auto result = std::make_shared<Status>();
  auto work = [files = files_, directory = snap_directory_, snapshot, state = state_, result] {
    *result = install_snapshot(*files, directory, *snapshot,
                               {state.backend, state.store, state.lessor, state.alarms,
                                state.cluster});
  };
  auto then = [this, snapshot, done = std::move(done), result,
               alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired() || pump_ == nullptr) return;
    if (!result->ok()) return hooks_.on_fatal(result->with_context("applying a snapshot"));
    if (hooks_.on_restoring) hooks_.on_restoring(false);
    LOG_INFO(logger_, "applied snapshot", {"incoming-leader-snapshot-index", snapshot->index});
    snapshotter_->on_restored(snapshot->index);
    done();
    if (hooks_.on_members_changed) hooks_.on_members_changed();
    // Removed by a change that this member never saw.
    if (state_.cluster.members()->removed.contains(member_id_)) on_removed(kRemovedText);
  };
  if (hooks_.run_aside) return hooks_.run_aside(std::move(work), std::move(then));
  work();
  executor_.post(std::move(then));
}

void Replica::hold_log_for(raft::NodeId peer) { held_for_[peer] = UINT64_MAX; }

void Replica::report_snapshot(raft::NodeId peer, bool arrived) {
  if (arrived) {
    held_for_[peer] = executor_.now_ms() + kHoldAfterSnapshotMs;
  } else {
    held_for_.erase(peer);
  }
  pump_->report_snapshot(peer, arrived);
}

bool Replica::log_held() {
  const auto members = state_.cluster.members();
  std::erase_if(held_for_, [&](const auto& each) {
    return each.second <= executor_.now_ms() || members->find(each.first) == nullptr;
  });
  return !held_for_.empty();
}

void Replica::start() {
  pump_->start();
  if (options_.initial_tick_advance) pump_->advance_ticks(options_.election_ticks - 1);
  keeper_->start();
  if (options_.auto_compaction) {
    auto_compactor_ = std::make_unique<AutoCompactor>(
        executor_, *options_.auto_compaction,
        AutoCompactor::Hooks{
            [this] { return state_.store.view()->revision(); },
            [this] { return progress_.is_leader.load(); },
            [this](int64_t revision, std::function<void(const Status&)> done) {
              etcdserverpb::CompactionRequest message;
              message.set_revision(revision);
              const std::string body = message.SerializeAsString();
              apply::Request request;
              request.kind = apply::Kind::kCompaction;
              request.body = body;
              own_lane_->propose(request, [done = std::move(done)](apply::Outcome outcome) {
                done(outcome.status);
              });
            }},
        logger_);
  }
}

void Replica::stop() {
  stopped_ = true;
  auto_compactor_.reset();
  keeper_.reset();
  own_lane_.reset();
  snapshotter_.reset();
  pump_.reset();
}

std::unique_ptr<Lane> Replica::make_lane(env::Executor& executor, size_t index) {
  Lane::Options options;
  options.index = index;
  options.timeout_ms = timeout_ms_;
  options.max_request_bytes = options_.max_request_bytes;
  options.election_timeout_ms = options_.tick_ms * options_.election_ticks;
  options.metrics = &options_.metrics;
  const bool here = &executor == &executor_;
  auto lane = std::make_unique<Lane>(executor, options, ids_, progress_, [this, here](LaneBatch batch) {
    if (here) {
      if (pump_ != nullptr) pump_->submit(std::move(batch));  // which turns at the end of this turn
      return;
    }
    executor_.post([this, batch = std::move(batch)]() mutable {
      if (pump_ != nullptr) pump_->submit(std::move(batch));
    });
  });
  const std::lock_guard lock(ports_mutex_);
  owned_ports_.push_back(std::make_unique<Port>(Port{&executor, lane.get()}));
  ports_[index].store(owned_ports_.back().get(), std::memory_order_release);
  return lane;
}

uint64_t Replica::pending_proposals() const {
  uint64_t sum = 0;
  for (const auto& port : ports_) {
    if (const Port* set = port.load(std::memory_order_acquire)) sum += set->lane->waiting();
  }
  return sum;
}

uint64_t Replica::failed_proposals() const {
  uint64_t sum = 0;
  for (const auto& port : ports_) {
    if (const Port* set = port.load(std::memory_order_acquire)) sum += set->lane->failed();
  }
  return sum;
}

void Replica::answer(size_t lane, std::vector<Answer> answers) {
  const Port* port = ports_[lane].load(std::memory_order_acquire);
  if (port == nullptr || stopped_) return;
  if (port->executor == &executor_) return port->lane->on_answers(std::move(answers));
  port->executor->post([lane = port->lane, answers = std::move(answers)]() mutable {
    lane->on_answers(std::move(answers));
  });
}

void Replica::release(size_t lane, uint64_t ticket) {
  const Port* port = ports_[lane].load(std::memory_order_acquire);
  if (port == nullptr || stopped_) return;
  if (port->executor == &executor_) return port->lane->on_read(ticket);
  port->executor->post([lane = port->lane, ticket] { lane->on_read(ticket); });
}

void Replica::lost(size_t lane, uint64_t up_to_id) {
  const Port* port = ports_[lane].load(std::memory_order_acquire);
  if (port == nullptr || stopped_) return;
  if (port->executor == &executor_) return port->lane->on_lost(up_to_id);
  port->executor->post([lane = port->lane, up_to_id] { lane->on_lost(up_to_id); });
}

void Replica::on_durable(uint64_t sequence) {
  executor_.post([this, sequence] {
    if (pump_ != nullptr) pump_->on_durable(sequence);
  });
}

void Replica::wake_writer() {
  executor_.post([this] {
    if (pump_ != nullptr) apply_->run_writer_tasks();
  });
}

void Replica::on_soft_state(const raft::SoftState& before, const raft::SoftState& now) {
  if (now.leader != before.leader && now.leader != raft::kNoNode && hooks_.on_leader_changed) {
    hooks_.on_leader_changed();
  }
  if (before.role == raft::Role::kLeader && now.role != raft::Role::kLeader) {
    keeper_->on_not_leading();
    if (hooks_.on_leading) hooks_.on_leading(false);
  }
}

void Replica::on_snapshot(std::shared_ptr<const raft::Snapshot> snapshot, uint64_t compact_to) {
  if (pump_ == nullptr) return;
  // Meanwhile a newer one came from the leader: its record must stay the last.
  if (snapshot->index < pump_->core().log().first_index()) return;
  wal::Batch batch;
  batch.snapshots.push_back({snapshot->index, snapshot->term, snapshot->conf_state});
  batch.release_before = snapshot->index;
  pump_->write_aside(std::move(batch));
  pump_->on_snapshot(std::move(snapshot), log_held() ? 0 : compact_to);
}

void Replica::on_removed(std::string_view reason) {
  hooks_.on_fatal(Status(StatusCode::kAborted, std::string(reason)));
}

void Replica::promote(uint64_t id, std::function<void(const Status&)> done) {
  const raftpb::ConfChange change = membership::promote_change(0, id);
  Status status = state_.cluster.validate(change);
  if (status.ok() && !progress_.is_leader) status = unavailable("etcdserver: not leader");
  if (status.ok() && !learner_ready(id)) status = learner_not_ready();
  if (status.ok() && options_.strict_reconfiguration) status = state_.cluster.check_promote(id);
  const auto told = [metrics = options_.metrics, done = std::move(done)](const Status& outcome) {
    if (outcome.ok()) {
      metrics.learner_promotions.add();
    } else {
      metrics.learner_promote_failures.with({outcome.message()}).add();
    }
    done(outcome);
  };
  if (!status.ok()) return told(status);
  change_membership(change, told);
}

// The others have to hear that it is committed, and the client that it is done.
void Replica::on_removal_applied() { removal_timer_.arm(kStopAfterRemovalMs); }

void Replica::check_version() {
  if (keeper_ != nullptr) keeper_->check_version();
}

bool Replica::learner_ready(uint64_t id) const {
  const raft::Tracker& tracker = pump_->core().tracker();
  const raft::Progress* learner = tracker.find(id);
  const raft::Progress* leader = tracker.find(member_id_);
  if (learner == nullptr || leader == nullptr) return false;
  return static_cast<double>(learner->match) >= 0.9 * static_cast<double>(leader->match);
}

void Replica::raise_no_space() {
  if (keeper_ != nullptr) keeper_->raise_no_space();
}

void Replica::raise_corrupt() {
  if (keeper_ != nullptr) keeper_->raise_corrupt();
}

void Replica::change_membership(raftpb::ConfChange change,
                                std::function<void(const Status&)> done) {
  change.set_id(ids_.next(ports_.size() - 1));
  const uint64_t id = change.id();
  conf_changes_.emplace(id, ConfChange{executor_.now_ms() + timeout_ms_, std::move(done)});
  const Status status = pump_->propose_conf_change(change);
  if (status.ok()) return;
  const auto waiting = conf_changes_.find(id);
  const auto refused = std::move(waiting->second.done);
  conf_changes_.erase(waiting);
  refused(status);
}

// Lost with its leader, or applied by a snapshot: nobody will tell.
void Replica::expire_conf_changes() {
  std::vector<std::function<void(const Status&)>> late;
  std::erase_if(conf_changes_, [&](auto& each) {
    if (each.second.deadline_ms > executor_.now_ms()) return false;
    late.push_back(std::move(each.second.done));
    return true;
  });
  for (const auto& done : late) done(unavailable("etcdserver: request timed out"));
}

}  // namespace gatehouse::replica
