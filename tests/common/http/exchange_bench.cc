// What one small gRPC-like exchange costs in this room: HTTP/2 client and server sessions in
// memory, 300 bytes echoed, head + message + trailers. Prints nanoseconds of both sides together
// and, by replaying a recorded client, of the server alone.
//
//   exchange_bench [exchanges] [streams at once]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "common/http/http1.h"
#include "common/http/http2.h"
#include "tests/common/http/wire.h"

namespace gatehouse::http::testing {
namespace {

const Headers kResponseHead{{"content-type", "application/grpc"}};
const Headers kResponseTrailers{{"grpc-status", "0"}, {"grpc-message", ""}};

class EchoHandler : public StreamHandler {
 public:
  explicit EchoHandler(ServerStream& stream) : stream_(stream) {}
  void on_body(std::string_view bytes) override {
    message_.append(bytes);
    stream_.consumed(bytes.size());
  }
  void on_end(const Headers&) override {
    stream_.send_head(200, kResponseHead);
    stream_.send_body(message_);
    stream_.send_end(kResponseTrailers);
  }
  void on_abort(const Abort&) override {}

 private:
  ServerStream& stream_;
  std::string message_;
};

class EchoServer : public RequestHandler {
 public:
  std::unique_ptr<StreamHandler> on_request(ServerStream& stream) override {
    return std::make_unique<EchoHandler>(stream);
  }
};

class CountingHandler final : public ClientStreamHandler {
 public:
  void on_head(int, const Headers&) override {}
  void on_body(std::string_view bytes) override {
    received += bytes.size();
    stream->consumed(bytes.size());
  }
  void on_end(const Headers&) override { ++ended; }
  void on_abort(const Abort& abort) override {
    std::fprintf(stderr, "aborted: %s\n", abort.status.to_string().c_str());
    std::exit(1);
  }

  ClientStream* stream = nullptr;
  size_t received = 0;
  size_t ended = 0;
};

RequestHead range_request() {
  RequestHead head;
  head.method = "POST";
  head.path = "/etcdserverpb.KV/Range";
  head.scheme = "http";
  head.authority = "127.0.0.1:2379";
  head.headers = {
      {"content-type", "application/grpc"}, {"user-agent", "grpc-go/1.71.1"}, {"te", "trailers"}};
  return head;
}

double ns_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

void measure(const char* name, Session& server, ClientSession& client, size_t exchanges,
             size_t at_once) {
  const RequestHead head = range_request();
  const std::string message(300, 'm');
  std::vector<CountingHandler> handlers(at_once);
  std::string wire;
  double server_ns = 0;
  const auto start = std::chrono::steady_clock::now();
  for (size_t done = 0; done < exchanges; done += at_once) {
    for (CountingHandler& handler : handlers) {
      handler.stream = client.open(head, false, handler);
      handler.stream->send_body(message);
      handler.stream->send_end();
    }
    wire.clear();
    client.take_output(wire, SIZE_MAX);
    const auto server_start = std::chrono::steady_clock::now();
    server.feed(wire);
    wire.clear();
    server.take_output(wire, SIZE_MAX);
    server_ns += ns_since(server_start);
    client.feed(wire);
  }
  const double total = ns_since(start);
  for (const CountingHandler& handler : handlers) {
    if (handler.ended != exchanges / at_once || handler.received != handler.ended * 300) {
      std::fprintf(stderr, "%s: wrong answers\n", name);
      std::exit(1);
    }
  }
  std::printf("%-8s %zu exchanges, %zu at once: %.0f ns each, server %.0f ns\n", name, exchanges,
              at_once, total / static_cast<double>(exchanges),
              server_ns / static_cast<double>(exchanges));
}

int run(int argc, char** argv) {
  const size_t exchanges = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 400000;
  const size_t at_once = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 16;
  TestHost host;
  EchoServer echo;
  for (const size_t streams : {size_t{1}, at_once}) {
    auto server = make_http2_server(host, echo, {.address = "memory"});
    auto client = make_http2_client(host);
    if (!exchange_all(*client, *server)) return 1;
    measure("http/2", *server, *client, exchanges / streams * streams, streams);
  }
  return 0;
}

}  // namespace
}  // namespace gatehouse::http::testing

int main(int argc, char** argv) { return gatehouse::http::testing::run(argc, argv); }
