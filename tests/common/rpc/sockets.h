// Our server on a loop of its own thread, for clients in the test's threads.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "common/base/check.h"
#include "common/httpio/server.h"
#include "common/loop/event_loop.h"
#include "common/rpc/server.h"
#include "tests/common/rpc/echo_service.h"
#include "tests/common/rpc/rig.h"

namespace gatehouse::rpc::testing {

class SocketServer {
 public:
  explicit SocketServer(httpio::HttpServerOptions options = {}, ServerLimits limits = {})
      : server(limits) {
    add_echo_service(server, state);
    thread_ = std::thread([this] { loop_.run(); });
    options_ = std::move(options);
  }

  // Once all services are added.
  void listen(const std::string& address = "127.0.0.1:0") {
    run([&] {
      http_ = std::make_unique<httpio::HttpServer>(
          loop_, std::vector<loop::EventLoop*>{&loop_},
          [this](env::Executor& executor) {
            return std::make_unique<GrpcRequests>(server, executor);
          },
          options_);
      const Result<net::Address> bound = http_->listen(*net::parse_address(address));
      CHECK_MSG(bound.ok(), bound.status().message());
      address_ = bound->to_string();
    });
  }

  ~SocketServer() {
    if (http_ != nullptr) drain(0);
    run([this] { http_.reset(); });
    loop_.stop();
    thread_.join();
  }

  // On the server's thread; returns when it was done.
  template <typename Function>
  void run(Function function) {
    std::promise<void> done;
    loop_.post([&] {
      function();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Waits for the last connection.
  void drain(uint64_t deadline_ms) {
    begin_drain(deadline_ms);
    drained_.wait();
  }
  void begin_drain(uint64_t deadline_ms) {
    run([&] {
      if (std::exchange(draining_, true)) {
        http_->drain(deadline_ms, [] {});
      } else {
        http_->drain(deadline_ms, [this] { drained_promise_.set_value(); });
      }
    });
  }

  const std::string& address() const { return address_; }

  EchoState state;  // only in run()
  Server server;

 private:
  httpio::HttpServerOptions options_;
  bool draining_ = false;
  std::promise<void> drained_promise_;
  std::shared_future<void> drained_ = drained_promise_.get_future().share();
  loop::EventLoop loop_;
  std::unique_ptr<httpio::HttpServer> http_;
  std::string address_;
  std::thread thread_;
};

}  // namespace gatehouse::rpc::testing
