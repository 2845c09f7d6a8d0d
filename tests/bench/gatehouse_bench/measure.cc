#include "tests/bench/gatehouse_bench/measure.h"

#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "common/loop/loop_threads.h"
#include "common/net/address.h"
#include "common/net/tcp_dialer.h"
#include "common/tls/context.h"
#include "tests/bench/gatehouse_bench/cpu_time.h"
#include "tests/bench/gatehouse_bench/worker.h"

namespace gatehouse::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPollEvery = std::chrono::milliseconds(2);
constexpr double kPrepareLimitS = 60;  // connections, watchers, leases
constexpr double kStopLimitS = 10;
constexpr auto kCommitInterval = std::chrono::milliseconds(250);  // etcd: 100 ms

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Result<std::shared_ptr<const tls::Context>> tls_context(const Options& options, Job job) {
  tls::ClientOptions client;
  client.ca_file = options.ca_file;
  client.cert_file = options.cert_file;
  client.key_file = options.key_file;
  const bool rest = job == Job::kLoad && is_rest(options.operation);
  client.alpn = {rest ? "http/1.1" : "h2"};
  return tls::Context::client(client);
}

// The threads of a round. Destruction ends what still runs.
class Crew {
 public:
  Crew(Round& round, const net::TcpDialerOptions& dialing) : threads_("load", round.workers) {
    for (size_t i = 0; i < round.workers; ++i) {
      dialers_.push_back(std::make_unique<net::TcpDialer>(threads_[i], dialing));
      workers_.push_back(std::make_unique<Worker>(threads_[i], *dialers_[i], round, i));
    }
  }

  ~Crew() {
    tell(&Worker::stop);
    const Clock::time_point begin = Clock::now();
    while (!all(&Worker::stopped) && seconds_since(begin) < kStopLimitS) {
      std::this_thread::sleep_for(kPollEvery);
    }
    threads_.join();
    workers_.clear();
    dialers_.clear();
  }

  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void tell(void (Worker::*what)()) {
    for (size_t i = 0; i < workers_.size(); ++i) {
      threads_[i].post([worker = workers_[i].get(), what] { (worker->*what)(); });
    }
  }

  bool all(bool (Worker::*what)() const) const {
    for (const auto& worker : workers_) {
      if (!(worker.get()->*what)()) return false;
    }
    return true;
  }

  Status fatal() const {
    for (const auto& worker : workers_) GATEHOUSE_RETURN_IF_ERROR(worker->fatal());
    return Status();
  }

  uint64_t progress() const {
    uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->progress();
    return sum;
  }

  Status prepare(Progress& progress) {
    tell(&Worker::connect);
    const Clock::time_point begin = Clock::now();
    while (!all(&Worker::prepared)) {
      GATEHOUSE_RETURN_IF_ERROR(fatal());
      if (seconds_since(begin) > kPrepareLimitS) {
        return unavailable("connections, watchers or leases were not there after 60 s");
      }
      progress.tick(seconds_since(begin), 0, 0);
      std::this_thread::sleep_for(kPollEvery);
    }
    return Status();
  }

  // After everything the workers were told is done.
  void settle() {
    for (size_t i = 0; i < workers_.size(); ++i) {
      std::atomic<bool> done{false};
      threads_[i].post([&done] {
        done.store(true, std::memory_order_release);
        done.notify_one();
      });
      done.wait(false, std::memory_order_acquire);
    }
  }

  std::vector<std::unique_ptr<Worker>>& workers() { return workers_; }

