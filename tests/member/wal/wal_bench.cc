// What the log costs, on the disk: CPU time of an entry, throughput without and with a sync, and
// what a ThreadWriter adds to a bare fdatasync. Not a test: run it by hand.
//
//   wal_bench [directory, default /tmp/gatehouse-wal-bench] [entries, default 300000]
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "common/env/disk_file_system.h"
#include "member/wal/log.h"
#include "member/wal/writer.h"

namespace gatehouse::wal {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds() {
  timespec now;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  std::exit(1);
}

Opened new_log(env::FileSystem& files, const std::string& directory, const Options& options) {
  must(files.remove_tree(directory));
  must(create(files, directory, {1, 2}, options));
  Result<Opened> opened = open(files, directory, {}, options);
  must(opened.status());
  return *std::move(opened);
}

void run(const std::string& directory, uint64_t entries) {
  env::DiskFileSystem files;
  const raft::Payload payload(std::string(300, 'v'));
  const auto entry = [&](uint64_t index) {
    return raft::Entry{1, index, raft::EntryType::kNormal, payload};
  };
  for (const uint64_t batch : {1, 100}) {
    const Opened opened = new_log(files, directory, {});
    const double cpu = cpu_seconds();
    const auto start = Clock::now();
    std::vector<raft::Entry> list;
    for (uint64_t i = 1; i <= entries; ++i) {
      list.push_back(entry(i));
      if (list.size() < batch) continue;
      const raft::HardState state{1, 1, i - 1};
      must(opened.log->append(&state, list, false));
      list.clear();
    }
    std::printf("%llu a write, no sync: %.0f ns of CPU an entry, %.0f entries/s\n",
                static_cast<unsigned long long>(batch),
                (cpu_seconds() - cpu) / static_cast<double>(entries) * 1e9,
                static_cast<double>(entries) / seconds_since(start));
  }
  constexpr uint64_t kRounds = 400;
  double syncs = 0;
  Options options;
  options.on_sync = [&](std::chrono::nanoseconds took) {
    syncs += std::chrono::duration<double>(took).count();
  };
  std::atomic<int> done{0};
  ThreadWriter writer(new_log(files, directory, options).log,
                      {[&](uint64_t sequence) {
                         done.store(static_cast<int>(sequence));
                         done.notify_one();
                       },
                       [](const Status& status) { must(status); }});
  const auto start = Clock::now();
  for (uint64_t i = 1; i <= kRounds; ++i) {
    Batch batch;
    batch.entries.push_back(entry(i));
    batch.must_sync = true;
    if (writer.append(std::move(batch), i)) continue;
    for (int seen = done.load(); seen != static_cast<int>(i); seen = done.load()) done.wait(seen);
  }
  const double all = seconds_since(start);
  std::printf("one at a time: %.1f us, of it fdatasync %.1f us\n", all / kRounds * 1e6,
              syncs / kRounds * 1e6);
  must(files.remove_tree(directory));
}

}  // namespace
}  // namespace gatehouse::wal

int main(int argc, char** argv) {
  gatehouse::wal::run(argc > 1 ? argv[1] : "/tmp/gatehouse-wal-bench",
                      argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 300'000);
}
