// ApplyLoop: committed entries into the state machine, a batch at a time, and their outcomes to
// whoever waits.
//
// A batch is what one Ready handed over. Its effects, the index up to which it goes and the
// configuration are one change of the backend; readers and watchers see them together.
//
// Thread: that of its executor, the backend's writer. It may be the pump's; then everything happens
// within the call.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/env/executor.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "member/apply/applier.h"
#include "member/mvcc/watch_feed.h"
#include "member/raft/log.h"
#include "member/raft/types.h"
#include "member/replica/apply_times.h"
#include "member/replica/lane.h"
#include "member/replica/progress.h"
#include "member/replica/pump.h"
#include "member/replica/request_ids.h"

namespace gatehouse::replica {

struct ApplyEvents {
  // Changes the core's configuration; `done` with the new state. On the pump's thread there, on this
  // one back.
  std::function<void(raftpb::ConfChangeV2,
                     std::function<void(Result<raftpb::ConfState>)> done)>
      change_configuration;
  // The state machine has everything up to here.
  std::function<void(uint64_t index)> on_applied;
  // The first entry of a term: if this member leads it, it leads from here on.
  std::function<void(uint64_t term)> on_term_began;
  // A membership change took effect, or was refused: to its proposer, to the transport.
  std::function<void(uint64_t id, const Status& status)> on_conf_change;
  // This member's database is full, or this member was removed.
  std::function<void()> on_no_space;
  std::function<void()> on_removed;
  // After each batch, for snapshots: what is durable only with the backend's next commit.
  std::function<void(uint64_t index, uint64_t term)> on_batch;
  // Outcomes to the lane.
  std::function<void(size_t lane, std::vector<Answer> answers)> answer;
  // A snapshot from the leader, which the log has a record of, is to take the place of all state;
  // `done` when it has. Until then nobody here touches the state machine.
  std::function<void(std::shared_ptr<const raft::Snapshot>, std::function<void()> done)> restore;
};

class ApplyLoop final : public CommitSink {
 public:
  struct Options {
    uint64_t warn_apply_ms = 100;  // --warning-apply-duration
    Metrics metrics;
  };

  // `applied`: what the backend has. Its term as well: a compaction that goes on may call for a
  // snapshot of this point before any entry is applied.
  ApplyLoop(env::Executor& executor, env::Executor& pump_executor, const Options& options,
            const apply::Parts& parts, size_t lanes, RequestIds& ids, Progress& progress,
            mvcc::WatchFeed& feed, raft::LogPosition applied, ApplyEvents events,
            log::Logger logger);

  // On the pump's thread.
  void on_committed(std::shared_ptr<const raft::Snapshot> snapshot,
                    std::vector<raft::Entry> entries) override;

  // Any thread: the answer to a request that was put off.
  void complete_later(uint64_t id, apply::Outcome outcome);

  // The store's tasks for the writer (removals of a compaction).
  void run_writer_tasks();

  // Of the last entry applied; on this loop's thread.
  uint64_t applied_index() const { return index_; }
  uint64_t applied_term() const { return term_; }
  const raftpb::ConfState& conf_state() const { return conf_state_; }
  void set_conf_state(raftpb::ConfState state) { conf_state_ = std::move(state); }

 private:
  struct Batch {
    std::shared_ptr<const raft::Snapshot> snapshot;
    std::vector<raft::Entry> entries;
    size_t next = 0;
  };

  void enqueue(Batch batch);
  void run();
  // False when it has to wait for the core.
  bool apply(const raft::Entry& entry);
  void apply_normal(const raft::Entry& entry);
  bool apply_v2(const raft::Entry& entry);
  bool apply_conf_change(const raft::Entry& entry);
  void restored(const raft::Snapshot& snapshot);
  void conf_change_done(const raft::Entry& entry, const raftpb::ConfChange& change, Status refused,
                        Result<raftpb::ConfState> state);
  void finish_batch();

  env::Executor& executor_;
  env::Executor& pump_executor_;
  const apply::Parts parts_;
  const std::unique_ptr<apply::Applier> applier_;
  RequestIds& ids_;
  Progress& progress_;
  mvcc::WatchFeed& feed_;
  const ApplyEvents events_;
  const log::Logger logger_;
  ApplyTimes times_;

  std::deque<Batch> batches_;
  bool waiting_ = false;  // for the core, or a snapshot to be restored
  bool restoring_ = false;  // then this thread is not the writer
  bool running_ = false;
  bool in_call_ = false;  // of change_configuration
  uint64_t index_;
  uint64_t term_;
  bool dirty_ = false;  // something since the last finish_batch()
  raftpb::ConfState conf_state_;
  std::vector<std::vector<Answer>> answers_;  // by lane
};

}  // namespace gatehouse::replica