 private:
  loop::LoopThreads threads_;
  std::vector<std::unique_ptr<net::TcpDialer>> dialers_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

Status make_round(const Options& options, const TargetOptions& target, Round& round,
                  net::TcpDialerOptions& dialing) {
  const Result<net::Address> address = net::parse_address(target.endpoint);
  if (!address.ok()) return address.status();
  const bool unix_socket = address.value().kind == net::Address::Kind::kUnix;
  round.origin.authority = unix_socket ? "localhost" : address.value().to_string();
  round.workers = options.threads;
  if (address.value().tls()) {
    Result<std::shared_ptr<const tls::Context>> context = tls_context(options, round.job);
    if (!context.ok()) return context.status();
    dialing.tls = std::move(context).value();
    round.origin.scheme = "https";
  }
  return Status();
}

void wait_for_window(const Options& options, Crew& crew, Progress& progress) {
  const double seconds = static_cast<double>(options.duration_ms) / 1000;
  const Clock::time_point begin = Clock::now();
  for (;;) {
    const double passed = seconds_since(begin);
    const uint64_t done = crew.progress();
    if (options.requests > 0 ? done >= options.requests : passed >= seconds) return;
    progress.tick(passed, options.requests > 0 ? 0 : seconds, done);
    std::this_thread::sleep_for(kPollEvery);
  }
}

Status run_to_its_end(Job job, uint64_t lease, const Options& options, const TargetOptions& target,
                      Progress& progress) {
  Round round{options, target.endpoint, {}, job, 1, lease};
  net::TcpDialerOptions dialing;
  GATEHOUSE_RETURN_IF_ERROR(make_round(options, target, round, dialing));
  Crew crew(round, dialing);
  GATEHOUSE_RETURN_IF_ERROR(crew.prepare(progress));
  const Clock::time_point begin = Clock::now();
  crew.tell(&Worker::run);
  while (!crew.all(&Worker::exhausted)) {
    GATEHOUSE_RETURN_IF_ERROR(crew.fatal().with_context("writing keys"));
    progress.tick(seconds_since(begin), 0, crew.progress());
    std::this_thread::sleep_for(kPollEvery);
  }
  return Status();
}

}  // namespace

double Measurement::cpu_us_per_request() const {
  if (!server_cpu_us || tally.completed() == 0) return 0;
  return static_cast<double>(*server_cpu_us) / static_cast<double>(tally.completed());
}

double Measurement::own_cpu_us_per_request() const {
  if (tally.completed() == 0) return 0;
  return static_cast<double>(own_cpu_us) / static_cast<double>(tally.completed());
}

Result<Measurement> measure(const Options& options, const TargetOptions& target,
                            Progress& progress) {
  Round round{options, target.endpoint, {}, Job::kLoad};
  net::TcpDialerOptions dialing;
  GATEHOUSE_RETURN_IF_ERROR(make_round(options, target, round, dialing));
  Measurement out;
  Crew crew(round, dialing);
  GATEHOUSE_RETURN_IF_ERROR(crew.prepare(progress));
  crew.tell(&Worker::run);
  std::this_thread::sleep_for(std::chrono::milliseconds(options.warm_up_ms));

  const Result<uint64_t> cpu_before = process_cpu_us(target.pids);
  if (!cpu_before.ok()) return cpu_before.status();
  const uint64_t own_before = own_cpu_us();
  crew.tell(&Worker::begin_window);
  crew.settle();
  wait_for_window(options, crew, progress);
  crew.tell(&Worker::end_window);
  const Result<uint64_t> cpu_after = process_cpu_us(target.pids);
  if (!cpu_after.ok()) return cpu_after.status();
  out.own_cpu_us = own_cpu_us() - own_before;
  if (!target.pids.empty()) out.server_cpu_us = *cpu_after - *cpu_before;
  crew.settle();

  for (const auto& worker : crew.workers()) {
    const Window window = worker->take_window();
    out.tally.merge(window.tally);
    out.writes.merge(window.writes);
    out.seconds += static_cast<double>(window.length_us) / 1e6;
  }
  out.seconds /= static_cast<double>(crew.workers().size());
  return out;
}

Status fill(const Options& options, const TargetOptions& target, Progress& progress) {
  GATEHOUSE_RETURN_IF_ERROR(run_to_its_end(Job::kFill, 0, options, target, progress));
  // etcd 3.4 copies its buffer of uncommitted writes at each read, at the size the largest burst
  // gave it; a bucket leaves the buffer with a commit that did not write to it. So reads right
  // after a fill cost it ten times as much. What is to be measured is its better state: granting a
  // lease lets go of the keys, revoking it (a delete, which is not buffered) of the lease.
  const uint64_t lease = std::random_device{}() + uint64_t{1};
  std::this_thread::sleep_for(kCommitInterval);
  GATEHOUSE_RETURN_IF_ERROR(run_to_its_end(Job::kGrantLease, lease, options, target, progress));
  std::this_thread::sleep_for(kCommitInterval);
  GATEHOUSE_RETURN_IF_ERROR(run_to_its_end(Job::kRevokeLease, lease, options, target, progress));
  std::this_thread::sleep_for(kCommitInterval);
  return Status();
}

}  // namespace gatehouse::bench
