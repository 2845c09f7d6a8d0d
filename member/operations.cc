#include "member/operations.h"

#include <optional>
#include <utility>

namespace gatehouse::member {

namespace {

// The answer goes to the loop that asked.
api::Operator::Done on(env::Executor& executor, api::Operator::Done done) {
  return [&executor, done = std::move(done)](const Status& status) {
    executor.post([done, status] { done(status); });
  };
}

}  // namespace

Operations::Operations(env::Executor& executor, membership::Cluster& cluster,
                       bool strict_reconfiguration)
    : executor_(executor), cluster_(cluster), strict_(strict_reconfiguration) {}

void Operations::run_aside(replica::Lane& lane, std::function<void()> work,
                           std::function<void()> then) {
  aside_.run(lane.executor(), std::move(work), std::move(then));
}

struct Operations::Transfer {
  uint64_t target;
  uint64_t deadline_ms;
  Done done;
  std::optional<env::Timer> timer;
};

void Operations::move_leader(replica::Lane& lane, uint64_t target, Done done) {
  executor_.post([this, target, done = on(lane.executor(), std::move(done))]() mutable {
    if (replica_->progress().leader == target) return done(Status());
    replica_->pump().transfer_leader(target);
    auto transfer = std::make_shared<Transfer>();
    transfer->target = target;
    transfer->deadline_ms = executor_.now_ms() + replica_->timeout_ms();
    transfer->done = std::move(done);
    watch_transfer(std::move(transfer));
  });
}

void Operations::watch_transfer(std::shared_ptr<Transfer> transfer) {
  constexpr uint64_t kLookMs = 20;
  Transfer& it = *transfer;
  it.timer.emplace(executor_, [this, transfer] {
    if (replica_->progress().leader == transfer->target) {
      transfer->done(Status());
    } else if (executor_.now_ms() >= transfer->deadline_ms) {
      transfer->done(Status(StatusCode::kUnknown,
                            "etcdserver: request timed out, leader transfer took too long"));
    } else {
      transfer->timer->arm(kLookMs);
      return;
    }
    // The timer holds the transfer and is part of it: let go from outside of its callback.
    executor_.post([transfer] { transfer->timer.reset(); });
  });
  it.timer->arm(kLookMs);
}

void Operations::hand_over(std::function<void()> done) {
  executor_.post([this, done = std::move(done)] {
    replica::Pump& pump = replica_->pump();
    const raft::Progress* heir = nullptr;
    for (const raft::Progress& member : pump.core().tracker().members()) {
      const bool able = member.id != pump.core().id() && !member.is_learner && member.recent_active;
      if (able && (heir == nullptr || member.match > heir->match)) heir = &member;
    }
    if (!replica_->progress().is_leader || heir == nullptr) return done();
    pump.transfer_leader(heir->id);
    watch_hand_over(std::make_shared<std::optional<env::Timer>>(), done);
  });
}

// The core gives a transfer up by itself after an election timeout.
void Operations::watch_hand_over(std::shared_ptr<std::optional<env::Timer>> timer,
                                 std::function<void()> done) {
  constexpr uint64_t kLookMs = 5;
  timer->emplace(executor_, [this, timer, done = std::move(done)] {
    if (replica_->pump().core().transfer_target() != raft::kNoNode) return (*timer)->arm(kLookMs);
    done();
    executor_.post([timer] { timer->reset(); });  // it holds itself, and this callback
  });
  (*timer)->arm(kLookMs);
}

void Operations::change_membership(replica::Lane& lane, raftpb::ConfChange change, Done done) {
  executor_.post([this, change = std::move(change),
                  done = on(lane.executor(), std::move(done))]() mutable {
    const Result<membership::ParsedChange> parsed = membership::parse_change(change);
    Status allowed = parsed.status();
    if (allowed.ok() && strict_) allowed = check_strictly(*parsed);
    // What all members would refuse alike is not worth a round through the log.
    if (allowed.ok()) allowed = cluster_.validate(change);
    if (!allowed.ok()) return done(allowed);
    replica_->change_membership(std::move(change), std::move(done));
  });
}

Status Operations::check_strictly(const membership::ParsedChange& change) const {
  switch (change.kind) {
    case membership::ParsedChange::Kind::kAdd:
      return change.member.is_learner ? Status() : cluster_.check_add_voter();
    case membership::ParsedChange::Kind::kRemove:
      return cluster_.check_remove(change.member.id);
    case membership::ParsedChange::Kind::kPromote:
      return cluster_.check_promote(change.member.id);
    case membership::ParsedChange::Kind::kUpdate:
      break;
  }
  return Status();
}

void Operations::refresh_view() { replica_->wake_writer(); }

void Operations::raise_no_space() {
  // Every refused write asks; one of them is enough.
  if (raising_.exchange(true)) return;
  executor_.post([this] {
    raising_ = false;
    if (replica_ != nullptr) replica_->raise_no_space();
  });
}

}  // namespace gatehouse::member
