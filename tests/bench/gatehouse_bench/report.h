// What a run found, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/gatehouse_bench/measure.h"
#include "tests/bench/gatehouse_bench/options.h"

namespace gatehouse::bench {

struct TargetResult {
  TargetOptions target;
  std::vector<Measurement> rounds;  // at least one; as many for each target
};

// One column for a target; with two, a third with the median of the rounds' ratios.
std::string text_report(const Options& options, const std::vector<TargetResult>& results);

// One JSON object: the options, and for each target its medians and its rounds.
std::string json_report(const Options& options, const std::vector<TargetResult>& results);

}  // namespace gatehouse::bench
