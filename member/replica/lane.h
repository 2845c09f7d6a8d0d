// Lane: how one event loop asks the replica. Everything that one turn of the loop asks for goes over
// to the replica's thread as one message, and comes back as one.
//
//   lane.propose(Kind::kPut, bytes, [](Outcome outcome) { ... });
//   lane.read_index([](const Status& status) { ... });   // the store may be read now
//
// Thread: that of the lane's executor. Callbacks come from later turns, or not at all once
// cancelled.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/status.h"
#include "common/base/unique_function.h"
#include "common/env/executor.h"
#include "member/apply/outcome.h"
#include "member/apply/request.h"
#include "member/raft/payload.h"
#include "member/replica/metrics.h"
#include "member/replica/progress.h"
#include "member/replica/request_ids.h"

namespace gatehouse::replica {

// An outcome and whose it is.
struct Answer {
  uint64_t id = 0;
  apply::Outcome outcome;
};

// What a lane hands over at the end of a turn.
struct LaneBatch {
  size_t lane = 0;
  std::vector<raft::Payload> proposals;
  uint64_t last_id = 0;      // of the proposals
  uint64_t read_ticket = 0;  // reads up to this one are asked for; 0: none
};

class Lane final : private env::TurnEndHook {
 public:
  struct Options {
    size_t index = 0;                      // among the lanes of RequestIds
    uint64_t timeout_ms = 7000;            // of a request: 5 s + 2 election timeouts
    uint64_t max_request_bytes = 1536 * 1024;
    uint64_t election_timeout_ms = 1000;
    // How long proposals took until their outcome, and reads that got none. Null: not told.
    const Metrics* metrics = nullptr;
  };
  // Takes what a turn asked for over to the replica's thread; called on the lane's.
  using HandOver = std::function<void(LaneBatch)>;

  // All that is referred to outlives it.
  Lane(env::Executor& executor, const Options& options, RequestIds& ids, const Progress& progress,
       HandOver hand_over);
  ~Lane() override;

  using Done = UniqueFunction<void(apply::Outcome)>;

  // Proposes and tells the outcome: when it was applied here, or an error after which it may have
  // been, or may yet be (kUnavailable, etcd's time-outs). Refused at once - from a later turn -
  // when it is too large or too much waits to be applied. The id is for cancel().
  uint64_t propose(apply::Request request, Done done);
  // Whoever asked has gone. The proposal goes on.
  void cancel(uint64_t id);

  // The store may be read at once, with the promise of read_index(): this member leads alone and has
  // applied all that is committed. False says nothing.
  bool readable_now() const;

  // Tells when the store may be read such that everything that was acknowledged before this call is
  // seen.
  using ReadDone = UniqueFunction<void(const Status&)>;
  uint64_t read_index(ReadDone done);
  void cancel_read(uint64_t read);

  // An id nobody has, for leases; positive.
  int64_t next_lease_id() {
    return static_cast<int64_t>(ids_.next(options_.index) & INT64_MAX);
  }

  // For metrics, any thread: proposals without an outcome, and those that got none from here.
  uint64_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

  uint64_t timeout_ms() const { return options_.timeout_ms; }
  env::Executor& executor() { return executor_; }
  const Progress& progress() const { return progress_; }

  // From the replica, by tasks on this executor.
  void on_answers(std::vector<Answer> answers);
  void on_read(uint64_t up_to_ticket);
  // Another leader's term has begun, and of the proposals up to this one those that have no outcome
  // by now went to a leader before it: lost most likely, though the old leader, if it lives, may yet
  // pass them on. They end now, with the error that their time-out would have given them.
  void on_lost(uint64_t up_to_id);

  // Ends all that waits and all that will come with this error.
  void stop(const Status& why);

 private:
  struct Read {
    uint64_t id;
    uint64_t ticket;
    uint64_t deadline_ms;
    ReadDone done;
  };
  struct Proposal {
    apply::Kind kind;
    uint64_t since_us;
    Done done;
  };
  struct Deadline {
    uint64_t ms;
    uint64_t last_id;  // of the proposals of one turn
  };

  void on_turn_end() override;
  void settle(std::vector<Answer> answers, bool applied);
  void on_timer();
  void end_late(uint64_t now, bool all);
  // All up to this id.
  void fail_proposals(uint64_t last_id, const Status& why);
  void arm_timer();
  Status timed_out(uint64_t since_ms) const;
  void refuse_later(uint64_t id, Status why);

  env::Executor& executor_;
  const Options options_;
  RequestIds& ids_;
  const Progress& progress_;
  const HandOver hand_over_;

  LaneBatch batch_;
  std::unordered_map<uint64_t, Proposal> proposals_;
  uint64_t turn_us_ = 0;  // when the first of batch_'s proposals came
  std::deque<Deadline> deadlines_;  // in order; stays while anything waits
  uint64_t last_proposed_ = 0;
  std::deque<Read> reads_;          // in order of tickets
  uint64_t next_ticket_ = 1;
  uint64_t next_read_ = 1;
  std::vector<Answer> refused_;
  env::Timer timer_;
  env::Timer refuse_timer_;
  Status stopped_;
  KindDurations durations_;
  metrics::Counter failed_reads_;
  metrics::Counter slow_reads_;
  std::atomic<uint64_t> waiting_{0};
  std::atomic<uint64_t> failed_{0};
};

}  // namespace gatehouse::replica
