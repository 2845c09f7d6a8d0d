// Servers and clients in one process, on virtual time, over a network in memory.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/env/entropy.h"
#include "common/env/sim_executor.h"
#include "common/httpio/server_worker.h"
#include "common/net/memory_network.h"
#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "common/rpc/subchannel.h"
#include "tests/common/rpc/echo_service.h"

namespace gatehouse::rpc::testing {

// Hands every request to a Server.
class GrpcRequests final : public http::RequestHandler {
 public:
  GrpcRequests(const Server& server, env::Executor& executor)
      : server_(server), executor_(executor) {}
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    return server_.start(stream, executor_);
  }

 private:
  const Server& server_;
  env::Executor& executor_;
};

// A server at one address.
class Host {
 public:
  Host(env::Executor& executor, net::MemoryNetwork& network, std::string address,
       httpio::ServerConnectionOptions options = {}, ServerLimits limits = {})
      : server(limits),
        worker(std::make_unique<httpio::ServerWorker>(
            executor, std::make_unique<GrpcRequests>(server, executor), options, counters,
            nullptr)),
        network_(network),
        address_(std::move(address)),
        executor_(executor) {
    add_echo_service(server, state);
    listen();
  }
  ~Host() { network_.close(address_); }

  void listen() {
    network_.listen(address_, executor_, [this](std::unique_ptr<env::ByteStream> stream) {
      ++connections;
      worker->adopt(std::move(stream));
    });
  }
  void stop_listening() { network_.close(address_); }

  EchoState state;
  Server server;
  httpio::TrafficCounters counters;
  std::unique_ptr<httpio::ServerWorker> worker;
  int connections = 0;

 private:
  net::MemoryNetwork& network_;
  const std::string address_;
  env::Executor& executor_;
};

// What a client's handler is told.
class Recorder final : public ClientHandler {
 public:
  void on_initial_metadata(const Metadata& metadata) override { initial = metadata; }
  void on_message(std::string_view message) override {
    messages.emplace_back(message);
    bytes += message.size();
    if (reading && call != nullptr) call->want_message();
  }
  void on_can_send() override { ++can_send; }
  void on_finish(const CallResult& with) override {
    ++finishes;
    result = with;
  }

  bool finished() const { return result.has_value(); }
  StatusCode code() const { return result ? result->status.code() : StatusCode::kUnknown; }
  std::string status() const { return result ? result->status.to_string() : "(not finished)"; }

  bool reading = true;  // wants each next message
  std::unique_ptr<ClientCall> call;
  std::optional<Metadata> initial;
  std::vector<std::string> messages;
  size_t bytes = 0;
  int can_send = 0;
  int finishes = 0;
  std::optional<CallResult> result;
};

struct Rig {
  explicit Rig(uint64_t seed = 1) : network(seed), entropy(seed) {
    dialer = network.dialer("client", sim);
  }

  Host& host(const std::string& address, httpio::ServerConnectionOptions options = {},
             ServerLimits limits = {}) {
    return *(hosts[address] =
                 std::make_unique<Host>(sim, network, address, std::move(options), limits));
  }

  std::unique_ptr<Subchannel> subchannel(const std::string& address, SubchannelOptions options = {},
                                         Subchannel::Listener* listener = nullptr) {
    return std::make_unique<Subchannel>(sim, *dialer, entropy, address, std::move(options),
                                        listener);
  }

  void begin(CallTarget& target, Recorder& recorder, std::string_view path,
             const CallOptions& options = {}) {
    recorder.call = target.start(path, options, recorder);
  }

  // A call of one message, run until nothing more happens.
  void unary(CallTarget& target, Recorder& recorder, std::string_view message,
             const CallOptions& options = {}) {
    begin(target, recorder, "/test.Echo/Unary", options);
    recorder.call->send(message);
    recorder.call->half_close();
    sim.run_until_idle();
  }

  env::SimExecutor sim;
  net::MemoryNetwork network;
  env::SeededEntropy entropy;
  std::unique_ptr<net::Dialer> dialer;
  std::map<std::string, std::unique_ptr<Host>> hosts;
};

}  // namespace gatehouse::rpc::testing
