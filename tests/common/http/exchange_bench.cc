// What one small gRPC-like exchange costs in this room: client and server sessions in memory, 300
// bytes echoed. Prints CPU nanoseconds of both sides together and, by feeding a recorded client to
// it, of the server alone.
//
//   exchange_bench [exchanges]
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
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

// CPU time of this thread: the machine may be busy with other things.
double cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <typename Make>
void measure(const char* name, size_t exchanges, size_t at_once, const Make& make_pair) {
  const RequestHead head = range_request();
  const std::string message(300, 'm');
  std::vector<CountingHandler> handlers(at_once);
  std::vector<std::string> recorded;  // what the client sent, turn by turn
  TestHost host;
  EchoServer echo;

  auto [server, client] = make_pair(host, echo);
  std::string wire;
  const auto both = [&](bool record) {
    for (CountingHandler& handler : handlers) {
      handler.stream = client->open(head, false, handler);
      handler.stream->send_body(message);
      handler.stream->send_end();
    }
    wire.clear();
    client->take_output(wire, SIZE_MAX);
    if (record) recorded.push_back(wire);
    server->feed(wire);
    wire.clear();
    server->take_output(wire, SIZE_MAX);
    client->feed(wire);
  };
  for (size_t done = 0; done < exchanges; done += at_once) both(true);
  double start = cpu_ns();
  for (size_t done = 0; done < exchanges; done += at_once) both(false);
  const double pair_ns = (cpu_ns() - start) / static_cast<double>(exchanges);
  for (const CountingHandler& handler : handlers) {
    if (handler.ended != 2 * (exchanges / at_once) || handler.received != handler.ended * 300) {
      std::fprintf(stderr, "%s: wrong answers\n", name);
      std::exit(1);
    }
  }

  // The first half again, into a server alone.
  auto [alone, unused] = make_pair(host, echo);
  start = cpu_ns();
  size_t answered = 0;
  for (const std::string& turn : recorded) {
    alone->feed(turn);
    wire.clear();
    alone->take_output(wire, SIZE_MAX);
    answered += wire.size();
  }
  const double server_ns = (cpu_ns() - start) / static_cast<double>(exchanges);
  if (answered < exchanges * 300) std::exit(1);
  std::printf("%-8s %3zu at once: %5.0f ns each, of which the server %5.0f ns\n", name, at_once,
              pair_ns, server_ns);
}

auto make_http2_pair(TestHost& host, EchoServer& echo) {
  auto server = make_http2_server(host, echo, {.address = "memory"});
  auto client = make_http2_client(host);
  if (!exchange_all(*client, *server)) std::exit(1);
  return std::pair(std::move(server), std::move(client));
}

auto make_http1_pair(TestHost& host, EchoServer& echo) {
  return std::pair(make_http1_server(host, echo, {.address = "memory"}), make_http1_client(host));
}

int run(int argc, char** argv) {
  const size_t exchanges = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 160000;
  for (const size_t at_once : {1, 16, 100}) {
    measure("http/2", exchanges / at_once * at_once, at_once, make_http2_pair);
  }
  measure("http/1.1", exchanges, 1, make_http1_pair);
  return 0;
}

}  // namespace
}  // namespace gatehouse::http::testing

int main(int argc, char** argv) { return gatehouse::http::testing::run(argc, argv); }
