// What the tests of the server side share: a worker on virtual time, and clients that speak to it
// through memory.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/env/sim_executor.h"
#include "common/http/http2.h"
#include "common/httpio/server_worker.h"
#include "common/net/memory_network.h"
#include "common/net/tls_stream.h"
#include "tests/common/http/recorder.h"
#include "tests/common/loop/support.h"

namespace gatehouse::httpio::testing {

using http::testing::Served;
using http::testing::TestCall;
using http::testing::TestServer;
using loop::NotingSink;

// The worker owns its handler; the test keeps the one that notes.
class Forward final : public http::RequestHandler {
 public:
  explicit Forward(http::RequestHandler& to) : to_(to) {}
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    return to_.on_request(stream);
  }

 private:
  http::RequestHandler& to_;
};

struct NotingObserver final : ServerObserver {
  // Workers call at the same time; tests look where there is one.
  std::mutex mutex;
  std::vector<Status> handshakes;
  std::vector<Status> failures;
  std::vector<Status> pauses;
  std::vector<Status> reloads;
  void on_handshake_failed(const env::PeerInfo&, const Status& why) override {
    const std::lock_guard lock(mutex);
    handshakes.push_back(why);
  }
  void on_connection_failed(const env::PeerInfo&, const Status& why) override {
    const std::lock_guard lock(mutex);
    failures.push_back(why);
  }
  void on_accept_paused(const Status& why) override { pauses.push_back(why); }
  void on_tls_reloaded(const Status& result) override { reloads.push_back(result); }
};

// Counts and bounds what goes through a stream.
class Meter final : public env::ByteStream {
 public:
  struct Numbers {
    int writes = 0;
    size_t most_unsent = 0;
  };
  Meter(std::unique_ptr<env::ByteStream> lower, Numbers& numbers)
      : lower_(std::move(lower)), numbers_(numbers) {}
  void start(Sink& sink) override { lower_->start(sink); }
  void write(std::string_view bytes) override {
    ++numbers_.writes;
    lower_->write(bytes);
    numbers_.most_unsent = std::max(numbers_.most_unsent, lower_->unsent());
  }
  size_t unsent() const override { return lower_->unsent(); }
  void pause_reading() override { lower_->pause_reading(); }
  void resume_reading() override { lower_->resume_reading(); }
  void finish_writing() override { lower_->finish_writing(); }
  const env::PeerInfo& peer() const override { return lower_->peer(); }

 private:
  std::unique_ptr<env::ByteStream> lower_;
  Numbers& numbers_;
};

// A client of bytes.
struct RawClient {
  std::unique_ptr<env::ByteStream> stream;
  NotingSink sink;
  explicit RawClient(std::unique_ptr<env::ByteStream> stream_in) : stream(std::move(stream_in)) {
    stream->start(sink);
  }
  bool closed() const { return sink.ended || sink.broken.has_value(); }
};

// A client of HTTP/2 on any stream.
class Http2Peer final : http::SessionHost, env::ByteStream::Sink, env::TurnEndHook {
 public:
  Http2Peer(env::Executor& executor, std::unique_ptr<env::ByteStream> stream)
      : executor_(executor), stream_(std::move(stream)), session_(http::make_http2_client(*this)) {
    stream_->start(*this);
    wake();
  }

  // The call must outlive its end.
  bool get(TestCall& call, const std::string& path,
           std::optional<std::string_view> body = std::nullopt) {
    return call.start(*session_, http::testing::request_head(body ? "POST" : "GET", path), body);
  }

  http::ClientSession& session() { return *session_; }
  env::ByteStream& stream() { return *stream_; }
  bool ended() const { return ended_; }
  const std::optional<Status>& broken() const { return broken_; }
  // As an honest client does once it may not open streams any more and none is left.
  void close() { stream_->finish_writing(); }

 private:
  void wake() override { executor_.at_turn_end(*this); }
  uint64_t now_ms() const override { return executor_.now_ms(); }
  void on_bytes(std::string_view bytes) override {
    session_->feed(bytes);
    wake();
  }
  void on_end() override {
    ended_ = true;
    session_->peer_finished();
  }
  void on_drained() override {}
  void on_broken(const Status& why) override {
    broken_ = why;
    session_->connection_lost(why);
  }
  void on_turn_end() override {
    std::string out;
    session_->take_output(out, SIZE_MAX);
    if (!out.empty() && !broken_) stream_->write(out);
  }

  env::Executor& executor_;
  std::unique_ptr<env::ByteStream> stream_;
  std::unique_ptr<http::Http2Client> session_;
  bool ended_ = false;
  std::optional<Status> broken_;
};

// A worker with its executor, handler and observer.
struct SimServer {
  env::SimExecutor sim;
  TestServer handler;
  NotingObserver observer;
  TrafficCounters counters;
  Meter::Numbers numbers;  // of all connections together
  std::unique_ptr<ServerWorker> worker;

  explicit SimServer(const ServerConnectionOptions& options = {}) {
    worker = std::make_unique<ServerWorker>(sim, std::make_unique<Forward>(handler), options,
                                            counters, &observer);
  }

  // The client's end of a new connection.
  std::unique_ptr<env::ByteStream> connect(const net::LinkOptions& link = {},
                                           std::shared_ptr<const tls::Context> tls = nullptr) {
    net::StreamPair pair = net::make_memory_pair(sim, sim, link);
    worker->adopt(std::make_unique<Meter>(std::move(pair.second), numbers), std::move(tls));
    return std::move(pair.first);
  }

  size_t open() const { return worker->connections(); }
};

}  // namespace gatehouse::httpio::testing
