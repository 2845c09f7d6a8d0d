#include "tests/sim/machine.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>

namespace gatehouse::sim {

namespace {

constexpr size_t kFileBytes = size_t{64} << 20;  // address space of a simulated file
constexpr uint64_t kRestartMs = 200;             // of an unlucky process, by its supervisor

}  // namespace

Machine::Machine(const World& world, Identity identity)
    : world_(world),
      identity_(std::move(identity)),
      entropy_(world.plan.seed ^ identity_.id),
      files_(std::make_unique<env::SimFileSystem>(kFileBytes)),
      clock_us_(1'000'000 + entropy_.below(5'000'000)) {
  files_->observe([this](uint64_t, const std::string&) { on_disk_operation(); });
}

Machine::~Machine() {
  power_left_ = 0;
  process_.reset();
}

// --- Time

uint64_t Machine::local_us() const {
  const uint64_t passed = world_.timeline.now_us() - clock_since_us_;
  return clock_us_ + static_cast<uint64_t>(static_cast<double>(passed) * clock_rate_);
}

void Machine::drift(double factor) {
  clock_us_ = local_us();
  clock_since_us_ = world_.timeline.now_us();
  clock_rate_ = factor;
  arm();
}

void Machine::stall(uint64_t us) { stalled_until_us_ = world_.timeline.now_us() + us; }

void Machine::catch_up(env::SimExecutor& executor) {
  const uint64_t now = local_ms();
  if (now > executor.now_ms()) executor.skip(now - executor.now_ms());
}

void Machine::arm() {
  if (process_ == nullptr) return;
  const uint64_t due_ms = process_->executor().next_due_ms();
  if (due_ms == UINT64_MAX) return;
  const uint64_t now_us = local_us();
  const uint64_t left_us = due_ms * 1000 - std::min(due_ms * 1000, now_us);
  const double wait =
      left_us == 0 ? 0 : std::ceil(static_cast<double>(left_us) / clock_rate_) + 1;
  const uint64_t at_us = world_.timeline.now_us() + static_cast<uint64_t>(wait);
  if (at_us == armed_us_) return;
  armed_us_ = at_us;
  world_.timeline.after(static_cast<uint64_t>(wait), [this, life = life_, at_us] {
    if (life != life_ || at_us != armed_us_) return;
    armed_us_ = UINT64_MAX;
    run();
  });
}

// --- Power

void Machine::power_on() {
  if (on() || retired_) return;
  ++life_;
  armed_us_ = UINT64_MAX;
  run_planned_ = false;
  world_.trace.note(world_.timeline.now_us(), "starts", identity_.id, life_);
  Result<std::unique_ptr<Process>> process =
      Process::start(*this, *files_, identity_, world_.plan, local_ms(), world_.logger);
  if (!process.ok()) {
    if (image_ == nullptr) {
      world_.checks.fail(identity_.name + " cannot start: " + process.status().to_string());
      return;
    }
    power_off();  // while it started
    world_.timeline.after(kRestartMs * 1000, [this] { power_on(); });
    return;
  }
  process_ = std::move(*process);
  run();
  commit_later();
}

void Machine::fail_disk(env::SimFileSystem::Operation kind, uint64_t nth) {
  disk_fails_ = true;
  files_->fail(kind, nth, EIO);
}

void Machine::on_disk_operation() {
  if (disk_fails_ || power_left_ == 0 || --power_left_ > 0) return;
  take_image(world_.plan.survival);
}

void Machine::take_image(double survival) {
  if (image_ != nullptr) return;
  world_.trace.note(world_.timeline.now_us(), "loses power", identity_.id);
  if (process_ != nullptr) world_.checks.last_look(identity_.id, process_->core());
  image_ = files_->crash(entropy_.next(), survival);
}

void Machine::lose_power() {
  if (!on()) return;
  take_image(world_.plan.survival);
  power_off();
}

void Machine::power_off() {
  process_.reset();
  ++life_;
  files_ = std::move(image_);
  files_->observe([this](uint64_t, const std::string&) { on_disk_operation(); });
  disk_fails_ = false;
  power_left_ = 0;
  inbox_.clear();
  stalled_until_us_ = 0;
}

void Machine::retire() {
  retired_ = true;
  lose_power();
}

bool Machine::bring_back() {
  if (!std::exchange(retired_, false)) return false;
  power_on();
  return true;
}

void Machine::be_reliable() {
  reliable_ = true;
  power_left_ = 0;
  stalled_until_us_ = 0;
  files_->fail(env::SimFileSystem::Operation::kSync, 0, 0);
  files_->fail(env::SimFileSystem::Operation::kWrite, 0, 0);
  drift(1.0);
  if (on()) run();
}

// --- The process runs

void Machine::run_later(uint64_t us) {
  if (std::exchange(run_planned_, true)) return;
  world_.timeline.after(us, [this, life = life_] {
    if (life != life_) return;
    run_planned_ = false;
    run();
  });
}

void Machine::run() {
  if (!on()) return;
  if (stalled()) return run_later(stalled_until_us_ - world_.timeline.now_us());
  catch_up(process_->executor());
  while (!inbox_.empty()) {
    raft::Message message = std::move(inbox_.front());
    inbox_.pop_front();
    process_->replica().pump().step(std::move(message));
  }
  process_->executor().run_until_idle();
  if (image_ != nullptr) {
    power_off();
    if (!retired_) world_.timeline.after(kRestartMs * 1000, [this] { power_on(); });
    return;
  }
  world_.checks.look(identity_.id, *process_);
  arm();
}

void Machine::on_disk_work() {
  uint64_t takes = world_.plan.sync_min_us;
  if (!reliable_) takes += entropy_.below(world_.plan.sync_max_us - world_.plan.sync_min_us + 1);
  world_.timeline.after(takes, [this, life = life_] {
    if (life == life_) run_disk();
  });
}

void Machine::run_disk() {
  if (stalled()) {
    world_.timeline.after(stalled_until_us_ - world_.timeline.now_us(), [this, life = life_] {
      if (life == life_) run_disk();
    });
    return;
  }
  catch_up(process_->disk_executor());
  process_->disk_executor().run_until_idle();
  run();
}

void Machine::commit_later() {
  world_.timeline.after(around(entropy_, world_.plan.commit_every_us), [this, life = life_] {
    if (life != life_) return;
    // A disk that fails is found by the replica, at its next tick.
    if (!stalled()) static_cast<void>(process_->commit_backend());
    commit_later();
    run();
  });
}

// --- In and out

void Machine::deliver(raft::Message message) {
  if (!on()) return;
  inbox_.push_back(std::move(message));
  // A loop reads whatever has come when it gets to it.
  run_later(entropy_.below(100));
}

void Machine::unreachable(raft::NodeId peer) {
  if (!on() || stalled()) return;
  process_->replica().pump().report_unreachable(peer);
  run();
}

bool Machine::deliver_snapshot(raft::Message message, const std::string& database) {
  if (!on() || stalled()) return false;
  catch_up(process_->executor());
  const Status status = process_->take_snapshot(std::move(message), database);
  const bool taken = status.ok() && image_ == nullptr;
  run();
  return taken;
}

void Machine::report_snapshot(raft::NodeId peer, bool arrived) {
  if (!on()) return;
  if (stalled()) {
    world_.timeline.after(stalled_until_us_ - world_.timeline.now_us(),
                          [this, life = life_, peer, arrived] {
                            if (life == life_) report_snapshot(peer, arrived);
                          });
    return;
  }
  process_->replica().report_snapshot(peer, arrived);
  run();
}

void Machine::send_snapshot(raft::Message message, std::string database) {
  if (image_ == nullptr) world_.network.send_snapshot(std::move(message), std::move(database));
}

void Machine::send(raft::Message message) {
  if (image_ != nullptr) return;
  world_.checks.sends(identity_.id, message);
  world_.network.send(std::move(message));
}

void Machine::on_write(const wal::Batch& batch) {
  if (image_ == nullptr && process_ != nullptr) {
    world_.checks.writes(batch, process_->core());
  }
}

void Machine::on_restored(const raft::Restored& restored) {
  world_.checks.restored(identity_.id, restored);
}

void Machine::on_fatal(const Status& why) {
  if (image_ != nullptr) return;
  world_.trace.note(world_.timeline.now_us(), "ends", identity_.id);
  if (why.code() == StatusCode::kAborted) {
    retired_ = true;  // it was removed
  } else if (reliable_ && !disk_fails_) {
    world_.checks.fail(identity_.name + " ends: " + why.to_string());
  }
  // Of a sync that failed nobody knows what it did.
  take_image(world_.plan.survival);
}

void Machine::on_members_changed(const membership::Members& members) {
  if (image_ == nullptr) world_.checks.members(members);
}

}  // namespace gatehouse::sim
