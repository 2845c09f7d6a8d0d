// Thousands of short random lives of a cluster. RAFT_SEED=n replays one and RAFT_SEEDS=n chooses
// how many; a failure prints its seed.
#include "tests/member/raft/simulation.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

namespace gatehouse::raft {
namespace {

constexpr size_t kSteps = 3000;
// Sanitizers and busy machines get fewer seeds rather than a failure; never fewer than kMinSeeds.
constexpr auto kBudget = std::chrono::seconds(15);
constexpr uint64_t kSeeds = 3000;
constexpr uint64_t kMinSeeds = 50;

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(SimulationTest, TheRulesOfFigure3HoldAtEveryStep) {
  const uint64_t only = number_from_environment("RAFT_SEED", 0);
  const uint64_t seeds = number_from_environment("RAFT_SEEDS", kSeeds);
  const bool chosen = std::getenv("RAFT_SEEDS") != nullptr;
  const auto begin = std::chrono::steady_clock::now();
  Simulation::Counts total;
  uint64_t done = 0;
  for (uint64_t seed = only == 0 ? 1 : only; only == 0 ? seed <= seeds : seed == only; ++seed) {
    Simulation simulation(seed);
    const std::optional<std::string> broken = simulation.run(kSteps);
    ASSERT_EQ(broken, std::nullopt) << *broken << "; replay with RAFT_SEED=" << seed;
    const Simulation::Counts& counts = simulation.counts();
    total.leaders += counts.leaders;
    total.crashes += counts.crashes;
    total.committed += counts.committed;
    total.conf_changes += counts.conf_changes;
    total.snapshots_restored += counts.snapshots_restored;
    total.reads += counts.reads;
    total.blocked += counts.blocked;
    ++done;
    if (!chosen && done >= kMinSeeds && std::chrono::steady_clock::now() - begin > kBudget) break;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::cout << done << " seeds, " << static_cast<double>(done) / seconds << " a second; "
            << total.leaders << " leaders, " << total.crashes << " crashes, " << total.committed
            << " entries, " << total.conf_changes << " membership changes, "
            << total.snapshots_restored << " snapshots, " << total.reads << " reads; "
            << total.blocked << " blocked by a removed member\n";
  if (only == 0 && done >= kMinSeeds) {
    // A simulation in which nothing happens would find nothing.
    EXPECT_GT(total.leaders, done);
    EXPECT_GT(total.crashes, done);
    EXPECT_GT(total.committed, 10 * done);
    EXPECT_GT(total.conf_changes, done);
    EXPECT_GT(total.snapshots_restored, done / 10);
    EXPECT_GT(total.reads, done);
    EXPECT_LT(total.blocked, 1 + done / 50);
  }
}

// The same seed is the same life: what makes a failure worth printing.
TEST(SimulationTest, ASeedReplays) {
  Simulation::Counts counts[2];
  for (Simulation::Counts& count : counts) {
    Simulation simulation(7);
    ASSERT_EQ(simulation.run(kSteps), std::nullopt);
    count = simulation.counts();
  }
  EXPECT_EQ(counts[0].committed, counts[1].committed);
  EXPECT_EQ(counts[0].leaders, counts[1].leaders);
  EXPECT_EQ(counts[0].reads, counts[1].reads);
}

}  // namespace
}  // namespace gatehouse::raft
