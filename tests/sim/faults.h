// Faults: makes what the plan says go wrong go wrong, at moments drawn from the seed; and changes
// the membership while it does.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "common/env/entropy.h"
#include "tests/sim/machine.h"

namespace gatehouse::sim {

class Faults {
 public:
  // Machines of members that are there from the beginning, and of those that may be added.
  Faults(const World& world, std::vector<std::unique_ptr<Machine>>& machines);

  void start();
  // From now on nothing goes wrong, and everything that belongs to the cluster is on.
  void stop();
  // Who was removed and does not hear of it is switched off by its operator: sooner or later, and
  // with `all` now.
  void retire_removed(bool all);

  struct Counts {
    uint64_t crashes = 0;
    uint64_t partitions = 0;
    uint64_t stalls = 0;
    uint64_t disk_failures = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  using Machines = std::vector<Machine*>;

  // Calls it again and again, this long apart in the mean; never for 0.
  void every(uint64_t mean_us, std::function<void()> happens);
  Machines running() const;
  Machine* any(const Machines& of) { return of.empty() ? nullptr : of[entropy_.below(of.size())]; }
  // Leaders are where most goes on: every other time it is one.
  Machine* victim();
  Machine* leader() const;
  Machine* machine_of(raft::NodeId id) const;

  void crash();
  void cut_reign_short(raft::NodeId leader);
  void power_on_later(Machine* machine);
  void black_out();
  void partition();
  void stall();
  void fail_disk();
  void transfer();
  void drift();

  void change_membership();
  bool add(Machine* via, const membership::Members& members);
  bool remove(Machine* via, const membership::Members& members);
  void propose(Machine* via, const raftpb::ConfChange& change);

  const World world_;
  std::vector<std::unique_ptr<Machine>>& machines_;
  env::SeededEntropy entropy_;
  bool stopped_ = false;
  uint64_t change_until_us_ = 0;  // one at a time
  std::set<raft::NodeId> added_;
  Counts counts_;
};

}  // namespace gatehouse::sim
