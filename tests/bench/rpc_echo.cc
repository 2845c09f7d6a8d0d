// The middle of the echo comparison: /bench.Echo/Echo on our rpc layer over HttpServer.
//
//   rpc_echo PORT [THREADS]
//   rpc_echo --listen ADDRESS [--threads N]
//
// Echoes the message of each unary call. Serves on one loop for each thread until it is killed.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "common/httpio/server.h"
#include "common/loop/event_loop.h"
#include "common/loop/loop_threads.h"
#include "common/net/address.h"
#include "common/rpc/server.h"

namespace {

using namespace gatehouse;

class EchoHandler final : public rpc::ServerHandler {
 public:
  explicit EchoHandler(rpc::ServerCall& call) : call_(call) {}
  void on_message(std::string_view message) override { call_.send(message); }
  void on_half_close() override { call_.finish(Status()); }
  void on_cancel(const Status&) override {}

 private:
  rpc::ServerCall& call_;
};

class Requests final : public http::RequestHandler {
 public:
  Requests(const rpc::Server& server, env::Executor& executor)
      : server_(server), executor_(executor) {}
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    return server_.start(stream, executor_);
  }

 private:
  const rpc::Server& server_;
  env::Executor& executor_;
};

struct Options {
  std::string listen = "127.0.0.1:50051";
  size_t threads = 1;
};

bool parse(int argc, char** argv, Options& options) {
  int position = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if ((argument == "--listen" || argument == "--threads") && i + 1 < argc) {
      const char* value = argv[++i];
      if (argument == "--listen") options.listen = value;
      if (argument == "--threads") options.threads = std::strtoul(value, nullptr, 10);
    } else if (argument.starts_with("--") || position == 2) {
      return false;
    } else if (++position == 1) {
      options.listen = "127.0.0.1:" + std::string(argument);
    } else {
      options.threads = std::strtoul(argv[i], nullptr, 10);
    }
  }
  return options.threads > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr, "usage: rpc_echo PORT [THREADS] | --listen ADDRESS [--threads N]\n");
    return 2;
  }
  rpc::Server server;
  server.add({"bench.Echo", "Echo", rpc::MethodKind::kUnary},
             [](rpc::ServerCall& call) { return std::make_unique<EchoHandler>(call); });

  loop::EventLoop loop;
  loop::LoopThreads threads("echo", options.threads);
  httpio::HttpServer http(
      loop, threads.loops(),
      [&server](env::Executor& executor) { return std::make_unique<Requests>(server, executor); },
      {});
  const Result<net::Address> address = net::parse_address(options.listen);
  if (!address.ok()) {
    std::fprintf(stderr, "rpc_echo: %s\n", address.status().message().c_str());
    std::exit(2);
  }
  loop.post([&] {
    const Result<net::Address> bound = http.listen(*address);
    if (!bound.ok()) {
      std::fprintf(stderr, "rpc_echo: %s\n", bound.status().message().c_str());
      std::exit(1);
    }
    std::printf("rpc_echo listens on %s\n", bound->to_string().c_str());
    std::fflush(stdout);
  });
  loop.run();
}
