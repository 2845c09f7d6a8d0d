#include "tests/bench/gatehouse_bench/cpu_time.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace gatehouse::bench {
namespace {

constexpr int kUserField = 14;  // counted from 1, as proc(5) does
constexpr int kSystemField = 15;

uint64_t to_us(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1000000 + static_cast<uint64_t>(time.tv_usec);
}

}  // namespace

Result<uint64_t> cpu_us_from_stat(std::string_view stat, long ticks_per_second) {
  const size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos) return internal_error("no program name in it");
  std::string_view rest = stat.substr(name_end + 2);  // begins with field 3
  uint64_t ticks = 0;
  for (int field = 3; field <= kSystemField; ++field) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (field >= kUserField) {
      uint64_t value = 0;
      const auto parsed = std::from_chars(word.data(), word.data() + word.size(), value);
      if (parsed.ec != std::errc() || parsed.ptr != word.data() + word.size()) {
        return internal_error("field " + std::to_string(field) + " is no number");
      }
      ticks += value;
    }
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return ticks * 1000000 / static_cast<uint64_t>(ticks_per_second);
}

Result<uint64_t> process_cpu_us(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  std::ifstream file(path);
  if (!file) return not_found("process " + std::to_string(pid) + " is not running");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Result<uint64_t> cpu_us = cpu_us_from_stat(text, sysconf(_SC_CLK_TCK));
  if (!cpu_us.ok()) return cpu_us.status().with_context(path);
  return cpu_us;
}

Result<uint64_t> process_cpu_us(const std::vector<pid_t>& pids) {
  uint64_t sum = 0;
  for (const pid_t pid : pids) {
    Result<uint64_t> one = process_cpu_us(pid);
    if (!one.ok()) return one;
    sum += *one;
  }
  return sum;
}

uint64_t own_cpu_us() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return to_us(usage.ru_utime) + to_us(usage.ru_stime);
}

}  // namespace gatehouse::bench
