// Not a test: prints what a unary echo of 300 bytes costs, from our client to our server in one
// process, and what of that is the server's rpc layer. Build it in the release preset.
//
//   call_bench [SECONDS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/rpc/local_target.h"
#include "tests/common/rpc/fake_stream.h"
#include "tests/common/rpc/rig.h"

namespace gatehouse::rpc {
namespace {

constexpr size_t kMessageBytes = 300;

class Echo final : public ServerHandler {
 public:
  explicit Echo(ServerCall& call) : call_(call) {}
  void on_message(std::string_view message) override { call_.send(message); }
  void on_half_close() override { call_.finish(Status()); }
  void on_cancel(const Status&) override {}

 private:
  ServerCall& call_;
};

void add_echo(Server& server) {
  server.add({"bench.Echo", "Echo", MethodKind::kUnary},
             [](ServerCall& call) { return std::make_unique<Echo>(call); });
}

// Runs batches for that long and prints what one call of them took: in the best of many slices, for
// the machine is never ours alone, and in the mean.
void measure(const char* what, double seconds, size_t calls_in_batch,
             const std::function<void()>& batch) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kSlice = 50;
  for (size_t i = 0; i < kSlice; ++i) batch();
  double best = 1e9;
  double total = 0;
  size_t slices = 0;
  while (total < seconds) {
    const auto start = Clock::now();
    for (size_t i = 0; i < kSlice; ++i) batch();
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, took);
    total += took;
    ++slices;
  }
  const double calls = static_cast<double>(kSlice * calls_in_batch);
  std::printf("%-52s %7.0f ns/call (mean %.0f)\n", what, best * 1e9 / calls,
              total * 1e9 / calls / static_cast<double>(slices));
}

// A stream that drops what it is given.
class NullStream final : public http::ServerStream {
 public:
  const http::RequestHead& request() const override { return head; }
  const env::PeerInfo& peer() const override { return from; }
  int http_major() const override { return 2; }
  void send_head(int, const http::Headers&) override {}
  void send_body(std::string_view bytes) override { sent += bytes.size(); }
  void send_end(const http::Headers&) override {}
  size_t unsent() const override { return 0; }
  void consumed(size_t) override {}
  void abort(http::ErrorCode) override {}
  http::RequestHead head;
  env::PeerInfo from;
  size_t sent = 0;
};

void measure_server(double seconds) {
  env::SimExecutor sim;
  Server server;
  add_echo(server);
  NullStream stream;
  stream.head.method = "POST";
  stream.head.path = "/bench.Echo/Echo";
  stream.head.headers = {{"content-type", "application/grpc"},
                         {"te", "trailers"},
                         {"user-agent", "grpc-go/1.71.1"},
                         {"grpc-accept-encoding", "gzip"}};
  std::string body;
  append_message(body, std::string(kMessageBytes, 'x'));
  measure("server's rpc layer alone, 16 calls a turn", seconds, 16, [&] {
    for (int i = 0; i < 16; ++i) {
      const std::unique_ptr<http::StreamHandler> handler = server.start(stream, sim);
      handler->on_body(body);
      handler->on_end({});
    }
    sim.run_until_idle();
  });
}

void measure_local(double seconds, size_t at_once, const char* what) {
  env::SimExecutor sim;
  Server server;
  add_echo(server);
  LocalTarget target(server, sim);
  const std::string message(kMessageBytes, 'x');
  std::vector<std::unique_ptr<ClientCall>> calls(at_once);
  size_t good = 0;
  measure(what, seconds, at_once, [&] {
    for (auto& call : calls) {
      call = call_unary(target, "/bench.Echo/Echo", {}, message,
                        [&good](const CallResult& result, std::string_view response) {
                          good += result.status.ok() && response.size() == kMessageBytes;
                        });
    }
    sim.run_until_idle();
  });
}

void measure_calls(double seconds, size_t at_once, const char* what) {
  testing::Rig rig;
  testing::Host& host = rig.host("server:1");
  add_echo(host.server);
  auto subchannel = rig.subchannel("server:1");
  subchannel->connect_now();
  rig.sim.run_until_idle();
  const std::string message(kMessageBytes, 'x');
  std::vector<std::unique_ptr<ClientCall>> calls(at_once);
  size_t good = 0;
  size_t begun = 0;
  measure(what, seconds, at_once, [&] {
    for (auto& call : calls) {
      ++begun;
      call = call_unary(*subchannel, "/bench.Echo/Echo", {}, message,
                        [&good](const CallResult& result, std::string_view response) {
                          good += result.status.ok() && response.size() == kMessageBytes;
                        });
    }
    rig.sim.run_until_idle();
  });
  if (good != begun) std::printf("only %zu of %zu calls were answered\n", good, begun);
}

}  // namespace
}  // namespace gatehouse::rpc

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1.0;
  gatehouse::rpc::measure_server(seconds);
  gatehouse::rpc::measure_local(seconds, 1, "within the process, one call a turn");
  gatehouse::rpc::measure_local(seconds, 16, "within the process, 16 calls a turn");
  gatehouse::rpc::measure_calls(seconds, 1, "client to server and back, one call a turn");
  gatehouse::rpc::measure_calls(seconds, 16, "client to server and back, 16 calls a turn");
}
