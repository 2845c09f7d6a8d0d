// What the store costs, on the disk: puts with a publish() each, gets, counts, ranges, opening, and
// the memory of a key. Nanoseconds are CPU time of the calling thread. Not a test: run it by hand.
//
//   mvcc_bench [directory, default /tmp] [keys, default 1000000]
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "common/env/disk_file_system.h"
#include "member/mvcc/index.h"
#include "member/mvcc/range.h"
#include "member/mvcc/store.h"
#include "tests/common/base/heap.h"

namespace gatehouse::mvcc {
namespace {

class ThreadTime {
 public:
  double seconds() const { return now() - start_; }

 private:
  static double now() {
    timespec time;
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }
  double start_ = now();
};

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  std::exit(1);
}

// 30 bytes.
std::string key_of(uint64_t i) {
  char text[32];
  std::snprintf(text, sizeof text, "/registry/pods/default/%07llu",
                static_cast<unsigned long long>(i));
  return text;
}

std::vector<uint64_t> shuffled(uint64_t count) {
  std::vector<uint64_t> order(count);
  for (uint64_t i = 0; i < count; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  return order;
}

void report(const char* what, double seconds, uint64_t times) {
  std::printf("%-44s %10.0f ns\n", what, seconds / static_cast<double>(times) * 1e9);
}

void run_index(uint64_t keys) {
  const std::vector<uint64_t> order = shuffled(keys);
  const size_t before = gatehouse::testing::live_heap_bytes();
  Index index;
  int64_t revision = 1;
  const ThreadTime put_time;
  for (const uint64_t i : order) {
    index.put(key_of(i), {++revision, 0});
    index.publish();
  }
  report("index: put of a new key, random, published", put_time.seconds(), keys);
  const size_t after = gatehouse::testing::live_heap_bytes();
  std::printf("index: %.1f bytes a key with its 30 bytes\n",
              static_cast<double>(after - before) / static_cast<double>(keys));
  const ThreadTime again_time;
  for (uint64_t n = 0; n < 200'000; ++n) {
    index.put(key_of(order[n % keys]), {++revision, 0});
    index.publish();
  }
  report("index: put of a known key, published", again_time.seconds(), 200'000);
  const ThreadTime batch_time;
  for (uint64_t n = 0; n < 200'000; ++n) {
    index.put(key_of(order[n % keys]), {++revision, 0});
    if (n % 64 == 0) index.publish();
  }
  report("index: put of a known key, 64 a publish", batch_time.seconds(), 200'000);
}

void run_store(const std::string& directory, uint64_t keys) {
  env::DiskFileSystem files;
  backend::Options options;
  options.no_sync = true;
  const std::string value(100, 'v');
  {
    auto backend = backend::Backend::open(files, directory + "/db", options);
    must(backend.status());
    auto opened = Store::open(**backend, StoreOptions());
    must(opened.status());
    Store& store = **opened;
    const std::vector<uint64_t> order = shuffled(keys);
    const ThreadTime put_time;
    for (const uint64_t i : order) {
      const auto txn = store.write();
      txn->put(key_of(i), value, 0);
      txn->finish();
      store.publish();
    }
    report("put of 100 bytes, published", put_time.seconds(), keys);
    must((*backend)->commit());
    store.publish();

    const auto view = store.view();
    const ThreadTime view_time;
    for (int i = 0; i < 100'000; ++i) store.view();
    report("view()", view_time.seconds(), 100'000);
    std::vector<Item> items;
    std::vector<std::string> names;
    for (uint64_t i = 0; i < 200'000; ++i) names.push_back(key_of(order[i % keys]));
    const ThreadTime get_time;
    for (const std::string& name : names) {
      items.clear();
      view->items(name, "", 0, 0, items);
    }
    report("get, index only", get_time.seconds(), names.size());
    RangeOutcome outcome;
    std::string out;
    const ThreadTime response_time;
    for (const std::string& name : names) {
      must(range(*view, {.key = name}, outcome));
      out.clear();
      append_range_fields(outcome, out);
    }
    report("get, response bytes", response_time.seconds(), names.size());
    const ThreadTime count_time;
    int64_t sum = 0;
    for (const std::string& name : names) sum += view->count(name, std::string_view("\0", 1), 0);
    report("count from a key on", count_time.seconds(), names.size());
    const ThreadTime range_time;
    for (int n = 0; n < 200; ++n) {
      const std::string begin = key_of(order[static_cast<size_t>(n) % keys] / 2);
      must(range(*view, {.key = begin, .range_end = std::string_view("\0", 1), .limit = 1000},
                 outcome));
      out.clear();
      append_range_fields(outcome, out);
    }
    report("range of 1000, response bytes", range_time.seconds(), 200);
    const ThreadTime keys_time;
    for (int n = 0; n < 200; ++n) {
      const std::string begin = key_of(order[static_cast<size_t>(n) % keys] / 2);
      items.clear();
      view->items(begin, std::string_view("\0", 1), 0, 1000, items);
    }
    report("range of 1000, index only", keys_time.seconds(), 200);
    const ThreadTime old_time;
    sum += view->count("", std::string_view("\0", 1), view->revision() / 2);
    report("count of all at an old revision", old_time.seconds(), 1);
    if (sum == 0) std::printf("NOTHING COUNTED\n");
  }
  auto backend = backend::Backend::open(files, directory + "/db", options);
  must(backend.status());
  const ThreadTime open_time;
  auto opened = Store::open(**backend, StoreOptions());
  must(opened.status());
  std::printf("open: %.0f ms\n", open_time.seconds() * 1e3);
  const ThreadTime hash_time;
  must((*opened)->hash_kv(0).status());
  std::printf("hash: %.0f ms\n", hash_time.seconds() * 1e3);
}

}  // namespace
}  // namespace gatehouse::mvcc

int main(int argc, char** argv) {
  std::string pattern = std::string(argc > 1 ? argv[1] : "/tmp") + "/mvcc-bench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return 1;
  const uint64_t keys = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
  gatehouse::mvcc::run_index(keys);
  gatehouse::mvcc::run_store(pattern, keys);
  return gatehouse::env::DiskFileSystem().remove_tree(pattern).ok() ? 0 : 1;
}
