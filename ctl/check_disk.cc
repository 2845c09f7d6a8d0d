// check disk: what operators run fio for before they put a member on a disk.
#include <cstdio>

#include "common/env/disk_file_system.h"
#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/progress.h"
#include "ctl/statistics.h"

namespace gatehouse::ctl {
namespace {

constexpr size_t kWriteBytes = 2300;  // about what a member's log gets at a time
constexpr uint64_t kTotalBytes = 22'000'000;
constexpr double kLimitSeconds = 0.010;
constexpr double kPercentiles[] = {50, 90, 99, 99.9};

std::string milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f ms", seconds * 1000);
  return text;
}

// Removes the file, whatever comes.
class Scratch {
 public:
  Scratch(env::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~Scratch() { (void)files_.remove_file(path_).ok(); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  env::FileSystem& files_;
  const std::string path_;
};

// The syncs alone, as fio's fsync percentiles are; writes count for the rate.
Status measure(env::File& file, Statistics& syncs, double& seconds) {
  using Clock = std::chrono::steady_clock;
  std::string piece(kWriteBytes, '\0');
  for (size_t i = 0; i < piece.size(); ++i) piece[i] = static_cast<char>(i * 131);
  ProgressBar bar("writing and syncing", kTotalBytes, "bytes");
  const Clock::time_point start = Clock::now();
  for (uint64_t at = 0; at < kTotalBytes; at += kWriteBytes) {
    GATEHOUSE_RETURN_IF_ERROR(file.write_at(at, piece));
    const Clock::time_point written = Clock::now();
    GATEHOUSE_RETURN_IF_ERROR(file.sync_data());
    syncs.add(Clock::now() - written);
    bar.set(at);
  }
  seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return {};
}

}  // namespace

Exit run_check_disk(Invocation& in) {
  if (in.words.size() != 1)
    return bad_arguments("check disk command needs a directory as argument");
  env::DiskFileSystem files;
  const std::string path = in.words[0] + "/gatehousectl-check-disk.tmp";
  Result<std::unique_ptr<env::File>> file = files.open(path, env::OpenMode::kCreateExclusive);
  CTL_RETURN_IF_ERROR(file.status());
  const Scratch scratch(files, path);
  Statistics syncs;
  double seconds = 0;
  CTL_RETURN_IF_ERROR(measure(**file, syncs, seconds));
  char line[160];
  std::snprintf(line, sizeof line, "%zu writes of %zu bytes, each synced, in %.1f s: %.0f IOPS",
                syncs.count(), kWriteBytes, seconds, static_cast<double>(syncs.count()) / seconds);
  in.out.line(line);
  for (const double percent : kPercentiles) {
    std::snprintf(line, sizeof line, "sync p%-4g %s", percent,
                  milliseconds(syncs.percentile(percent)).c_str());
    in.out.line(line);
  }
  in.out.line("sync max   " + milliseconds(syncs.slowest()));
  const double worst = syncs.percentile(99);
  if (worst < kLimitSeconds) {
    in.out.line("PASS: the 99th percentile is below 10 ms");
    return {};
  }
  in.out.line("FAIL: the 99th percentile is not below 10 ms");
  return {kExitError};
}

}  // namespace gatehouse::ctl
