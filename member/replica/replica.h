// Replica: one member's part in the cluster, put together: pump, apply loop, snapshots, and what it
// does on its own accord.
//
//   lanes (one per event loop) --batches--> Pump --entries--> log writer (thread)
//                                            |  ^--durable--'
//                                            '--committed--> ApplyLoop --views--> readers
//                                                                |------changes--> WatchFeed
//                                                                '------answers--> lanes
//
// Threads: made anywhere; start() and stop() on the thread of the pump's executor.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/env/executor.h"
#include "common/log/log.h"
#include "member/replica/apply_loop.h"
#include "member/replica/auto_compactor.h"
#include "member/replica/keeper.h"
#include "member/replica/lane.h"
#include "member/replica/pump.h"
#include "member/replica/snapshotter.h"
#include "member/replica/storage.h"

namespace gatehouse::replica {

struct ReplicaOptions {
  uint64_t tick_ms = 100;
  uint64_t election_ticks = 10;
  bool pre_vote = true;
  bool initial_tick_advance = true;
  uint64_t max_request_bytes = 1536 * 1024;
  uint64_t max_append_bytes = 1024 * 1024;  // raft::Options
  Snapshotter::Options snapshots;  // the directories are storage's
  Keeper::Options keeper;          // the id is storage's
  bool strict_reconfiguration = true;  // --strict-reconfig-check
  std::optional<AutoCompactor::Options> auto_compaction;
  uint64_t warn_apply_ms = 100;
  bool durable_checkpoints = false;  // the LeaseCheckpointPersist feature
  Metrics metrics;
};

class Replica {
 public:
  struct Hooks {
    // This member may serve: its name and URLs are known.
    std::function<void()> on_ready;
    // It must end: a disk failed, or (kAborted) it was removed from the cluster. Any thread.
    std::function<void(const Status&)> on_fatal;
    std::function<std::string()> lowest_version;
    std::function<void(size_t)> on_leases_expired;
    std::function<void(bool leading)> on_leading;
    // The members, or their URLs, are others now.
    std::function<void()> on_members_changed;
    std::function<void()> on_leader_changed;
    std::function<uint64_t()> entropy;  // random bits
    // The wall clock, of which the ids of requests are made; the system's when empty.
    std::function<uint64_t()> unix_ms;
    // Work that blocks (a received database is put in place), on another thread; then `then` on the
    // pump's. Empty: done in place.
    std::function<void(std::function<void()> work, std::function<void()> then)> run_aside;
    // A snapshot from the leader is being put in place, or is not any more.
    std::function<void(bool under_way)> on_restoring;
  };
  // What the state machine is made of; outlives the replica.
  struct State {
    backend::Backend& backend;
    mvcc::Store& store;
    lease::Lessor& lessor;
    alarm::AlarmStore& alarms;
    membership::Cluster& cluster;
    mvcc::WatchFeed& feed;
    uint64_t quota_bytes = 0;
  };

  // `lanes`: how many loops will ask; the replica has one more of its own. The log's writer is the
  // caller's, whose on_durable must call on_durable() here. kDataLoss: what was restored does not
  // fit together.
  static Result<std::unique_ptr<Replica>> create(env::Executor& executor, env::FileSystem& files,
                                                 const ReplicaOptions& options, Storage& storage,
                                                 wal::LogWriter& log_writer, PeerSender& peers,
                                                 const State& state, size_t lanes, Hooks hooks,
                                                 log::Logger logger);
  ~Replica();

  void start();
  // No lane hears anything any more, nothing is proposed.
  void stop();

  // A loop's way in, made on its thread, before requests come; lane 0 .. lanes - 1. It must outlive
  // the replica's work (stop()).
  std::unique_ptr<Lane> make_lane(env::Executor& executor, size_t index);

  // From the log's writer's thread.
  void on_durable(uint64_t sequence);
  // The store wants its writer tasks run; any thread.
  void wake_writer();

  const Progress& progress() const { return progress_; }
  RequestIds& ids() { return ids_; }
  Pump& pump() { return *pump_; }
  // On the pump's thread, as all that follows.
  void on_removed(std::string_view reason);
  // A snapshot leaves for a peer, and what became of it: meanwhile, and for some time after it has
  // arrived, the log is not compacted, so that the peer finds in it what it needs next.
  void hold_log_for(raft::NodeId peer);
  void report_snapshot(raft::NodeId peer, bool arrived);
  // Where received databases go.
  const std::string& snap_directory() const { return snap_directory_; }
  // A learner becomes a voter; only a leader can tell whether it has kept up.
  void promote(uint64_t id, std::function<void(const Status&)> done);
  // The versions that the members run are known now (Hooks::lowest_version).
  void check_version();
  // The database is full.
  void raise_no_space();
  // Its data is not what it was.
  void raise_corrupt();
  uint64_t timeout_ms() const { return timeout_ms_; }
  // Of all lanes, for metrics; any thread.
  uint64_t pending_proposals() const;
  uint64_t failed_proposals() const;

  // On the pump's thread: a change is proposed, and told of when it was applied here.
  void change_membership(raftpb::ConfChange change, std::function<void(const Status&)> done);

 private:
  Replica(env::Executor& executor, const ReplicaOptions& options, const State& state, size_t lanes,
          uint64_t member_id, Hooks hooks, log::Logger logger);

  void wire(env::FileSystem& files, Storage& storage, std::unique_ptr<raft::Core> core,
            wal::LogWriter& log_writer, PeerSender& peers);
  ApplyEvents apply_events();
  bool learner_ready(uint64_t id) const;
  void on_soft_state(const raft::SoftState& before, const raft::SoftState& now);
  void on_snapshot(std::shared_ptr<const raft::Snapshot> snapshot, uint64_t compact_to);
  bool log_held();
  void restore(std::shared_ptr<const raft::Snapshot> snapshot, std::function<void()> done);
  void expire_conf_changes();
  void on_removal_applied();
  void answer(size_t lane, std::vector<Answer> answers);
  void release(size_t lane, uint64_t ticket);
  void lost(size_t lane, uint64_t up_to_id);

  env::Executor& executor_;
  const ReplicaOptions options_;
  const State state_;
  const Hooks hooks_;
  const log::Logger logger_;
  const uint64_t member_id_;
  const uint64_t timeout_ms_;
  Progress progress_;
  RequestIds ids_;

  struct Port {
    env::Executor* executor = nullptr;
    Lane* lane = nullptr;
  };
  std::vector<std::atomic<Port*>> ports_;  // by lane; set once each
  std::mutex ports_mutex_;
  std::vector<std::unique_ptr<Port>> owned_ports_;

  std::unique_ptr<Lane> own_lane_;
  wal::LogWriter* log_writer_ = nullptr;
  std::unique_ptr<ApplyLoop> apply_;
  std::unique_ptr<Pump> pump_;
  std::unique_ptr<Snapshotter> snapshotter_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<AutoCompactor> auto_compactor_;
  struct ConfChange {
    uint64_t deadline_ms;
    std::function<void(const Status&)> done;
  };
  std::unordered_map<uint64_t, ConfChange> conf_changes_;
  std::string snap_directory_;
  // Peers to whom a snapshot is under way (UINT64_MAX), or has come, and until when the log is held.
  std::unordered_map<raft::NodeId, uint64_t> held_for_;
  // What comes back from another thread finds here whether this is still there.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  env::FileSystem* files_ = nullptr;
  bool failed_ = false;  // the backend, and it was told
  env::Timer removal_timer_;
  std::atomic<bool> stopped_{false};
};

}  // namespace gatehouse::replica
