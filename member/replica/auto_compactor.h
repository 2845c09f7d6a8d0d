// AutoCompactor: keeps the history of the store short, as --auto-compaction-mode says.
//
//   periodic  the revision is sampled every min(P, 1 h) / 10; after P, and then every min(P, 1 h),
//             everything up to the revision of P ago is compacted
//   revision  every 5 minutes, everything but the last N revisions
//
// Only the leader's compacts; all sample, so that a new leader goes on where the old one was.
//
// Thread: that of its executor.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>

#include "common/base/status.h"
#include "common/env/executor.h"
#include "common/log/log.h"

namespace gatehouse::replica {

class AutoCompactor {
 public:
  enum class Mode : uint8_t { kPeriodic, kRevision };
  struct Options {
    Mode mode = Mode::kPeriodic;
    std::chrono::milliseconds period{0};  // kPeriodic; > 0
    int64_t revisions = 0;                // kRevision; > 0
  };
  struct Hooks {
    std::function<int64_t()> revision;  // of the store
    std::function<bool()> is_leader;
    // Proposes the compaction.
    std::function<void(int64_t revision, std::function<void(const Status&)> done)> compact;
  };

  AutoCompactor(env::Executor& executor, const Options& options, Hooks hooks, log::Logger logger);

 private:
  static constexpr std::chrono::milliseconds kHour{3'600'000};
  static constexpr uint64_t kSamplesPerInterval = 10;
  static constexpr uint64_t kRevisionIntervalMs = 5 * 60'000;

  void on_timer();
  void sample();
  void compact(int64_t revision);

  env::Executor& executor_;
  const Options options_;
  const Hooks hooks_;
  const log::Logger logger_;
  const uint64_t compact_interval_ms_;
  const uint64_t sample_interval_ms_;
  const size_t samples_kept_;  // the first of them is of `period` ago
  std::deque<int64_t> samples_;
  uint64_t last_compaction_ms_;
  int64_t last_revision_ = 0;
  env::Timer timer_;
};

}  // namespace gatehouse::replica
