// Process: one life of a member: the rooms that member.cc puts together - storage, backend, store,
// leases, alarms, membership, raft, pump, apply loop, keeper - on simulated doors: executors whose
// time the machine moves, its disk, and the network.
//
// The write-ahead log has an executor of its own, so that its disk may be slow while the member
// goes on: what ThreadWriter's thread is in a real one. The backend keeps its thread, but it
// commits only when it is asked to and waited for: nothing ever runs beside the simulation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/env/sim_executor.h"
#include "common/env/sim_file_system.h"
#include "member/alarm/alarm_store.h"
#include "member/lease/lessor.h"
#include "member/membership/cluster.h"
#include "member/mvcc/store.h"
#include "member/mvcc/watch_feed.h"
#include "member/replica/lane.h"
#include "member/replica/replica.h"
#include "member/replica/storage.h"
#include "tests/sim/plan.h"

namespace gatehouse::sim {

// What a process has of its machine. Outlives it.
class Host {
 public:
  virtual void send(raft::Message message) = 0;
  // A snapshot and the database that goes with it; what became of it is to be told by
  // report_snapshot().
  virtual void send_snapshot(raft::Message message, std::string database) = 0;
  // Before the batch goes to the log.
  virtual void on_write(const wal::Batch& batch) = 0;
  // The log has work: disk_executor() is to be run some time later.
  virtual void on_disk_work() = 0;
  // What the disk held, before anything is done with it.
  virtual void on_restored(const raft::Restored& restored) = 0;
  virtual void on_fatal(const Status& why) = 0;
  virtual void on_members_changed(const membership::Members& members) = 0;
  virtual uint64_t random() = 0;
  virtual uint64_t unix_ms() = 0;

 protected:
  ~Host() = default;
};

struct Identity {
  uint64_t id = 0;
  uint64_t cluster_id = 0;
  std::string name;
  // Of a cluster that begins; none for one who joins it.
  std::vector<membership::Member> founders;
};

class Process final : private replica::PeerSender {
 public:
  // Starts at `now_ms` of its machine's clock with what is on the disk, which is still there when
  // this ends. An error says why it cannot.
  static Result<std::unique_ptr<Process>> start(Host& host, env::SimFileSystem& files,
                                                const Identity& identity, const Plan& plan,
                                                uint64_t now_ms, const log::Logger& logger);
  ~Process() override;

  env::SimExecutor& executor() { return executor_; }
  env::SimExecutor& disk_executor() { return disk_executor_; }
  replica::Replica& replica() { return *replica_; }
  const raft::Core& core() const { return replica_->pump().core(); }
  replica::Lane& lane() { return *lane_; }
  const mvcc::Store& store() const { return *store_; }
  const membership::Cluster& cluster() const { return *cluster_; }
  replica::Replica::State state() {
    return {*storage_.backend, *store_, *lessor_, alarms_, *cluster_, *feed_, 0};
  }
  // One came: durable on OK, and the core has it.
  Status take_snapshot(raft::Message message, const std::string& database);
  Status commit_backend() { return storage_.backend->commit(); }

 private:
  class Writer;

  Process(Host& host, env::SimFileSystem& files, uint64_t now_ms);
  Status open(const Identity& identity, const Plan& plan,
              const log::Logger& logger);
  Status open_state();
  void send(std::vector<raft::Message> messages) override;
  void send_snapshot(raft::Message message);

  Host& host_;
  env::SimFileSystem& files_;
  env::SimExecutor executor_;
  env::SimExecutor disk_executor_;
  replica::Storage storage_;
  std::unique_ptr<membership::Cluster> cluster_;
  std::unique_ptr<lease::Lessor> lessor_;
  alarm::AlarmStore alarms_;
  std::unique_ptr<mvcc::Store> store_;
  std::unique_ptr<mvcc::WatchFeed> feed_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<replica::Replica> replica_;
  std::unique_ptr<replica::Lane> lane_;
};

}  // namespace gatehouse::sim
