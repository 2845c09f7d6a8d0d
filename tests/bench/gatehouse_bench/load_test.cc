// The load against a server in memory, in virtual time: what is counted is what happened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "common/env/sim_executor.h"
#include "common/net/memory_network.h"
#include "tests/bench/gatehouse_bench/fake_etcd.h"
#include "tests/bench/gatehouse_bench/worker.h"

namespace gatehouse::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr uint64_t kOneWayMs = 5;
constexpr uint64_t kRoundTripMs = 2 * kOneWayMs;
constexpr char kAddress[] = "etcd:2379";

class LoadTest : public testing::Test {
 protected:
  LoadTest() {
    network_.set_link({.delay_ms = kOneWayMs});
    options_.connections = 2;
    options_.streams = 3;
  }

  ~LoadTest() override {
    if (!worker_) return;
    worker_->stop();
    executor_.advance(100);
    EXPECT_TRUE(worker_->stopped());
  }

  Worker& start(Operation operation, Job job = Job::kLoad) {
    options_.operation = operation;
    round_ = std::make_unique<Round>(options_, kAddress, Origin{"http", kAddress}, job);
    worker_ = std::make_unique<Worker>(executor_, *dialer_, *round_, 0);
    worker_->connect();
    executor_.advance(500);
    return *worker_;
  }

  // What is counted in a second of load.
  Window measure(Worker& worker) {
    EXPECT_TRUE(worker.prepared()) << worker.fatal().to_string();
    worker.run();
    executor_.advance(100);
    worker.begin_window();
    executor_.advance(1000);
    worker.end_window();
    return worker.take_window();
  }

