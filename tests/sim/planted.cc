// gatehouse-sim-planted: the simulation, made of sources in which bugs were planted, has to catch
// each of them within so many seeds, and to find nothing while none is switched on. A canary: were
// the simulation blind, this is where it would show.
//
//   gatehouse-sim-planted            all, one after the other
//   gatehouse-sim-planted NAME       one
//
// Exit code 1: one was not caught, or something else was.
#include "tests/sim/planted.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/sim/life.h"

namespace gatehouse::sim {
namespace {

struct Bug {
  const char* name;
  const char* what;
};
constexpr Bug kBugs[] = {
#include "planted_bugs.inc"
};

// Several times what the rarest of them took when this was chosen.
constexpr uint64_t kMaxSeeds = 8000;
constexpr uint64_t kSeedsWithout = 100;

std::string_view switched_on;

// In a process of its own, since a bug may well end it: true if it was caught.
bool caught(const Bug& bug, uint64_t seeds) {
  const auto start = std::chrono::steady_clock::now();
  std::fflush(stdout);
  void* const shared = ::mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return false;
  auto* const at_seed = static_cast<volatile uint64_t*>(shared);
  const pid_t child = ::fork();
  if (child == 0) {
    switched_on = bug.name;
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
      // A CHECK that fails is a way to be caught; what it says goes to standard error.
      *at_seed = seed;
      LifeOptions options;
      options.seed = seed;
      const Life life = live(options);
      if (life.verdict == Life::Verdict::kFine) continue;
      std::printf("  %s\n", life.why.substr(0, life.why.find('\n')).c_str());
      std::fflush(stdout);
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return false;
  const bool found = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  if (WIFSIGNALED(status)) std::printf("the process ended by signal %d\n", WTERMSIG(status));
  std::printf("%s %s (%s), %llu seeds, %.1f s\n", found ? "caught" : "not caught", bug.name,
              bug.what, static_cast<unsigned long long>(*at_seed),
              std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  ::munmap(shared, sizeof(uint64_t));
  return found;
}

int main(int argc, char** argv) {
  bool well = true;
  for (const Bug& bug : kBugs) {
    if (argc > 1 && std::string_view(argv[1]) != bug.name) continue;
    well = caught(bug, kMaxSeeds) && well;
  }
  if (argc == 1) well = !caught({"none", "no bug is switched on"}, kSeedsWithout) && well;
  return well ? 0 : 1;
}

}  // namespace

bool planted(std::string_view name) { return name == switched_on; }

}  // namespace gatehouse::sim

int main(int argc, char** argv) { return gatehouse::sim::main(argc, argv); }
