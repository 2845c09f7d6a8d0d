#include "common/metrics/process.h"

#include <prometheus/metric_family.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

namespace gatehouse::metrics {

namespace {

using Families = std::vector<prometheus::MetricFamily>;

std::optional<std::string> read_file(const std::string& path) {
  const std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The words of a line; with text that is not ours, whatever is missing is simply not there.
std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> result;
  while (true) {
    const size_t start = line.find_first_not_of(" \t\n");
    if (start == std::string_view::npos) return result;
    line.remove_prefix(start);
    const size_t end = std::min(line.find_first_of(" \t\n"), line.size());
    result.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::optional<double> number(std::string_view word) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return static_cast<double>(value);
}

void add(Families& families, const char* name, const char* help, prometheus::MetricType type,
         std::optional<double> value) {
  if (!value.has_value()) return;
  prometheus::ClientMetric metric;
  metric.counter.value = *value;
  metric.gauge.value = *value;
  families.push_back({name, help, type, {metric}});
}
void add_gauge(Families& families, const char* name, const char* help,
               std::optional<double> value) {
  add(families, name, help, prometheus::MetricType::Gauge, value);
}
void add_counter(Families& families, const char* name, const char* help,
                 std::optional<double> value) {
  add(families, name, help, prometheus::MetricType::Counter, value);
}

// "btime <seconds>" of /proc/stat: when the machine started.
std::optional<double> boot_time(const std::string& proc) {
  std::istringstream lines(read_file(proc + "/stat").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const auto row = words(line);
    if (row.size() == 2 && row[0] == "btime") return number(row[1]);
  }
  return std::nullopt;
}

// proc(5), /proc/pid/stat. The name in parentheses may hold anything; the fields start after it.
void add_stat(Families& families, const std::string& proc) {
  const std::optional<std::string> text = read_file(proc + "/self/stat");
  if (!text.has_value() || text->rfind(')') == std::string::npos) return;
  const auto fields = words(std::string_view(*text).substr(text->rfind(')') + 1));
  // Numbered from 1 in the manual; the first one here is field 3.
  const auto field = [&](size_t position) -> std::optional<double> {
    return position - 3 < fields.size() ? number(fields[position - 3]) : std::nullopt;
  };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const std::optional<double> user = field(14), system = field(15), start = field(22);
  if (user.has_value() && system.has_value()) {
    add_counter(families, "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.", (*user + *system) / ticks);
  }
  add_gauge(families, "process_virtual_memory_bytes", "Virtual memory size in bytes.", field(23));
  if (const std::optional<double> pages = field(24); pages.has_value()) {
    add_gauge(families, "process_resident_memory_bytes", "Resident memory size in bytes.",
              *pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  if (const std::optional<double> boot = boot_time(proc); boot.has_value() && start.has_value()) {
    add_gauge(families, "process_start_time_seconds",
              "Start time of the process since unix epoch in seconds.", *boot + *start / ticks);
  }
}

void add_open_files(Families& families, const std::string& proc) {
  std::error_code error;
  size_t count = 0;
  auto entry = std::filesystem::directory_iterator(proc + "/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  if (!error) {
    add_gauge(families, "process_open_fds", "Number of open file descriptors.",
              static_cast<double>(count));
  }
}

// The soft limit, in the column after the name. "unlimited" is the largest number, as in Go.
std::optional<double> soft_limit(std::string_view line, std::string_view name) {
  if (!line.starts_with(name)) return std::nullopt;
  const auto row = words(line.substr(name.size()));
  if (row.empty()) return std::nullopt;
  if (row[0] == "unlimited") return static_cast<double>(std::numeric_limits<uint64_t>::max());
  return number(row[0]);
}

void add_limits(Families& families, const std::string& proc) {
  std::istringstream lines(read_file(proc + "/self/limits").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    add_gauge(families, "process_max_fds", "Maximum number of open file descriptors.",
              soft_limit(line, "Max open files"));
    add_gauge(families, "process_virtual_memory_max_bytes",
              "Maximum amount of virtual memory available in bytes.",
              soft_limit(line, "Max address space"));
  }
}

// /proc/pid/net/netstat: pairs of lines, names and numbers, each starting with the group.
void add_network(Families& families, const std::string& proc) {
  std::istringstream lines(read_file(proc + "/self/net/netstat").value_or(""));
  std::string names_line, numbers_line;
  while (std::getline(lines, names_line) && std::getline(lines, numbers_line)) {
    const auto names = words(names_line), numbers = words(numbers_line);
    if (names.empty() || names[0] != "IpExt:" || names.size() != numbers.size()) continue;
    for (size_t i = 1; i < names.size(); ++i) {
      if (names[i] == "InOctets") {
        add_counter(families, "process_network_receive_bytes_total",
                    "Number of bytes received by the process over the network.",
                    number(numbers[i]));
      } else if (names[i] == "OutOctets") {
        add_counter(families, "process_network_transmit_bytes_total",
                    "Number of bytes sent by the process over the network.", number(numbers[i]));
      }
    }
  }
}

}  // namespace

Families ProcessMetrics::Collect() const {
  Families families;
  add_stat(families, proc_);
  add_open_files(families, proc_);
  add_limits(families, proc_);
  add_network(families, proc_);
  return families;
}

}  // namespace gatehouse::metrics
