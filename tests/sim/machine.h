// Machine: a computer with a disk, a clock and a power switch, and the member process that runs on
// it. Power may go at any moment, also in the middle of a disk operation: then what the disk has is
// fixed there, and nothing that the process still does reaches anybody.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/env/entropy.h"
#include "common/env/sim_file_system.h"
#include "tests/sim/checks.h"
#include "tests/sim/network.h"
#include "tests/sim/plan.h"
#include "tests/sim/process.h"
#include "tests/sim/timeline.h"
#include "tests/sim/trace.h"

namespace gatehouse::sim {

// What all machines share. Outlives them.
struct World {
  const Plan& plan;
  Timeline& timeline;
  Trace& trace;
  Network& network;
  Checks& checks;
  log::Logger logger;
};

class Machine final : private Host {
 public:
  // Off.
  Machine(const World& world, Identity identity);
  ~Machine();

  const Identity& identity() const { return identity_; }

  void power_on();
  bool on() const { return process_ != nullptr; }
  // For good: the member was removed from the cluster.
  void retire();
  bool retired() const { return retired_; }
  // A retired one is on again after all. False if it was not retired.
  bool bring_back();

  // Now, or in the n-th disk operation from now (1: the next).
  void lose_power();
  void lose_power_in(uint64_t disk_operations) { power_left_ = disk_operations; }
  // The n-th sync or write from now fails, which ends the process. Power does not go in the same
  // moment: half a write that nobody could take back any more is damage to the log, not an
  // unfinished write, and a member is right not to start with it.
  void fail_disk(env::SimFileSystem::Operation kind, uint64_t nth);
  // Neither process nor disk does anything until then; what arrives waits.
  void stall(uint64_t us);
  void drift(double factor);  // of its clock, from now on: 1.0 is right
  // Faults that were asked for and have not happened do not.
  void be_reliable();

  // A message came.
  void deliver(raft::Message message);
  void unreachable(raft::NodeId peer);
  // True: it is durable here.
  bool deliver_snapshot(raft::Message message, const std::string& database);
  void report_snapshot(raft::NodeId peer, bool arrived);
  // Something was asked of process() from outside: it runs.
  void touch() { run(); }
  // Null while off. To be asked between events only.
  Process* process() const { return process_.get(); }
  // The power went while process() was at work: what it says does not get out any more.
  bool doomed() const { return image_ != nullptr; }
  bool stalled() const { return world_.timeline.now_us() < stalled_until_us_; }
  // Counts up with each start: who waits for an answer of an earlier life waits in vain.
  uint64_t life() const { return life_; }

 private:
  // Host
  void send(raft::Message message) override;
  void send_snapshot(raft::Message message, std::string database) override;
  void on_write(const wal::Batch& batch) override;
  void on_disk_work() override;
  void on_restored(const raft::Restored& restored) override;
  void on_fatal(const Status& why) override;
  void on_members_changed(const membership::Members& members) override;
  uint64_t random() override { return entropy_.next(); }
  uint64_t unix_ms() override { return kUnixMs + local_ms(); }

  static constexpr uint64_t kUnixMs = 1'700'000'000'000;

  uint64_t local_us() const;
  uint64_t local_ms() const { return local_us() / 1000; }
  void catch_up(env::SimExecutor& executor);
  void run();
  void run_disk();
  void run_later(uint64_t us);
  void arm();
  void commit_later();
  void on_disk_operation();
  void take_image(double survival);
  void power_off();

  const World world_;
  const Identity identity_;
  env::SeededEntropy entropy_;
  std::unique_ptr<env::SimFileSystem> files_;
  std::unique_ptr<Process> process_;
  uint64_t life_ = 0;
  bool retired_ = false;
  bool reliable_ = false;

  // Its clock: at `clock_since_us_` of the world it showed `clock_us_`.
  uint64_t clock_us_;
  uint64_t clock_since_us_ = 0;
  double clock_rate_ = 1.0;

  uint64_t stalled_until_us_ = 0;
  uint64_t armed_us_ = UINT64_MAX;  // when the next timer of the executor was planned
  std::deque<raft::Message> inbox_;
  bool run_planned_ = false;

  bool disk_fails_ = false;  // or has failed, in this life
  uint64_t power_left_ = 0;  // disk operations until the power goes; 0: it stays
  // What the disk holds after the crash that has happened, while the process does not know yet.
  std::unique_ptr<env::SimFileSystem> image_;
};

}  // namespace gatehouse::sim
