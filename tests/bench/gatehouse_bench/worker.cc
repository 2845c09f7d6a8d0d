#include "tests/bench/gatehouse_bench/worker.h"

#include <utility>

namespace gatehouse::bench {

Worker::Worker(env::Executor& executor, net::Dialer& dialer, Round& round, size_t index)
    : executor_(executor),
      dialer_(dialer),
      round_(round),
      index_(index),
      look_timer_(executor, [this] { look(); }) {
  const Options& options = round_.options;
  const bool load = round_.job == Job::kLoad;
  if (!load ||
      (options.operation != Operation::kWatch && options.operation != Operation::kKeepalive)) {
    RequestPlan plan = make_plan();
    if (!load) {
      keys_ = std::make_unique<EachKeyOnce>(round_.filled, plan.numbers);
    } else {
      keys_ = std::make_unique<RandomKeys>(options.seed * 1000003 + index_, plan.numbers);
    }
    unary_ = std::make_unique<UnaryLoad>(UnaryLoad{executor_, phase_, std::move(plan), *keys_,
                                                   recorder_, load && is_rest(options.operation)});
  } else if (options.operation == Operation::kKeepalive) {
    keepalive_ = std::make_unique<KeepaliveLoad>(
        KeepaliveLoad{executor_, phase_, options, round_.origin, recorder_});
  } else {
    watch_ = std::make_unique<WatchLoad>(
        WatchLoad{executor_, phase_, options, round_.origin, recorder_, round_.delivered});
  }
  add_clients();
  if (watch_ && index_ == 0) add_writer();
}

RequestPlan Worker::make_plan() const {
  switch (round_.job) {
    case Job::kLoad:
      break;
    case Job::kFill:
      return plan_fill(round_.options, round_.origin);
    case Job::kGrantLease:
      return plan_lease_grant(round_.options, round_.origin, round_.lease);
    case Job::kRevokeLease:
      return plan_lease_revoke(round_.options, round_.origin, round_.lease);
  }
  return plan_requests(round_.options, round_.origin);
}

size_t Worker::watchers_of(size_t stream) const {
  const size_t streams = round_.options.connections * round_.options.streams;
  const size_t watchers = round_.options.watchers;
  return watchers / streams + (stream < watchers % streams ? 1 : 0);
}

std::unique_ptr<Lane> Worker::make_lane(Client& client, size_t number) {
  if (unary_) return std::make_unique<UnaryLane>(client, *unary_);
  if (keepalive_) return std::make_unique<KeepaliveLane>(client, *keepalive_);
  return std::make_unique<WatchLane>(client, *watch_, watchers_of(number));
}

void Worker::add_clients() {
  const Options& options = round_.options;
  httpio::ClientConnectionOptions connection;
  if (unary_ && unary_->rest) {
    connection.protocol = httpio::ClientConnectionOptions::Protocol::kHttp1;
  }
  // A fill wants no more than a server takes gladly, and REST runs are filled by gRPC.
  const size_t streams = round_.job == Job::kLoad ? options.streams : 1;
  for (size_t i = index_; i < options.connections; i += round_.workers) {
    auto client =
        std::make_unique<Client>(executor_, dialer_, round_.endpoint, connection, recorder_);
    for (size_t s = 0; s < streams; ++s) {
      const size_t number = i * options.streams + s;
      if (watch_ && watchers_of(number) == 0) continue;
      client->add(make_lane(*client, number));
    }
    clients_.push_back(std::move(client));
  }
}

void Worker::add_writer() {
  const Options& options = round_.options;
  keys_ = std::make_unique<RandomKeys>(options.seed * 1000003, options.keys.count);
  paced_keys_ = std::make_unique<PacedKeys>(*keys_, round_.delivered, options.watchers);
  writer_ = std::make_unique<UnaryLoad>(UnaryLoad{
      executor_, phase_, plan_stamped_put(options, round_.origin), *paced_keys_, writes_});
  auto client = std::make_unique<Client>(executor_, dialer_, round_.endpoint,
                                         httpio::ClientConnectionOptions(), writes_);
  writer_client_ = client.get();
  for (size_t i = 0; i < options.writers; ++i) {
    client->add(std::make_unique<UnaryLane>(*client, *writer_));
  }
  clients_.push_back(std::move(client));
}

void Worker::connect() {
  for (const auto& client : clients_) client->connect();
  look_timer_.arm(kLookMs);
}

void Worker::run() {
  phase_ = Phase::kRunning;
  for (const auto& client : clients_) client->nudge();
}

void Worker::begin_window() {
  recorder_.begin_window();
  writes_.begin_window();
  window_began_us_ = executor_.now_us();
}

void Worker::end_window() {
  window_ = {recorder_.end_window(), writes_.end_window(), executor_.now_us() - window_began_us_};
}

void Worker::stop() {
  phase_ = Phase::kStopped;
  stopped_at_ms_ = executor_.now_ms();
}

// Lets unary requests under way end; streams never would.
void Worker::close_when_idle() {
  const size_t under_way = (unary_ ? unary_->under_way : 0) + (writer_ ? writer_->under_way : 0);
  if (closing_ || (under_way > 0 && executor_.now_ms() - stopped_at_ms_ < kLastAnswersMs)) return;
  closing_ = true;
  for (const auto& client : clients_) client->close();
}

void Worker::give_up(const Status& why) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (fatal_.ok()) fatal_ = why;
}

Status Worker::fatal() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return fatal_;
}

void Worker::look() {
  if (phase_ == Phase::kStopped) close_when_idle();
  bool prepared = true;
  bool closed = true;
  for (const auto& client : clients_) {
    prepared = prepared && client->prepared();
    closed = closed && client->closed();
    if (!client->first_failure().ok()) give_up(client->first_failure());
  }
  if (prepared) prepared_.store(true, std::memory_order_release);
  if (phase_ == Phase::kStopped && closed) return stopped_.store(true, std::memory_order_release);
  if (round_.job != Job::kLoad) {
    if (!recorder_.first_failure().empty()) give_up(unavailable(recorder_.first_failure()));
    if (phase_ == Phase::kRunning && unary_->under_way == 0 &&
        round_.filled.load(std::memory_order_relaxed) >= unary_->plan.numbers) {
      exhausted_.store(true, std::memory_order_release);
    }
  }
  if (writer_client_ != nullptr && phase_ == Phase::kRunning) look_at_writer();
  look_timer_.arm(writer_client_ != nullptr ? kLookAtWriterMs : kLookMs);
}

void Worker::look_at_writer() {
  const uint64_t delivered = round_.delivered.load(std::memory_order_relaxed);
  const uint64_t now_ms = executor_.now_ms();
  if (delivered != delivered_before_ || delivered_at_ms_ == 0) {
    delivered_before_ = delivered;
    delivered_at_ms_ = now_ms;
  } else if (now_ms - delivered_at_ms_ > kLostEventsMs) {
    writes_.failure("events missing", "not every watcher got every event");
    paced_keys_->forgive();
    delivered_at_ms_ = now_ms;
  }
  writer_client_->nudge();
}

}  // namespace gatehouse::bench
