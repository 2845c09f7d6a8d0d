#include "common/httpio/server_worker.h"

#include <utility>

#include "common/base/check.h"

namespace gatehouse::httpio {

void Traffic::add(const TrafficCounters& counters) {
  connections_opened += counters.connections_opened.load(std::memory_order_relaxed);
  connections_closed += counters.connections_closed.load(std::memory_order_relaxed);
  handshakes_failed += counters.handshakes_failed.load(std::memory_order_relaxed);
  bytes_received += counters.bytes_received.load(std::memory_order_relaxed);
  bytes_sent += counters.bytes_sent.load(std::memory_order_relaxed);
  requests += counters.requests.load(std::memory_order_relaxed);
}

ServerWorker::ServerWorker(env::Executor& executor, std::unique_ptr<http::RequestHandler> handler,
                           const ServerConnectionOptions& options, TrafficCounters& counters,
                           ServerObserver* observer)
    : executor_(executor),
      handler_(std::move(handler)),
      options_(options),
      counters_(counters),
      observer_(observer),
      drained_timer_(executor, [this] {
        UniqueFunction<void()> drained = std::move(drained_);
        if (drained) drained();
      }) {}

ServerWorker::~ServerWorker() {
  TrafficCounters::add(counters_.connections_closed, connections_.size());
}

void ServerWorker::adopt(std::unique_ptr<env::ByteStream> stream,
                         std::shared_ptr<const tls::Context> tls) {
  TrafficCounters::add(counters_.connections_opened, 1);
  if (draining_) {
    TrafficCounters::add(counters_.connections_closed, 1);
    executor_.destroy_later(std::move(stream));
    return;
  }
  connections_.push_back(
      std::make_unique<ServerConnection>(*this, std::move(stream), std::move(tls)));
  connections_.back()->slot_ = connections_.size() - 1;
  connections_.back()->start();
}

void ServerWorker::drain(UniqueFunction<void()> done) {
  CHECK_MSG(!std::exchange(draining_, true), "a worker drained twice");
  drained_ = std::move(done);
  // Backwards: a connection that goes is replaced in the list by the last one.
  for (size_t i = connections_.size(); i-- > 0;) connections_[i]->drain();
  tell_if_empty();
}

void ServerWorker::close_all(const Status& why) {
  for (size_t i = connections_.size(); i-- > 0;) connections_[i]->close(why);
}

void ServerWorker::remove(ServerConnection& connection) {
  const size_t slot = connection.slot_;
  std::unique_ptr<ServerConnection> removed = std::move(connections_[slot]);
  if (slot + 1 != connections_.size()) {
    connections_[slot] = std::move(connections_.back());
    connections_[slot]->slot_ = slot;
  }
  connections_.pop_back();
  executor_.destroy_later(std::move(removed));
  TrafficCounters::add(counters_.connections_closed, 1);
  tell_if_empty();
}

void ServerWorker::tell_if_empty() {
  // In the next turn: the last connection refers to this worker until the end of this one.
  if (draining_ && connections_.empty() && drained_) drained_timer_.arm(0);
}

}  // namespace gatehouse::httpio
