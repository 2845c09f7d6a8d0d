// What the backend costs, on the disk (nanoseconds are CPU time of the calling thread): puts at the
// writer, a commit of 10,000, reads from the buffer and from the mapped tree, opening. Not a test:
// run it by hand.
//
//   backend_bench [directory, default /tmp] [keys, default 1000000]
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/env/disk_file_system.h"
#include "member/backend/backend.h"

namespace gatehouse::backend {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds(clockid_t clock = CLOCK_PROCESS_CPUTIME_ID) {
  timespec now;
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Of this thread, so that what else the machine does counts less.
class ThreadTime {
 public:
  double seconds() const { return cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - start_; }

 private:
  double start_ = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
};

void set_revision(std::string& key, uint64_t main) {
  for (int i = 0; i < 8; ++i) key[static_cast<size_t>(i)] = static_cast<char>(main >> (56 - 8 * i));
}

std::unique_ptr<Backend> must_open(env::FileSystem& files, const std::string& path,
                                   const Options& options) {
  Result<std::unique_ptr<Backend>> backend = Backend::open(files, path, options);
  if (!backend.ok()) {
    std::fprintf(stderr, "%s\n", backend.status().to_string().c_str());
    std::exit(1);
  }
  return std::move(*backend);
}

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  std::exit(1);
}

// Gets of random revisions, and of neighbours in order.
void time_gets(const Reader& reader, uint64_t low, uint64_t high, const char* where) {
  constexpr int kReads = 200'000;
  std::mt19937_64 random(1);
  std::string key(17, '\0');
  key[8] = '_';
  std::string_view value;
  size_t found = 0;
  const ThreadTime random_time;
  for (int i = 0; i < kReads; ++i) {
    set_revision(key, low + random() % (high - low));
    found += reader.get(Bucket::kKey, key, value);
  }
  std::printf("get, random, from the %s: %.0f ns\n", where, random_time.seconds() / kReads * 1e9);
  const ThreadTime ordered_time;
  for (uint64_t i = 0; i < kReads; ++i) {
    set_revision(key, low + i % (high - low));
    found += reader.get(Bucket::kKey, key, value);
  }
  std::printf("get, in order, from the %s: %.0f ns\n", where,
              ordered_time.seconds() / kReads * 1e9);
  if (found != 2 * kReads) std::printf("MISSING KEYS\n");
}

void run(const std::string& directory, uint64_t keys) {
  constexpr uint64_t kBatch = 10'000;
  env::DiskFileSystem files;
  Options options;
  options.batch_interval = std::chrono::hours(1);
  options.batch_limit = UINT32_MAX;
  const std::string path = directory + "/db";
  auto backend = must_open(files, path, options);
  const std::string value(300, 'v');
  std::string key(17, '\0');
  key[8] = '_';
  uint64_t revision = 0;
  double put_seconds = 0;
  double commit_cpu = 0;
  double commit_wall = 0;
  uint64_t commits = 0;
  for (; revision + kBatch <= keys; ++commits) {
    const ThreadTime put_time;
    for (uint64_t i = 0; i < kBatch; ++i) {
      set_revision(key, ++revision);
      backend->writer().append(Bucket::kKey, key, value);
      backend->writer().end();
    }
    put_seconds += put_time.seconds();
    const auto start = Clock::now();
    const double cpu = cpu_seconds();
    must(backend->commit());
    commit_cpu += cpu_seconds() - cpu;
    commit_wall += seconds_since(start);
  }
  std::printf("%llu appends of 300 B, an end() each: %.0f ns each\n",
              static_cast<unsigned long long>(revision),
              put_seconds / static_cast<double>(revision) * 1e9);
  std::printf("commit of 10000: %.2f ms CPU, %.2f ms\n",
              commit_cpu / static_cast<double>(commits) * 1e3,
              commit_wall / static_cast<double>(commits) * 1e3);
  {
    const std::unique_ptr<Reader> reader = backend->read();
    reader->scan(Bucket::kKey, {}, {}, [](std::string_view, std::string_view) { return true; });
    time_gets(*reader, revision - kBatch, revision, "tree, 10000 keys");
    time_gets(*reader, 1, revision, "tree, all keys");
  }
  for (uint64_t i = 0; i < kBatch; ++i) {
    set_revision(key, ++revision);
    backend->writer().append(Bucket::kKey, key, value);
  }
  backend->writer().end();
  time_gets(*backend->read(), revision - kBatch + 1, revision, "buffer");
  const ThreadTime one_key_time;
  for (int i = 0; i < 100'000; ++i) {
    backend->writer().put(Bucket::kMeta, "consistent_index", "12345678");
    backend->writer().end();
  }
  std::printf("put of one key again and again: %.0f ns\n", one_key_time.seconds() / 100'000 * 1e9);
  const ThreadTime reader_time;
  for (int i = 0; i < 100'000; ++i) backend->read();
  std::printf("a reader: %.0f ns\n", reader_time.seconds() / 100'000 * 1e9);
  must(backend->commit());
  auto start = Clock::now();
  must(backend->defragment());
  std::printf("defragment: %.0f ms\n", seconds_since(start) * 1e3);
  backend.reset();

  start = Clock::now();
  backend = must_open(files, path, options);
  std::printf("open with all pages checked: %.0f ms\n", seconds_since(start) * 1e3);
  start = Clock::now();
  uint64_t pairs = 0;
  backend->read()->scan(Bucket::kKey, {}, {}, [&](std::string_view, std::string_view bytes) {
    pairs += !bytes.empty();
    return true;
  });
  std::printf("scan of %llu pairs: %.0f ms\n", static_cast<unsigned long long>(pairs),
              seconds_since(start) * 1e3);
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("file %.0f MB, resident at most %.0f MB\n",
              static_cast<double>(backend->size_bytes()) * 1e-6,
              static_cast<double>(usage.ru_maxrss) * 1.024e-3);
}

}  // namespace
}  // namespace gatehouse::backend

int main(int argc, char** argv) {
  std::string pattern = std::string(argc > 1 ? argv[1] : "/tmp") + "/backend-bench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return 1;
  gatehouse::backend::run(pattern, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000);
  const gatehouse::Status removed = gatehouse::env::DiskFileSystem().remove_tree(pattern);
  return removed.ok() ? 0 : 1;
}
