// gatehouse-sim: whole clusters in one process, each under one seed.
//
//   gatehouse-sim --seed N [--verbose]        one life, the same one each time
//   gatehouse-sim --seeds A..B                some
//   gatehouse-sim --minutes M [--seeds A..]   as many as there is time for, from A on (1)
//   ... --twice                               each is lived twice: the traces have to be the same
//
// Exit codes: 0 all is well; 2 usage; 3 crash (a CHECK, a signal); 4 liveness: no agreement
// although all faults ended; 5 correctness: something that has to hold did not.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "common/log/log.h"
#include "tests/sim/life.h"

namespace gatehouse::sim {
namespace {

enum ExitCode : int { kWell = 0, kUsage = 2, kCrash = 3, kLiveness = 4, kCorrectness = 5 };

using Clock = std::chrono::steady_clock;

struct Arguments {
  uint64_t first = 1;
  uint64_t last = UINT64_MAX;
  double minutes = 0;  // 0: without a limit
  bool verbose = false;
  bool twice = false;
};

volatile uint64_t current_seed = 0;

// A CHECK that fails aborts: the seed is what is needed then.
void on_crash(int signal) {
  char line[96];
  const int length =
      std::snprintf(line, sizeof(line), "seed %llu: crash (signal %d)\n",
                    static_cast<unsigned long long>(current_seed), signal);
  static_cast<void>(!::write(STDERR_FILENO, line, static_cast<size_t>(length)));
  ::_exit(kCrash);
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments out;
  bool chosen = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (flag == "--verbose") {
      out.verbose = true;
    } else if (flag == "--twice") {
      out.twice = true;
    } else if (value == nullptr) {
      return std::nullopt;
    } else if (flag == "--seed") {
      out.first = out.last = std::strtoull(value, nullptr, 10);
      chosen = true;
      ++i;
    } else if (flag == "--seeds") {
      char* end = nullptr;
      out.first = std::strtoull(value, &end, 10);
      if (std::strncmp(end, "..", 2) != 0) return std::nullopt;
      if (end[2] != '\0') {
        out.last = std::strtoull(end + 2, &end, 10);
        if (*end != '\0') return std::nullopt;
        chosen = true;
      }
      ++i;
    } else if (flag == "--minutes") {
      out.minutes = std::strtod(value, nullptr);
      chosen = out.minutes > 0;
      ++i;
    } else {
      return std::nullopt;
    }
  }
  if (!chosen) return std::nullopt;
  return out;
}

void print_summary(const Life& sum, uint64_t seeds, double seconds) {
  const auto n = [](uint64_t number) { return static_cast<unsigned long long>(number); };
  std::printf(
      "%llu seeds in %.1f s, %.0f a minute: %llu events, %llu messages, %llu entries, "
      "%llu answers, %llu leaders, %llu starts, %llu partitions, %llu stalls, %llu failing disks, "
      "%llu membership changes, %llu snapshots, %llu states compared; %llu blocked by the removed, "
      "%llu histories undecided\n",
      n(seeds), seconds, static_cast<double>(seeds) / seconds * 60, n(sum.events), n(sum.messages),
      n(sum.committed), n(sum.answered), n(sum.leaders), n(sum.restarts), n(sum.partitions),
      n(sum.stalls), n(sum.disk_failures), n(sum.conf_changes), n(sum.snapshots), n(sum.compared),
      n(sum.blocked), n(sum.undecided));
  std::fflush(stdout);
}

log::Logger stderr_logger() {
  Result<log::Logger> logger = log::create({.level = log::Level::kInfo});
  return logger.ok() ? *logger : log::Logger();
}

// What the exit code is to be.
int run(const Arguments& arguments) {
  const Clock::time_point start = Clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  double told = 0;
  Life sum;
  uint64_t seeds = 0;
  for (uint64_t seed = arguments.first;; ++seed) {
    current_seed = seed;
    LifeOptions options;
    options.seed = seed;
    options.print = arguments.verbose;
    if (arguments.verbose) options.logger = stderr_logger();
    const Life life = live(options);
    add(sum, life);
    ++seeds;
    if (life.verdict != Life::Verdict::kFine) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), life.why.c_str());
      return life.verdict == Life::Verdict::kLiveness ? kLiveness : kCorrectness;
    }
    if (arguments.twice && live(options).hash != life.hash) {
      std::printf("seed %llu: its second life was another\n",
                  static_cast<unsigned long long>(seed));
      return kCorrectness;
    }
    if (arguments.first == arguments.last) {
      std::printf("seed %llu: trace %016llx\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(life.hash));
    }
    const bool over = arguments.minutes > 0 && seconds() >= arguments.minutes * 60;
    if (seed == arguments.last || over) break;
    if (seconds() - told > 10) {
      told = seconds();
      std::printf("seed %llu, ", static_cast<unsigned long long>(seed));
      print_summary(sum, seeds, told);
    }
  }
  print_summary(sum, seeds, seconds());
  return kWell;
}

int main(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: %s --seed N [--verbose] | --seeds A..B | --minutes M [--seeds A..] "
                 "[--twice]\n",
                 argv[0]);
    return kUsage;
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_crash);
  return run(*arguments);
}

}  // namespace
}  // namespace gatehouse::sim

int main(int argc, char** argv) { return gatehouse::sim::main(argc, argv); }
