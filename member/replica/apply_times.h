// ApplyTimes: how long each committed request takes to be carried out. The end of one is the
// beginning of the next, so that each costs one look at the clock. Slow ones are logged in etcd's
// words ("apply request took too long") and counted.
//
// Thread: that of the apply loop.
#pragma once

#include <chrono>
#include <cstdint>

#include "common/env/executor.h"
#include "common/log/log.h"
#include "member/apply/outcome.h"
#include "member/apply/request.h"
#include "member/replica/metrics.h"

namespace gatehouse::replica {

// The line itself, for whoever carries out requests: "prefix" says of what kind ("read-only range ",
// "" for what came from the log), `response` is "size:4", or "" with an error.
void log_slow_apply(const log::Logger& logger, std::chrono::nanoseconds took, uint64_t expected_ms,
                    std::string_view prefix, const std::string& request,
                    const std::string& response, const Status& error);

class ApplyTimes {
 public:
  ApplyTimes(env::Executor& executor, uint64_t warn_ms, const Metrics& metrics, log::Logger logger)
      : executor_(executor),
        warn_ms_(warn_ms),
        slow_(metrics.slow_applies),
        durations_(metrics.apply_durations()),
        logger_(std::move(logger)) {}

  // What went before is not the next request's.
  void begin() { last_us_ = executor_.now_us(); }
  void done(const apply::Request& request, const apply::Outcome& outcome);

 private:
  void tell(const apply::Request& request, const apply::Outcome& outcome,
            std::chrono::nanoseconds took) const;

  env::Executor& executor_;
  const uint64_t warn_ms_;
  const metrics::Counter slow_;
  KindDurations durations_;
  const log::Logger logger_;
  uint64_t last_us_ = 0;
};

}  // namespace gatehouse::replica
