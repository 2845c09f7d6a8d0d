#include "tests/sim/faults.h"

#include <algorithm>
#include <utility>

#include "member/membership/conf_change.h"

namespace gatehouse::sim {

namespace {

constexpr uint64_t kRetireEveryUs = 1'000'000;
constexpr uint64_t kChangeTakesUs = 5'000'000;  // until one that is not answered is given up

}  // namespace

Faults::Faults(const World& world, std::vector<std::unique_ptr<Machine>>& machines)
    : world_(world), machines_(machines), entropy_(world.plan.seed ^ 0x666c74) {}

void Faults::every(uint64_t mean_us, std::function<void()> happens) {
  if (mean_us == 0) return;
  world_.timeline.after(around(entropy_, mean_us), [this, mean_us, happens = std::move(happens)] {
    if (stopped_) return;
    happens();
    every(mean_us, happens);
  });
}

void Faults::start() {
  const Plan& plan = world_.plan;
  every(plan.crash_every_us, [this] { crash(); });
  if (plan.short_reigns > 0) {
    world_.checks.on_leader = [this](raft::NodeId id) { cut_reign_short(id); };
  }
  every(plan.blackout_every_us, [this] { black_out(); });
  every(plan.partition_every_us, [this] { partition(); });
  every(plan.stall_every_us, [this] { stall(); });
  every(plan.disk_failure_every_us, [this] { fail_disk(); });
  every(plan.transfer_every_us, [this] { transfer(); });
  every(plan.change_every_us, [this] { change_membership(); });
  every(kRetireEveryUs, [this] { retire_removed(/*all=*/false); });
  if (plan.clock_drift > 0) {
    drift();
    every(plan.duration_us / 3, [this] { drift(); });
  }
}

void Faults::stop() {
  stopped_ = true;
  world_.network.be_reliable();
  retire_removed(/*all=*/true);
  const membership::Members& members = world_.checks.newest_members();
  for (const std::unique_ptr<Machine>& machine : machines_) {
    machine->be_reliable();
    const raft::NodeId id = machine->identity().id;
    const bool founder = !machine->identity().founders.empty();
    if (founder || added_.contains(id) || members.find(id) != nullptr) machine->power_on();
  }
}

Faults::Machines Faults::running() const {
  Machines on;
  for (const std::unique_ptr<Machine>& machine : machines_) {
    if (machine->on() && !machine->stalled()) on.push_back(machine.get());
  }
  return on;
}

Machine* Faults::leader() const {
  Machine* best = nullptr;
  for (Machine* machine : running()) {
    const raft::Core& core = machine->process()->core();
    if (core.role() != raft::Role::kLeader) continue;
    if (best == nullptr || core.term() > best->process()->core().term()) best = machine;
  }
  return best;
}

Machine* Faults::victim() {
  Machine* const leads = leader();
  return leads != nullptr && entropy_.below(2) == 0 ? leads : any(running());
}

Machine* Faults::machine_of(raft::NodeId id) const {
  for (const std::unique_ptr<Machine>& machine : machines_) {
    if (machine->identity().id == id) return machine.get();
  }
  return nullptr;
}

void Faults::crash() {
  Machine* const machine = victim();
  if (machine == nullptr) return;
  ++counts_.crashes;
  if (entropy_.below(2) == 0) {
    machine->lose_power_in(1 + entropy_.below(12));
    return;  // and starts again as supervisors do
  }
  machine->lose_power();
  power_on_later(machine);
}

// What figure 8 of the paper is about: entries that some have, of leaders that were gone before they
// could commit them.
void Faults::cut_reign_short(raft::NodeId leader) {
  if (stopped_ || entropy_.unit() >= world_.plan.short_reigns) return;
  const bool unheard = entropy_.below(2) == 0;
  for (const std::unique_ptr<Machine>& machine : machines_) {
    if (unheard) world_.network.cut(leader, machine->identity().id);
  }
  const uint64_t lasts_us = around(entropy_, (unheard ? 20 : 2) * world_.plan.delay_max_us);
  world_.timeline.after(lasts_us, [this, leader, unheard] {
    if (unheard) world_.network.mend();
    Machine* const machine = machine_of(leader);
    if (stopped_ || !machine->on()) return;
    ++counts_.crashes;
    machine->lose_power();
    power_on_later(machine);
  });
}

void Faults::power_on_later(Machine* machine) {
  world_.timeline.after(around(entropy_, world_.plan.down_for_us),
                        [machine] { machine->power_on(); });
}

void Faults::black_out() {
  for (Machine* machine : running()) {
    ++counts_.crashes;
    machine->lose_power();
    power_on_later(machine);
  }
}

void Faults::partition() {
  ++counts_.partitions;
  std::vector<bool> inside(machines_.size());
  const uint64_t shape = entropy_.below(3);
  if (shape == 0) {
    for (size_t i = 0; i < inside.size(); ++i) inside[i] = entropy_.below(2) == 0;
  } else {
    Machine* const alone = victim();
    for (size_t i = 0; i < inside.size(); ++i) inside[i] = machines_[i].get() == alone;
  }
  // Both ways, or one of them.
  const bool out = entropy_.below(4) != 0;
  const bool in = !out || entropy_.below(4) != 0;
  for (size_t i = 0; i < inside.size(); ++i) {
    for (size_t j = 0; j < inside.size(); ++j) {
      if (!inside[i] || inside[j]) continue;
      if (out) world_.network.cut(machines_[i]->identity().id, machines_[j]->identity().id);
      if (in) world_.network.cut(machines_[j]->identity().id, machines_[i]->identity().id);
    }
  }
  world_.trace.note(world_.timeline.now_us(), "partition", shape, out, in);
  world_.timeline.after(around(entropy_, world_.plan.partition_lasts_us),
                        [this] { world_.network.mend(); });
}

void Faults::stall() {
  Machine* const machine = victim();
  if (machine == nullptr) return;
  ++counts_.stalls;
  machine->stall(around(entropy_, world_.plan.stall_lasts_us));
}

void Faults::fail_disk() {
  Machine* const machine = victim();
  if (machine == nullptr) return;
  ++counts_.disk_failures;
  using Operation = env::SimFileSystem::Operation;
  const bool sync = entropy_.below(2) == 0;
  machine->fail_disk(sync ? Operation::kSync : Operation::kWrite, 1 + entropy_.below(8));
}

void Faults::transfer() {
  Machine* const from = leader();
  Machine* const to = any(running());
  if (from == nullptr || to == nullptr) return;
  if (entropy_.below(4) == 0) {
    to->process()->replica().pump().campaign();
    to->touch();
    return;
  }
  from->process()->replica().pump().transfer_leader(to->identity().id);
  from->touch();
}

void Faults::drift() {
  for (const std::unique_ptr<Machine>& machine : machines_) {
    machine->drift(1.0 + world_.plan.clock_drift * (2 * entropy_.unit() - 1));
  }
}

// --- Membership

void Faults::change_membership() {
  if (world_.timeline.now_us() < change_until_us_) return;
  Machine* via = victim();
  if (via == nullptr || via->process()->core().is_learner()) return;
  const auto members = via->process()->cluster().members();
  if (members->find(via->identity().id) == nullptr) return;
  for (const auto& [id, member] : members->by_id) {
    if (!member.is_learner || entropy_.below(4) == 0) continue;
    // A learner becomes a voter; only the leader can tell whether it may.
    if (Machine* const leads = leader()) {
      change_until_us_ = world_.timeline.now_us() + kChangeTakesUs;
      leads->process()->replica().promote(id, [this](const Status&) { change_until_us_ = 0; });
      leads->touch();
    }
    return;
  }
  if (entropy_.below(2) == 0) {
    if (!add(via, *members)) remove(via, *members);
  } else {
    if (!remove(via, *members)) add(via, *members);
  }
}

bool Faults::add(Machine* via, const membership::Members& members) {
  for (const std::unique_ptr<Machine>& machine : machines_) {
    const Identity& identity = machine->identity();
    if (!identity.founders.empty() || added_.contains(identity.id)) continue;
    membership::Member member;
    member.id = identity.id;
    member.peer_urls = {"http://" + identity.name + ":2380"};
    member.is_learner = members.learners() == 0 && entropy_.below(2) == 0;
    if (!member.is_learner && !via->process()->cluster().check_add_voter().ok()) return false;
    added_.insert(identity.id);
    propose(via, membership::add_change(0, member));
    power_on_later(machine.get());
    return true;
  }
  return false;
}

bool Faults::remove(Machine* via, const membership::Members& members) {
  if (members.voters() <= 3) return false;
  auto at = members.by_id.begin();
  std::advance(at, static_cast<ptrdiff_t>(entropy_.below(members.by_id.size())));
  if (!via->process()->cluster().check_remove(at->first).ok()) return false;
  propose(via, membership::remove_change(0, at->first));
  return true;
}

void Faults::propose(Machine* via, const raftpb::ConfChange& change) {
  if (!via->process()->cluster().validate(change).ok()) return;
  change_until_us_ = world_.timeline.now_us() + kChangeTakesUs;
  via->process()->replica().change_membership(change,
                                              [this](const Status&) { change_until_us_ = 0; });
  via->touch();
}

void Faults::retire_removed(bool all) {
  for (const raft::NodeId id : world_.checks.newest_members().removed) {
    Machine* const machine = machine_of(id);
    if (machine == nullptr || machine->retired()) continue;
    if (all || entropy_.below(4) == 0) machine->retire();
  }
}

}  // namespace gatehouse::sim
