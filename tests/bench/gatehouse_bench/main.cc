// gatehouse-bench: closed-loop load on any etcd v3 endpoint, ours or stock etcd, or on two by
// turns.
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "tests/bench/gatehouse_bench/measure.h"
#include "tests/bench/gatehouse_bench/options.h"
#include "tests/bench/gatehouse_bench/progress.h"
#include "tests/bench/gatehouse_bench/report.h"
#include "tests/bench/gatehouse_bench/requests.h"

namespace gatehouse::bench {
namespace {

Result<std::vector<TargetResult>> run(const Options& options, Progress& progress) {
  std::vector<TargetResult> results;
  for (const TargetOptions& target : options.targets) {
    results.push_back({target, {}});
    if (!options.fill || !needs_fill(options.operation)) continue;
    progress.stage("writing " + std::to_string(options.keys.count) + " keys to " + target.endpoint);
    const Status filled = fill(options, target, progress);
    if (!filled.ok()) return filled.with_context(target.endpoint);
  }
  for (size_t round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < results.size(); ++i) {
      // Every other round in reverse, so that neither always follows the other.
      TargetResult& result = results[round % 2 == 0 ? i : results.size() - 1 - i];
      progress.stage("round " + std::to_string(round + 1) + " of " +
                     std::to_string(options.rounds) + ", " + result.target.endpoint);
      Result<Measurement> measured = measure(options, result.target, progress);
      if (!measured.ok()) return measured.status().with_context(result.target.endpoint);
      result.rounds.push_back(std::move(measured).value());
    }
  }
  return results;
}

int main_with(const Options& options) {
  Progress progress(options.progress);
  const Result<std::vector<TargetResult>> results = run(options, progress);
  progress.finish();
  if (!results.ok()) {
    std::fprintf(stderr, "gatehouse-bench: %s\n", results.status().to_string().c_str());
    return 1;
  }
  std::fputs(text_report(options, results.value()).c_str(), stdout);
  if (!options.json_file.empty()) {
    std::ofstream file(options.json_file);
    file << json_report(options, results.value());
    if (!file.flush()) {
      std::fprintf(stderr, "gatehouse-bench: --json: cannot write %s\n", options.json_file.c_str());
      return 1;
    }
  }
  // Scripts must not take a run for good in which nothing worked.
  for (const TargetResult& result : results.value()) {
    for (const Measurement& round : result.rounds) {
      if (round.tally.completed() == 0) return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace gatehouse::bench

int main(int argc, char** argv) {
  const gatehouse::bench::CommandLine line = gatehouse::bench::parse_command_line(argc, argv);
  return line.options ? gatehouse::bench::main_with(*line.options) : line.exit_code;
}
