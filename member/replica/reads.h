// Reads: one read index for all linearizable reads that wait, of all lanes.
//
// Dissertation 6.4: a read asked for now may be answered from a state that has applied what was
// committed now, once the leader has proved that it still leads. A request that a new leader's
// election, a lost message or a late quorum leaves without an answer is asked again, by another
// context, until the lanes' own time-outs: a read is never failed for what can be asked again.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "member/raft/core.h"

namespace gatehouse::replica {

// Tells a lane that its reads up to a ticket may go on.
using ReadRelease = std::function<void(size_t lane, uint64_t ticket)>;

class Reads {
 public:
  static constexpr uint64_t kRetryMs = 500;

  // `first_context` differs from start to start, as by chance: a leader may still hold a question of
  // an earlier life of this member, and its answer is of that time. `slow` counts answers that came
  // after their request had been asked again.
  Reads(raft::Core& core, uint64_t first_context, ReadRelease release, metrics::Counter slow,
        log::Logger logger)
      : core_(core),
        release_(std::move(release)),
        slow_(slow),
        logger_(std::move(logger)),
        next_context_(first_context) {}

  // A lane wants to read.
  void want(size_t lane, uint64_t ticket) { merge(wanted_, lane, ticket); }
  // At the end of a turn: asks once for all that want.
  void ask(uint64_t now_ms);
  // Asks again what was not answered for kRetryMs; at each tick, and with `all` at once when there
  // is a new leader.
  void ask_again(uint64_t now_ms, bool all);

  void on_read_state(const raft::ReadState& state, uint64_t applied);
  void on_applied(uint64_t applied);

 private:
  using Tickets = std::vector<std::pair<size_t, uint64_t>>;  // the highest of each lane
  struct Asked {
    std::string context;
    uint64_t asked_ms;
    Tickets tickets;
  };
  struct Confirmed {
    uint64_t index;
    Tickets tickets;
  };

  static void merge(Tickets& into, size_t lane, uint64_t ticket);
  void release(const Tickets& tickets) const;

  raft::Core& core_;
  const ReadRelease release_;
  const metrics::Counter slow_;
  const log::Logger logger_;
  Tickets wanted_;
  std::deque<Asked> asked_;          // in order
  std::vector<Confirmed> confirmed_;  // wait for the state machine
  uint64_t next_context_;
};

}  // namespace gatehouse::replica
