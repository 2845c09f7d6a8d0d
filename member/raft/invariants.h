// Invariants: what holds for one member at any time, and from one moment to the next.
//
// The tests check after each call into the core; a check costs a few comparisons for each member of
// the cluster, so an owner may leave it on. What holds between members (election safety, log
// matching, leader completeness) needs all of them side by side: tests/member/raft/simulation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "member/raft/core.h"

namespace gatehouse::raft {

class Invariants {
 public:
  // The first broken rule in words, or nothing. Compares with the core's state at the last call;
  // use one object for one core's life.
  std::optional<std::string> check(const Core& core);

 private:
  struct Seen {
    uint64_t term;
    NodeId vote;
    NodeId leader;
    Role role;
    uint64_t committed;
    uint64_t committed_term;
    uint64_t applied;
    LogPosition last;
  };

  std::optional<Seen> before_;
};

}  // namespace gatehouse::raft
