// Plan: what kind of world a seed makes. Each seed leaves some faults out and exaggerates others
// ("swarm testing", Groce and others, ISSTA 2012): what would always be drowned by crashes is found
// where there are none.
#pragma once

#include <cstdint>
#include <string>

#include "common/env/entropy.h"

namespace gatehouse::sim {

struct Plan {
  explicit Plan(uint64_t seed);

  uint64_t seed;

  // The cluster.
  uint64_t founders;  // 3 to 5
  uint64_t joiners;   // that may be added later; 7 members at most
  bool pre_vote;
  uint64_t append_bytes;      // of entries in one message
  uint64_t segment_bytes;     // of the write-ahead log
  uint64_t snapshot_entries;  // from one snapshot to the next
  uint64_t snapshot_keeps;    // entries before it, for followers that are behind

  // How long there are faults.
  uint64_t duration_us;

  // The network.
  uint64_t delay_min_us;
  uint64_t delay_max_us;
  double loss;
  double repeat;  // a message comes twice
  double late;    // a message takes up to 100 times as long, and is overtaken
  double short_reigns;  // a new leader soon loses power, maybe before anybody hears of it
  double kept;    // one for a machine that is off is kept until it is on again
  // Mean times between events; 0: never.
  uint64_t partition_every_us;
  uint64_t partition_lasts_us;

  // Members.
  uint64_t crash_every_us;
  uint64_t down_for_us;
  uint64_t blackout_every_us;  // all at once
  uint64_t stall_every_us;
  uint64_t stall_lasts_us;
  uint64_t transfer_every_us;
  uint64_t change_every_us;  // of the membership
  double clock_drift;        // of each member's clock, at most; 0.1: ten percent

  // Disks.
  uint64_t sync_min_us;
  uint64_t sync_max_us;
  double survival;  // of bytes that were not synced
  uint64_t disk_failure_every_us;
  uint64_t commit_every_us;  // of the backend

  // Clients.
  uint64_t clients;
  uint64_t keys;
  uint64_t think_us;
  uint64_t patience_us;  // how long one waits for an answer

  std::string describe() const;
};

// A number with this mean, exponentially distributed and at least 1.
uint64_t around(env::Entropy& entropy, uint64_t mean);

}  // namespace gatehouse::sim
