// process_* from a made-up /proc with known numbers, and from the real one.
#include "common/metrics/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>

#include "common/metrics/metrics.h"

namespace gatehouse::metrics {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

class Process : public testing::Test {
 protected:
  Process() {
    std::string pattern = testing::TempDir() + "gatehouse-proc-XXXXXX";
    proc_ = mkdtemp(pattern.data());
    std::filesystem::create_directories(proc_ + "/self/fd");
    std::filesystem::create_directories(proc_ + "/self/net");
  }
  ~Process() override { std::filesystem::remove_all(proc_); }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(proc_ + "/" + name) << content;
  }
  std::map<std::string, double> collect() const {
    std::map<std::string, double> values;
    for (const auto& family : ProcessMetrics(proc_).Collect()) {
      EXPECT_EQ(family.type, family.name.ends_with("_total") ? prometheus::MetricType::Counter
                                                             : prometheus::MetricType::Gauge);
      values[family.name] = family.metric.at(0).gauge.value;
    }
    return values;
  }

  std::string proc_;
};

TEST_F(Process, ReadsTheFieldsOfProc) {
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  // A name with blanks and parentheses, as a program may choose.
  write("self/stat",
        "26231 (a ) b (c) R 5392 7446 5392 34835 7446 4218880 32533 309516 26 82 1677 44 158 99 "
        "20 0 1 0 82375 56274944 1981 18446744073709551615 4194304\n");
  write("stat", "cpu  1 2 3\nbtime 1418183276\nprocesses 3\n");
  write("self/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            2048                 4096                 files     \n"
        "Max address space         unlimited            unlimited            bytes     \n");
  write("self/net/netstat",
        "TcpExt: InOctets\nTcpExt: 5\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 1 200 300\n");
  write("self/fd/0", "");
  write("self/fd/7", "");
  EXPECT_THAT(collect(),
              UnorderedElementsAre(Pair("process_cpu_seconds_total", (1677 + 44) / ticks),
                                   Pair("process_start_time_seconds", 1418183276 + 82375 / ticks),
                                   Pair("process_virtual_memory_bytes", 56274944),
                                   Pair("process_resident_memory_bytes",
                                        1981.0 * static_cast<double>(getpagesize())),
                                   Pair("process_open_fds", 2), Pair("process_max_fds", 2048),
                                   Pair("process_virtual_memory_max_bytes", 18446744073709551615.0),
                                   Pair("process_network_receive_bytes_total", 200),
                                   Pair("process_network_transmit_bytes_total", 300)));
}

TEST_F(Process, LeavesOutWhatIsMissingOrOdd) {
  std::filesystem::remove_all(proc_ + "/self/fd");
  EXPECT_TRUE(collect().empty());
  write("self/stat", "1 (x) R 2 3");
  write("stat", "btime x\n");
  write("self/limits", "Max open files\nMax address space   lots\n");
  write("self/net/netstat", "IpExt: InOctets\nIpExt: 1 2\nIpExt: InOctets\n");
  EXPECT_TRUE(collect().empty());
  write("self/stat", "no parenthesis");
  EXPECT_TRUE(collect().empty());
}

TEST_F(Process, TellsOfThisProcess) {
  Registry registry;
  registry.add_process_metrics();
  const auto value = [&](const std::string& name) {
    const std::string text = registry.serialize();
    const size_t at = text.find("\n" + name + " ");
    EXPECT_NE(at, std::string::npos) << name;
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  };
  EXPECT_GT(value("process_resident_memory_bytes"), 1e5);
  EXPECT_GT(value("process_virtual_memory_bytes"), value("process_resident_memory_bytes"));
  EXPECT_GE(value("process_cpu_seconds_total"), 0);
  EXPECT_GE(value("process_virtual_memory_max_bytes"), value("process_virtual_memory_bytes"));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(value("process_max_fds"), static_cast<double>(limit.rlim_cur));
  const double before = value("process_open_fds");
  const int fd = dup(0);
  EXPECT_EQ(value("process_open_fds"), before + 1);
  close(fd);
  const auto now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
  EXPECT_NEAR(value("process_start_time_seconds"), now.count(), 600);
  EXPECT_THAT(registry.serialize(),
              testing::HasSubstr("# TYPE process_cpu_seconds_total counter\n"));
}

}  // namespace
}  // namespace gatehouse::metrics
