// Not a test: serves an echo on the HTTP server, to measure what the room costs beside bare libuv
// and nghttp2 (tests/bench/echo_bare).
//
//   http_echo PORT [THREADS [CERT KEY]]
//   h2load -D5 -c16 -m16 -d body http://127.0.0.1:PORT/bench.Echo/Echo
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/httpio/server.h"
#include "common/loop/loop_threads.h"
#include "common/loop/signals.h"

namespace gatehouse::httpio {
namespace {

class Echo final : public http::RequestHandler {
 public:
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    struct Handler final : http::StreamHandler {
      http::ServerStream& stream;
      std::string body;
      explicit Handler(http::ServerStream& stream_in) : stream(stream_in) {}
      void on_body(std::string_view bytes) override {
        body.append(bytes);
        stream.consumed(bytes.size());
      }
      void on_end(const http::Headers&) override {
        static const http::Headers head{{"content-type", "application/grpc"}};
        static const http::Headers trailers{{"grpc-status", "0"}};
        stream.send_head(200, head);
        stream.send_body(body);
        stream.send_end(trailers);
      }
      void on_abort(const http::Abort&) override {}
    };
    return std::make_unique<Handler>(stream);
  }
};

int run(const std::string& port, size_t thread_count, const tls::ServerOptions& tls_options) {
  std::unique_ptr<tls::ReloadingContext> tls;
  if (!tls_options.cert_file.empty()) {
    auto loaded = tls::ReloadingContext::server(tls_options);
    if (!loaded.ok()) {
      std::fprintf(stderr, "%s\n", loaded.status().to_string().c_str());
      return 1;
    }
    tls = *std::move(loaded);
  }
  loop::EventLoop main;
  loop::LoopThreads threads("worker", thread_count);
  HttpServer server(main, threads.loops(), [](env::Executor&) { return std::make_unique<Echo>(); },
                    {});
  const auto address = net::parse_address("127.0.0.1:" + port);
  if (!address.ok()) {
    std::fprintf(stderr, "%s\n", address.status().to_string().c_str());
    return 1;
  }
  const auto bound = server.listen(*address, tls.get());
  if (!bound.ok()) {
    std::fprintf(stderr, "%s\n", bound.status().to_string().c_str());
  } else {
    std::printf("%s\n", bound->to_string().c_str());
    std::fflush(stdout);
  }
  loop::SignalWatcher signals(main, {SIGTERM, SIGINT}, [&](int) { main.stop(); });
  if (bound.ok()) main.run();
  server.drain(100, [&] { main.stop(); });
  main.run();
  return bound.ok() ? 0 : 1;
}

}  // namespace
}  // namespace gatehouse::httpio

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: http_echo PORT [THREADS [CERT KEY]]\n");
    return 2;
  }
  gatehouse::tls::ServerOptions tls;
  if (argc > 4) {
    tls.cert_file = argv[3];
    tls.key_file = argv[4];
  }
  return gatehouse::httpio::run(argv[1], argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1, tls);
}
