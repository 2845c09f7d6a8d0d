// One Server on several loops, called from several others, while a status is set from outside: what
// the thread sanitizer is to look at.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/httpio/server.h"
#include "common/loop/event_loop.h"
#include "common/loop/loop_threads.h"
#include "common/net/tcp_dialer.h"
#include "common/rpc/health.h"
#include "common/rpc/subchannel.h"
#include "common/rpc/typed.h"
#include "proto/health.pb.h"
#include "tests/common/rpc/rig.h"

namespace gatehouse::rpc {
namespace {

namespace pb = grpc::health::v1;

// Makes calls one after the other and watches a status until it is NOT_SERVING for good.
class Client final : private ClientHandler {
 public:
  Client(loop::EventLoop& loop, const std::string& address, int calls)
      : dialer_(loop, {}), subchannel_(loop, dialer_, entropy_, address), left_(calls) {
    watch_ = subchannel_.start("/grpc.health.v1.Health/Watch", {}, *this);
    watch_->send("");
    watch_->half_close();
    next();
  }
  int good = 0;
  std::promise<void> done;

 private:
  void next() {
    if (left_-- == 0) {
      calls_over_ = true;
      settle();
      return;
    }
    call_ = call_unary(subchannel_, "/grpc.health.v1.Health/Check", {}, "",
                       [this](const CallResult& result, std::string_view) {
                         good += result.status.ok();
                         next();
                       });
  }
  void on_message(std::string_view message) override {
    pb::HealthCheckResponse response;
    EXPECT_TRUE(parse_message(message, response).ok());
    saw_end_ = response.status() == pb::HealthCheckResponse::NOT_SERVING;
    watch_->want_message();
    settle();
  }
  void on_finish(const CallResult& result) override {
    ADD_FAILURE() << "the watch ended: " << result.status.to_string();
  }
  void settle() {
    if (calls_over_ && saw_end_ && !std::exchange(told_, true)) done.set_value();
  }

  net::TcpDialer dialer_;
  env::SeededEntropy entropy_{1};
  Subchannel subchannel_;
  int left_;
  bool calls_over_ = false;
  bool saw_end_ = false;
  bool told_ = false;
  std::unique_ptr<ClientCall> call_;
  std::unique_ptr<ClientCall> watch_;
};

template <typename Function>
void run_on(loop::EventLoop& loop, Function function) {
  std::promise<void> done;
  loop.post([&] {
    function();
    done.set_value();
  });
  done.get_future().wait();
}

TEST(Threads, OneServerOnManyLoops) {
  constexpr int kCalls = 300;
  Server server;
  HealthService health;
  health.add_to(server);

  loop::LoopThreads servers("server", 2);
  loop::LoopThreads clients("client", 3);
  std::unique_ptr<httpio::HttpServer> http;
  std::string address;
  run_on(servers[0], [&] {
    http = std::make_unique<httpio::HttpServer>(
        servers[0], servers.loops(),
        [&server](env::Executor& executor) {
          return std::make_unique<testing::GrpcRequests>(server, executor);
        },
        httpio::HttpServerOptions());
    address = http->listen(*net::parse_address("127.0.0.1:0"))->to_string();
  });

  std::vector<std::unique_ptr<Client>> running(clients.size());
  for (size_t i = 0; i < clients.size(); ++i) {
    run_on(clients[i],
           [&, i] { running[i] = std::make_unique<Client>(clients[i], address, kCalls); });
  }
  for (int i = 0; i < 200; ++i) {
    health.set("", i % 2 == 0 ? ServingStatus::kNotServing : ServingStatus::kServing);
    if (i % 10 == 0) std::this_thread::yield();
  }
  health.shut_down();
  for (size_t i = 0; i < clients.size(); ++i) {
    running[i]->done.get_future().wait();
    run_on(clients[i], [&, i] {
      EXPECT_EQ(running[i]->good, kCalls);
      running[i].reset();
    });
  }
  std::promise<void> drained;
  run_on(servers[0], [&] { http->drain(5'000, [&drained] { drained.set_value(); }); });
  drained.get_future().wait();
  run_on(servers[0], [&] { http.reset(); });
}

}  // namespace
}  // namespace gatehouse::rpc
