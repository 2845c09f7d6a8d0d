// Nanoseconds of a thread's CPU time per operation, each thread doing all of them; the median and
// the best of many rounds, so that a busy machine blurs them less.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

#include "common/metrics/metrics.h"

namespace {

using gatehouse::metrics::Registry;

constexpr uint64_t kOperations = 1'000'000;
constexpr int kRounds = 61;

double thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Figures {
  double median;
  double best;
};

Figures ns_per_operation(int threads, const std::function<void(uint64_t)>& work) {
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> ready{0};
    std::vector<double> elapsed(static_cast<size_t>(threads));
    std::vector<std::thread> all;
    for (double& mine : elapsed) {
      all.emplace_back([&] {
        work(1);  // takes this thread's shard
        ready.fetch_add(1);
        while (ready.load() < threads) std::this_thread::yield();
        const double start = thread_cpu_ns();
        work(kOperations);
        mine = thread_cpu_ns() - start;
      });
    }
    for (auto& thread : all) thread.join();
    rounds.push_back(*std::max_element(elapsed.begin(), elapsed.end()) / kOperations);
  }
  std::sort(rounds.begin(), rounds.end());
  return {rounds[rounds.size() / 2], rounds.front()};
}

// Keeps a loop of plain stores from being folded into one addition.
void barrier() { asm volatile("" ::: "memory"); }

void report(const char* what, const std::function<void(uint64_t)>& work) {
  const Figures one = ns_per_operation(1, work), two = ns_per_operation(2, work);
  std::printf(
      "%-34s 1 thread: median %5.1f best %5.1f ns   2 threads: median %5.1f best %5.1f ns\n", what,
      one.median, one.best, two.median, two.best);
}

}  // namespace

int main() {
  Registry registry;
  const auto counter = registry.counter("counter_total", "A counter.");
  const auto histogram =
      registry.histogram("default_seconds", "11 buckets.", gatehouse::metrics::default_buckets());
  const auto fine = registry.histogram("fine_seconds", "20 buckets.",
                                       gatehouse::metrics::exponential_buckets(.0001, 2, 20));
  const auto gauge = registry.gauge("gauge", "One cell for all threads.");
  std::atomic<uint64_t> shared{0};

  report("counter.add()", [&](uint64_t n) {
    for (uint64_t i = 0; i < n; ++i) counter.add(), barrier();
  });
  report("histogram.observe(), 11 buckets", [&](uint64_t n) {
    for (uint64_t i = 0; i < n; ++i)
      histogram.observe(static_cast<double>(i & 63) * .001), barrier();
  });
  report("histogram.observe(), 20 buckets", [&](uint64_t n) {
    for (uint64_t i = 0; i < n; ++i) fine.observe(static_cast<double>(i & 63) * .001), barrier();
  });
  report("gauge.add()", [&](uint64_t n) {
    for (uint64_t i = 0; i < n; ++i) gauge.add(1);
  });
  report("for comparison: one std::atomic", [&](uint64_t n) {
    for (uint64_t i = 0; i < n; ++i) shared.fetch_add(1, std::memory_order_relaxed);
  });
  const auto start = std::chrono::steady_clock::now();
  const auto many = registry.counter_family("many_total", "1000 series.", {"n"});
  for (int i = 0; i < 1000; ++i) many.with({std::to_string(i)}).add();
  const auto made = std::chrono::steady_clock::now();
  const size_t bytes = registry.serialize().size();
  const auto scraped = std::chrono::steady_clock::now();
  const auto us = [](auto duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
  };
  std::printf("1000 series: made in %.0f us, scraped in %.0f us (%zu bytes)\n", us(made - start),
              us(scraped - made), bytes);
}
