// Pump: turns the core. All that came in one turn of the loop - proposals, messages, read requests,
// finished writes - makes one Ready:
//
//   lanes, transport, ticks -> core -> Ready -> messages to peers
//                                            -> write-ahead log (its own thread, one sync for all
//                                               that waits)  -> persisted -> core
//                                            -> committed entries to the apply loop
//                                            -> reads that may go on
//
// Thread: that of its executor, for everything.
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
#include "member/raft/core.h"
#include "member/replica/lane.h"
#include "member/replica/progress.h"
#include "member/replica/reads.h"
#include "member/wal/writer.h"

namespace gatehouse::replica {

// Where messages to other members go. Never blocks; drops when it must.
class PeerSender {
 public:
  virtual ~PeerSender() = default;
  virtual void send(std::vector<raft::Message> messages) = 0;
};

// Where committed entries go.
class CommitSink {
 public:
  virtual ~CommitSink() = default;
  // In the order of the log. A snapshot replaces everything before it.
  virtual void on_committed(std::shared_ptr<const raft::Snapshot> snapshot,
                            std::vector<raft::Entry> entries) = 0;
};

class Pump final : private env::TurnEndHook {
 public:
  struct Options {
    uint64_t tick_ms = 100;
    // Proposals that wait for a leader, and messages with some of followers, at most; more are dropped and time out where they were made.
    size_t max_held_proposals = 16'384;
    metrics::Counter slow_read_indexes;
    uint64_t first_read_context = 1;  // see Reads
  };
  struct Events {
    // After progress() says so.
    std::function<void(raft::SoftState before, raft::SoftState now)> on_soft_state;
    std::function<void()> on_tick;
    // The lane's proposals up to this id, as far as they have no outcome yet: see Lane::on_lost().
    std::function<void(size_t lane, uint64_t up_to_id)> on_lost;
  };

  // All that is referred to outlives it; nothing happens before start().
  Pump(env::Executor& executor, const Options& options, std::unique_ptr<raft::Core> core,
       wal::LogWriter& log_writer, PeerSender& peers, CommitSink& commits, Progress& progress,
       ReadRelease release, Events events, log::Logger logger);
  ~Pump() override;

  void start();

  void submit(LaneBatch batch);
  void step(raft::Message message);
  // From the log's writer: all its batches up to this one are durable.
  void on_durable(uint64_t batch);
  // From the apply loop.
  void on_applied(uint64_t index);
  Result<raftpb::ConfState> apply_conf_change(const raftpb::ConfChangeV2& change);
  // The state machine has a snapshot up to an applied index; the core forgets entries up to
  // `compact_to`.
  void on_snapshot(std::shared_ptr<const raft::Snapshot> snapshot, uint64_t compact_to);
  // Writes something else to the log, behind all earlier writes and with the newest hard state (a
  // record of a snapshot counts only up to the commit index that the log tells of).
  void write_aside(wal::Batch batch);

  // The first entry of a term is applied, and what was applied before it is told to the lanes: what
  // they proposed to leaders of earlier terms and have no outcome of, is told to be lost.
  void on_term_began(uint64_t term);

  // What is asked of the core directly; the pump turns afterwards.
  Status propose_conf_change(const raftpb::ConfChange& change);
  void transfer_leader(raft::NodeId to);
  void campaign();
  void report_unreachable(raft::NodeId id);
  void report_snapshot(raft::NodeId id, bool arrived);
  void report_gone(raft::NodeId id);
  // Lets `ticks` pass at once (initial-election-tick-advance).
  void advance_ticks(uint64_t ticks);

  const raft::Core& core() const { return *core_; }
  // Proposals taken and not yet in a Ready, for metrics.
  size_t held_proposals() const { return held_count_; }

 private:
  struct Unsent {  // what goes when a write is durable
    uint64_t sequence;
    std::vector<raft::Message> messages;
    // To the state machine: it must not be ahead of the log. Nothing else is committed meanwhile.
    std::shared_ptr<const raft::Snapshot> snapshot;
  };

  void on_turn_end() override;
  void on_tick();
  void turn();  // the core was changed
  void campaign_if_alone();  // an election timeout is to let others lead: there is nobody
  void handle(raft::Ready ready);
  void write(raft::Ready& ready);
  void append(wal::Batch batch);
  void finish_writes();
  void propose(LaneBatch batch);
  void hold(LaneBatch batch);
  bool takes_proposals() const;

  env::Executor& executor_;
  const Options options_;
  const std::unique_ptr<raft::Core> core_;
  wal::LogWriter& log_writer_;
  PeerSender& peers_;
  CommitSink& commits_;
  Progress& progress_;
  const Events events_;
  const log::Logger logger_;
  Reads reads_;
  env::Timer tick_timer_;
  uint64_t next_tick_ms_ = 0;

  std::vector<LaneBatch> held_;  // wait for a leader
  std::vector<raft::Message> held_messages_;  // followers' proposals, while leadership is handed over
  size_t held_count_ = 0;        // proposals in them
  // What went to a leader, by lane: up to which id, the newest of them in which term.
  struct Proposed {
    uint64_t term = 0;
    uint64_t last_id = 0;
    uint64_t last_id_before = 0;  // in earlier terms
  };
  std::vector<Proposed> proposed_;
  raft::SoftState soft_state_;

  // Writes. A hard state that needs no sync waits for the next write that does, or the next tick.
  std::optional<raft::HardState> lazy_state_;
  uint64_t handed_sequence_ = 0;   // of the last Ready
  uint64_t written_sequence_ = 0;  // of the last that went to the log's writer
  uint64_t durable_sequence_ = 0;
  // The log's writer counts its batches, of which some are none of a Ready.
  struct Written {
    uint64_t batch;
    uint64_t sequence;  // of the last Ready in it or before it
  };
  uint64_t last_batch_ = 0;
  std::deque<Written> writing_;
  std::deque<Unsent> unsent_;
};

}  // namespace gatehouse::replica
