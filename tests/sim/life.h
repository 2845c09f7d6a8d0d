// Life: one seed, from the first start of a cluster to the verdict: a while of faults, then none,
// after which the members have to agree and everything is looked at.
#pragma once

#include <cstdint>
#include <string>

#include "common/log/log.h"

namespace gatehouse::sim {

struct LifeOptions {
  uint64_t seed = 0;
  bool print = false;  // each event, on standard error
  log::Logger logger;  // of the members
};

struct Life {
  enum class Verdict : uint8_t { kFine, kLiveness, kCorrectness } verdict = Verdict::kFine;
  std::string why;

  uint64_t hash = 0;  // of all that happened
  // How much happened: a simulation in which nothing does would find nothing.
  uint64_t events = 0;
  uint64_t messages = 0;
  uint64_t committed = 0;
  uint64_t answered = 0;
  uint64_t leaders = 0;
  uint64_t restarts = 0;
  uint64_t partitions = 0;
  uint64_t stalls = 0;
  uint64_t disk_failures = 0;
  uint64_t conf_changes = 0;
  uint64_t snapshots = 0;  // that came from a leader
  uint64_t compared = 0;
  uint64_t blocked = 0;    // a gap of the algorithm, see life.cc
  uint64_t undecided = 0;  // histories whose search was given up
};

Life live(const LifeOptions& options);

// Adds up what happened.
void add(Life& sum, const Life& life);

}  // namespace gatehouse::sim