  env::SimExecutor executor_;
  net::MemoryNetwork network_{1};
  FakeEtcd etcd_{executor_, network_, kAddress};
  std::unique_ptr<net::Dialer> dialer_ = network_.dialer("bench", executor_);
  Options options_;
  std::unique_ptr<Round> round_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(LoadTest, EachStreamKeepsOneRequestUnderWay) {
  const Window window = measure(start(Operation::kGet));
  EXPECT_EQ(window.length_us, 1'000'000u);
  // 6 streams, a round trip of 10 ms, a second.
  EXPECT_EQ(window.tally.completed(), 6 * 1000 / kRoundTripMs);
  EXPECT_EQ(window.tally.latency.percentile(0), kRoundTripMs * 1000);
  EXPECT_EQ(window.tally.latency.max(), kRoundTripMs * 1000);
  EXPECT_EQ(window.tally.answer_bytes, window.tally.completed() * 305);
  EXPECT_EQ(window.tally.failed, 0u);
}

TEST_F(LoadTest, NothingIsSentBeforeItRuns) {
  start(Operation::kPut);
  EXPECT_EQ(etcd_.unary_calls, 0u);
  EXPECT_TRUE(worker_->prepared());
}

TEST_F(LoadTest, ErrorsCountByCode) {
  etcd_.grpc_status = 14;
  etcd_.grpc_message = "etcdserver: leader changed";
  const Window window = measure(start(Operation::kPut));
  EXPECT_EQ(window.tally.completed(), 0u);
  EXPECT_EQ(window.tally.failed, 600u);
  ASSERT_EQ(window.tally.errors.count("Unavailable"), 1u);
  EXPECT_EQ(window.tally.errors.at("Unavailable").first_message, "etcdserver: leader changed");
}

TEST_F(LoadTest, HttpErrorsCountByStatus) {
  etcd_.http_status = 503;
  const Window window = measure(start(Operation::kPut));
  EXPECT_EQ(window.tally.failed, 600u);
  ASSERT_EQ(window.tally.errors.count("HTTP 503"), 1u);
  EXPECT_EQ(window.tally.errors.at("HTTP 503").first_message, "no");
}

TEST_F(LoadTest, AnAnswerWithoutTheValueIsAnError) {
  etcd_.answer_bytes = 20;
  const Window window = measure(start(Operation::kGet));
  EXPECT_EQ(window.tally.completed(), 0u);
  ASSERT_EQ(window.tally.errors.count("short answer"), 1u);
  EXPECT_THAT(window.tally.errors.at("short answer").first_message,
              HasSubstr("25 bytes instead of 261 or more"));
}

TEST_F(LoadTest, ALostConnectionIsMadeAgain) {
  Worker& worker = start(Operation::kPut);
  worker.run();
  executor_.advance(100);
  worker.begin_window();
  network_.reset_all(kAddress);
  executor_.advance(1000);
  worker.end_window();
  const Window window = worker.take_window();
  // Each of the six requests under way and both connections; then 100 ms until the next attempt.
  EXPECT_EQ(window.tally.failed, 8u);
  EXPECT_EQ(window.tally.errors.at("aborted").count, 6u);
  EXPECT_EQ(window.tally.errors.at("connection lost").count, 2u);
  EXPECT_GT(window.tally.completed(), 6 * 80u);
  EXPECT_LT(window.tally.completed(), 6 * 91u);
}

TEST_F(LoadTest, ARefusedConnectionEndsTheRound) {
  network_.close(kAddress);
  Worker& worker = start(Operation::kGet);
  EXPECT_FALSE(worker.prepared());
  EXPECT_EQ(worker.fatal().code(), StatusCode::kUnavailable);
  EXPECT_THAT(worker.fatal().message(), HasSubstr("connection refused"));
}

TEST_F(LoadTest, FillWritesEachKeyAndEnds) {
  options_.keys.count = 1234;
  Worker& worker = start(Operation::kGet, Job::kFill);
  worker.run();
  EXPECT_FALSE(worker.exhausted());
  executor_.advance(1000);
  EXPECT_TRUE(worker.exhausted());
  EXPECT_TRUE(worker.fatal().ok()) << worker.fatal().to_string();
  EXPECT_EQ(etcd_.puts.size(), 1234u);
  EXPECT_EQ(etcd_.unary_calls, 13u);
}

TEST_F(LoadTest, FillThatFailsSaysWhy) {
  etcd_.grpc_status = 8;
  etcd_.grpc_message = "etcdserver: mvcc: database space exceeded";
  Worker& worker = start(Operation::kGet, Job::kFill);
  worker.run();
  executor_.advance(1000);
  EXPECT_THAT(worker.fatal().message(), HasSubstr("database space exceeded"));
}

TEST_F(LoadTest, PutsSpreadOverAllKeys) {
  options_.keys.count = 50;
  measure(start(Operation::kPut));
  EXPECT_EQ(etcd_.puts.size(), 50u);
}

TEST_F(LoadTest, KeepalivesOverOneStreamEach) {
  Worker& worker = start(Operation::kKeepalive);
  EXPECT_EQ(etcd_.unary_calls, 6u);  // the grants
  const Window window = measure(worker);
  EXPECT_EQ(window.tally.completed(), 600u);
  EXPECT_EQ(window.tally.latency.max(), kRoundTripMs * 1000);
  EXPECT_EQ(window.tally.failed, 0u);
  EXPECT_GE(etcd_.keepalives, 600u);
  EXPECT_EQ(etcd_.unary_calls, 6u);
}

TEST_F(LoadTest, AnExpiredLeaseIsAnError) {
  Worker& worker = start(Operation::kKeepalive);
  etcd_.leases_expire = true;
  const Window window = measure(worker);
  EXPECT_EQ(window.tally.completed(), 0u);
  EXPECT_EQ(window.tally.errors.at("lease expired").count, 600u);
}

TEST_F(LoadTest, EachWatcherGetsEachPut) {
  options_.watchers = 20;  // over six streams: 4, 4, 3, 3, 3, 3
  Worker& worker = start(Operation::kWatch);
  EXPECT_EQ(etcd_.watchers(), 20u);
  const Window window = measure(worker);
  EXPECT_EQ(window.writes.completed(), 1000 / kRoundTripMs);
  EXPECT_EQ(window.tally.completed(), 20 * 1000 / kRoundTripMs);
  // From the writer to the server and on to the watcher.
  EXPECT_EQ(window.tally.latency.max(), kRoundTripMs * 1000);
  EXPECT_EQ(window.tally.failed + window.writes.failed, 0u);
}

TEST_F(LoadTest, FewerWatchersThanStreams) {
  options_.watchers = 1;
  EXPECT_EQ(measure(start(Operation::kWatch)).tally.completed(), 1000 / kRoundTripMs);
  EXPECT_EQ(etcd_.watchers(), 1u);
}

TEST_F(LoadTest, LostEventsAreToldAndDoNotStopTheWriter) {
  options_.watchers = 2;
  Worker& worker = start(Operation::kWatch);
  worker.run();
  worker.begin_window();
  executor_.advance(100);
  etcd_.cancel_watches("compacted");
  // The writer sends 64 puts nobody hears of, then waits a second before it goes on.
  executor_.advance(3000);
  worker.end_window();
  const Window window = worker.take_window();
  EXPECT_EQ(window.tally.errors.at("watch canceled").count, 2u);
  EXPECT_EQ(window.tally.errors.at("watch canceled").first_message, "compacted");
  EXPECT_GE(window.writes.errors.at("events missing").count, 1u);
  EXPECT_GT(window.writes.completed(), PacedKeys::kWindow + 20);
}

TEST_F(LoadTest, MoreStreamsThanTheServerAllowsAtFirst) {
  options_.connections = 1;
  options_.streams = 300;  // a client may open 100 until the server's SETTINGS have come
  const Window window = measure(start(Operation::kGet));
  EXPECT_EQ(window.tally.completed(), 300 * 1000 / kRoundTripMs);
}

}  // namespace
}  // namespace gatehouse::bench
