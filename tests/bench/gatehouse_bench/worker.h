// Worker: one thread's part of a round: its connections, their lanes, what they count.
//
//   kPreparing --run()--> kRunning --stop()--> kStopped
//
// Thread: its executor's, except where it says any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/env/executor.h"
#include "common/net/dialer.h"
#include "tests/bench/gatehouse_bench/client.h"
#include "tests/bench/gatehouse_bench/keepalive_lane.h"
#include "tests/bench/gatehouse_bench/options.h"
#include "tests/bench/gatehouse_bench/unary_lane.h"
#include "tests/bench/gatehouse_bench/watch_lane.h"

namespace gatehouse::bench {

enum class Job : uint8_t {
  kLoad,         // the operation of the options
  kFill,         // write each key once
  kGrantLease,   // one lease, round.lease
  kRevokeLease,  // and its end
};

// What the workers of a round share. Outlives them.
struct Round {
  const Options& options;
  std::string endpoint;
  Origin origin;
  Job job = Job::kLoad;
  size_t workers = 1;
  uint64_t lease = 0;
  std::atomic<uint64_t> filled{0};     // requests of a job that ends by itself, taken
  std::atomic<uint64_t> delivered{0};  // events of kWatch
};

// What a worker counted in its window.
struct Window {
  Tally tally;   // requests, or events of a watch run
  Tally writes;  // puts of a watch run
  uint64_t length_us = 0;
};

class Worker {
 public:
  // The index-th of round.workers. Executor, dialer and round must outlive it. Nothing happens
  // before connect().
  Worker(env::Executor& executor, net::Dialer& dialer, Round& round, size_t index);

  void connect();
  void run();
  void begin_window();
  void end_window();
  // Nothing new; what is under way has a second, then connections end; stopped() turns true. The
  // worker may then be destroyed.
  void stop();

  // Any thread.
  bool prepared() const { return prepared_.load(std::memory_order_acquire); }
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  // A job that ends by itself: all requests this worker took are answered and none is left.
  bool exhausted() const { return exhausted_.load(std::memory_order_acquire); }
  uint64_t progress() const { return recorder_.progress(); }
  // Why it cannot go on: a connection that could not be made, or a key that could not be written.
  Status fatal() const;

  // After end_window().
  Window take_window() { return std::move(window_); }

 private:
  // How often it looks at itself; more often where the writer may have been held back.
  static constexpr uint64_t kLookMs = 10;
  static constexpr uint64_t kLookAtWriterMs = 1;
  static constexpr uint64_t kLastAnswersMs = 1000;
  static constexpr uint64_t kLostEventsMs = 1000;  // events later than this will not come

  RequestPlan make_plan() const;
  void add_clients();
  void add_writer();
  std::unique_ptr<Lane> make_lane(Client& client, size_t number);
  size_t watchers_of(size_t stream) const;
  void close_when_idle();
  void look();
  void look_at_writer();
  void give_up(const Status& why);

  env::Executor& executor_;
  net::Dialer& dialer_;
  Round& round_;
  const size_t index_;
  Phase phase_ = Phase::kPreparing;
  Recorder recorder_;
  Recorder writes_;
  std::unique_ptr<KeySource> keys_;
  std::unique_ptr<PacedKeys> paced_keys_;
  std::unique_ptr<UnaryLoad> unary_;
  std::unique_ptr<KeepaliveLoad> keepalive_;
  std::unique_ptr<WatchLoad> watch_;
  std::unique_ptr<UnaryLoad> writer_;
  std::vector<std::unique_ptr<Client>> clients_;
  env::Timer look_timer_;

  Client* writer_client_ = nullptr;
  uint64_t delivered_before_ = 0;
  uint64_t delivered_at_ms_ = 0;  // when round_.delivered last moved

  uint64_t stopped_at_ms_ = 0;
  bool closing_ = false;
  uint64_t window_began_us_ = 0;
  Window window_;
  std::atomic<bool> prepared_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> exhausted_{false};
  mutable std::mutex mutex_;
  Status fatal_;  // under mutex_
};

}  // namespace gatehouse::bench
