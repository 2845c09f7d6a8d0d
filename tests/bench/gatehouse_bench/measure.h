// One round against one target: threads, connections, warm-up, the window that is measured, the
// end.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/result.h"
#include "tests/bench/gatehouse_bench/options.h"
#include "tests/bench/gatehouse_bench/progress.h"
#include "tests/bench/gatehouse_bench/tally.h"

namespace gatehouse::bench {

struct Measurement {
  Tally tally;   // requests, or events of a watch run
  Tally writes;  // puts of a watch run
  double seconds = 0;
  std::optional<uint64_t> server_cpu_us;  // where the target has pids
  uint64_t own_cpu_us = 0;

  double rate() const { return static_cast<double>(tally.completed()) / seconds; }
  double cpu_us_per_request() const;  // of the server; 0 when unknown or nothing completed
  double own_cpu_us_per_request() const;
};

// Blocks. Errors: the endpoint cannot be reached, a pid is not there, a certificate cannot be read.
Result<Measurement> measure(const Options& options, const TargetOptions& target,
                            Progress& progress);

// Writes every key of the run once.
Status fill(const Options& options, const TargetOptions& target, Progress& progress);

}  // namespace gatehouse::bench
