#include "tests/bench/gatehouse_bench/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

namespace gatehouse::bench {
namespace {

constexpr double kTerminalEveryS = 0.2;
constexpr double kOtherwiseEveryS = 1;

}  // namespace

Progress::Progress(bool wanted)
    : terminal_(isatty(STDERR_FILENO) == 1), shown_(terminal_ || wanted) {}

void Progress::stage(std::string what) {
  stage_ = std::move(what);
  printed_at_ = -1;
}

void Progress::tick(double seconds_done, double seconds_total, uint64_t requests) {
  if (!shown_) return;
  const double every = terminal_ ? kTerminalEveryS : kOtherwiseEveryS;
  if (printed_at_ >= 0 && seconds_done - printed_at_ < every) return;
  printed_at_ = seconds_done;
  std::string line = stage_;
  if (seconds_total > 0) line += fmt::format(": {:.1f} of {:.1f} s", seconds_done, seconds_total);
  if (requests > 0) {
    line += fmt::format(", {} requests", requests);
    if (seconds_done > 0)
      line += fmt::format(", {:.0f}/s", static_cast<double>(requests) / seconds_done);
  }
  print(line);
}

void Progress::print(const std::string& line) {
  std::fprintf(stderr, terminal_ ? "\r\x1b[K%s" : "%s\n", line.c_str());
  std::fflush(stderr);
}

void Progress::finish() {
  if (terminal_) print("");
}

}  // namespace gatehouse::bench
