#include "tests/sim/plan.h"

#include <algorithm>
#include <cmath>

namespace gatehouse::sim {

namespace {

constexpr uint64_t kMs = 1000;
constexpr uint64_t kSecond = 1000 * kMs;

// Half of the worlds do not have it; in the others its mean is between the two, evenly by
// magnitude.
uint64_t sometimes(env::Entropy& entropy, uint64_t low, uint64_t high) {
  const double place = entropy.unit();
  if (entropy.below(2) == 0) return 0;
  const double ratio = static_cast<double>(high) / static_cast<double>(low);
  return static_cast<uint64_t>(static_cast<double>(low) * std::pow(ratio, place));
}

}  // namespace

uint64_t around(env::Entropy& entropy, uint64_t mean) {
  const double factor = -std::log(1.0 - entropy.unit());
  return std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(mean) * factor));
}

Plan::Plan(uint64_t number) : seed(number) {
  env::SeededEntropy entropy(number * 2 + 1);
  const auto between = [&](uint64_t low, uint64_t high) {
    return low + entropy.below(high - low + 1);
  };
  founders = entropy.below(3) == 0 ? between(4, 5) : 3;
  joiners = 7 - founders;
  pre_vote = entropy.below(4) != 0;
  const uint64_t appends[] = {1, 300, 1024 * 1024};
  append_bytes = appends[entropy.below(3)];
  segment_bytes = between(8, 64) * 1024;
  snapshot_entries = entropy.below(3) == 0 ? UINT64_MAX / 2 : between(3, 50);
  snapshot_keeps = between(0, 20);
  duration_us = between(4, 12) * kSecond;

  delay_min_us = between(50, 500);
  delay_max_us = delay_min_us + kMs * (entropy.below(4) == 0 ? between(1, 150) : between(1, 3));
  loss = entropy.below(2) == 0 ? 0 : 0.15 * entropy.unit();
  repeat = entropy.below(2) == 0 ? 0 : 0.1 * entropy.unit();
  late = entropy.below(2) == 0 ? 0 : 0.1 * entropy.unit();
  partition_every_us = sometimes(entropy, kSecond, 6 * kSecond);
  partition_lasts_us = between(200, 4000) * kMs;

  crash_every_us = sometimes(entropy, kSecond / 2, 6 * kSecond);
  down_for_us = between(50, 3000) * kMs;
  blackout_every_us = sometimes(entropy, 3 * kSecond, 20 * kSecond);
  stall_every_us = sometimes(entropy, kSecond, 6 * kSecond);
  stall_lasts_us = between(100, 3000) * kMs;
  transfer_every_us = sometimes(entropy, kSecond, 6 * kSecond);
  change_every_us = sometimes(entropy, kSecond, 6 * kSecond);
  clock_drift = entropy.below(2) == 0 ? 0 : 0.2 * entropy.unit();

  sync_min_us = between(50, 300);
  sync_max_us = sync_min_us + kMs * (entropy.below(4) == 0 ? between(5, 300) : between(0, 5));
  const double survivals[] = {0, 0, 0.5, 1, entropy.unit()};
  survival = survivals[entropy.below(5)];
  disk_failure_every_us = sometimes(entropy, 3 * kSecond, 20 * kSecond);
  commit_every_us = between(20, 1000) * kMs;

  clients = between(2, 6);
  keys = between(1, 3);
  think_us = between(1, 200) * kMs;
  patience_us = between(500, 5000) * kMs;
  kept = entropy.below(2) == 0 ? 0 : entropy.unit();
  short_reigns = entropy.below(3) == 0 ? entropy.unit() : 0;
  if (entropy.below(2) == 0) down_for_us = between(1, 100) * kMs;
}

std::string Plan::describe() const {
  const auto ms = [](uint64_t us) { return us == 0 ? "never" : std::to_string(us / kMs) + " ms"; };
  return std::to_string(founders) + " members, " + ms(duration_us) + "; loss " +
         std::to_string(loss) + ", delay up to " + ms(delay_max_us) + ", partitions every " +
         ms(partition_every_us) + ", crashes " + ms(crash_every_us) + ", blackouts " +
         ms(blackout_every_us) + ", stalls " + ms(stall_every_us) + ", changes " +
         ms(change_every_us) + ", transfers " + ms(transfer_every_us) + ", failing disks " +
         ms(disk_failure_every_us) + ", syncs up to " + ms(sync_max_us) + ", drift " +
         std::to_string(clock_drift) + ", survival " + std::to_string(survival);
}

}  // namespace gatehouse::sim
