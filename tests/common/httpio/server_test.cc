// The HTTP server on real sockets and several loops.
#include "common/httpio/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "common/loop/loop_threads.h"
#include "common/net/tcp_dialer.h"
#include "tests/common/httpio/server_support.h"
#include "tests/common/tls/session_pair.h"

namespace gatehouse::httpio::testing {
namespace {

using loop::run_until;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Answers each request with its path; "/slow" not before release().
class PathHandler final : public http::RequestHandler {
 public:
  explicit PathHandler(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~PathHandler() override { --alive_; }

  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    struct Handler final : http::StreamHandler {
      http::ServerStream& stream;
      explicit Handler(http::ServerStream& stream_in) : stream(stream_in) {}
      void on_body(std::string_view bytes) override { stream.consumed(bytes.size()); }
      void on_end(const http::Headers&) override {
        if (stream.request().path == "/slow") return;
        stream.send_head(200, {{"content-type", "text/plain"}});
        stream.send_body(stream.request().path);
        stream.send_end();
      }
      void on_abort(const http::Abort&) override {}
    };
    return std::make_unique<Handler>(stream);
  }

 private:
  std::atomic<int>& alive_;
};

// A server with its loops, drained and joined at the end.
struct RunningServer {
  loop::EventLoop main;
  NotingObserver observer;
  std::atomic<int> handlers{0};
  loop::LoopThreads threads;
  std::unique_ptr<HttpServer> server;

  explicit RunningServer(size_t workers, const HttpServerOptions& options = {})
      : threads("worker", workers) {
    server = std::make_unique<HttpServer>(
        main, threads.loops(),
        [this](env::Executor&) { return std::make_unique<PathHandler>(handlers); }, options,
        &observer);
  }
  ~RunningServer() {
    if (server != nullptr) drain(0);
  }

  net::Address listen(const std::string& address, tls::ReloadingContext* tls = nullptr) {
    auto bound = server->listen(*net::parse_address(address), tls);
    EXPECT_TRUE(bound.ok()) << bound.status().to_string();
    return *bound;
  }

  void drain(uint64_t deadline_ms) {
    bool done = false;
    server->drain(deadline_ms, [&] { done = true; });
    EXPECT_FALSE(done) << "told from inside drain()";
    EXPECT_TRUE(run_until(main, [&] { return done; }));
    server.reset();
    EXPECT_EQ(handlers, 0) << "handlers are destroyed on their loops";
  }
};

// A stream of the main loop to the server.
std::unique_ptr<env::ByteStream> dial(loop::EventLoop& loop, const net::Address& address) {
  net::TcpDialer dialer(loop, {});
  std::optional<Result<std::unique_ptr<env::ByteStream>>> result;
  auto dialing = dialer.dial(address.to_string(), [&](auto stream) { result = std::move(stream); });
  EXPECT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  EXPECT_TRUE(result->ok()) << result->status().to_string();
  return *std::move(*result);
}

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";
// The body, given with its length as the head, body and end come in one turn.
constexpr std::string_view kAnswer = "\r\n\r\n/hello";

TEST(HttpServer, ServesManyClientsOnSeveralLoops) {
  RunningServer running(2);
  const net::Address address = running.listen("127.0.0.1:0");
  constexpr int kClients = 16;
  constexpr int kRounds = 200;
  // Clients on threads of their own: what tsan is to see.
  loop::LoopThreads client_loops("client", 2);
  std::atomic<int> answers{0};
  struct Client final : env::ByteStream::Sink {
    std::unique_ptr<env::ByteStream> stream;
    std::string received;
    int left = kRounds;
    std::atomic<int>* answers = nullptr;
    void on_bytes(std::string_view bytes) override {
      received.append(bytes);
      while (true) {
        const size_t end = received.find(kAnswer);
        if (end == std::string::npos) return;
        EXPECT_THAT(received.substr(0, end), StartsWith("HTTP/1.1 200"));
        received.erase(0, end + kAnswer.size());
        ++*answers;
        if (--left > 0) stream->write(kGet);
      }
    }
    void on_end() override { ADD_FAILURE() << "closed"; }
    void on_drained() override {}
    void on_broken(const Status& why) override { ADD_FAILURE() << why.to_string(); }
  };
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<net::TcpDialer>> dialers;
  std::vector<std::unique_ptr<net::Dial>> dials(kClients);
  for (size_t i = 0; i < 2; ++i) {
    dialers.push_back(std::make_unique<net::TcpDialer>(client_loops[i], net::TcpDialerOptions{}));
  }
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>());
    Client* client = clients.back().get();
    client->answers = &answers;
    client_loops[i % 2].post([&, client, i] {
      dials[i] = dialers[i % 2]->dial(address.to_string(), [client](auto stream) {
        ASSERT_TRUE(stream.ok()) << stream.status().to_string();
        client->stream = *std::move(stream);
        client->stream->start(*client);
        client->stream->write(kGet);
      });
    });
  }
  ASSERT_TRUE(run_until(
      running.main, [&] { return answers == kClients * kRounds; }, 60'000));
  const Traffic traffic = running.server->traffic();
  EXPECT_EQ(traffic.requests, static_cast<uint64_t>(kClients) * kRounds);
  EXPECT_EQ(traffic.open(), static_cast<uint64_t>(kClients));
  EXPECT_GE(traffic.bytes_received, traffic.requests * kGet.size());
  client_loops.join();
  for (const auto& client : clients) client->stream.reset();
  dials.clear();
  ASSERT_TRUE(run_until(running.main, [&] { return running.server->traffic().open() == 0; }));
}

TEST(HttpServer, WorkersMayBeTheMainLoop) {
  loop::EventLoop main;
  std::atomic<int> handlers{0};
  HttpServer server(main, {&main},
                    [&](env::Executor&) { return std::make_unique<PathHandler>(handlers); }, {});
  const net::Address address = *server.listen(*net::parse_address("127.0.0.1:0"));
  RawClient client(dial(main, address));
  client.stream->write(kGet);
  ASSERT_TRUE(run_until(main, [&] { return client.sink.bytes.ends_with(kAnswer); }));
  bool done = false;
  server.drain(5'000, [&] { done = true; });
  ASSERT_TRUE(run_until(main, [&] {
    // As a client that sees the end of the stream.
    if (client.sink.ended) client.stream->finish_writing();
    return done;
  }));
  EXPECT_EQ(handlers, 0);
}

TEST(HttpServer, UnixSocketsAndSeveralAddresses) {
  loop::TempDirectory directory;
  const std::string path = directory.file("s.sock");
  RunningServer running(1);
  const net::Address addresses[] = {running.listen("unix:" + path), running.listen("127.0.0.1:0")};
  for (const net::Address& address : addresses) {
    RawClient client(dial(running.main, address));
    client.stream->write(kGet);
    ASSERT_TRUE(run_until(running.main, [&] { return client.sink.bytes.ends_with(kAnswer); }));
    EXPECT_THAT(client.sink.bytes, StartsWith("HTTP/1.1 200"));
  }
  running.drain(5'000);
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "the file is removed";
}

TEST(HttpServer, ListenErrorsNameTheAddress) {
  RunningServer running(1);
  const net::Address taken = running.listen("127.0.0.1:0");
  const auto again = running.server->listen(taken);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.status().message(), "listen " + taken.to_string() + ": address already in use");
}

TEST(HttpServer, DrainForceClosesAtItsDeadline) {
  RunningServer running(2);
  const net::Address address = running.listen("127.0.0.1:0");
  RawClient slow(dial(running.main, address));
  slow.stream->write("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run_until(running.main, [&] { return running.server->traffic().requests == 1; }));
  const uint64_t start_us = running.main.now_us();
  running.drain(200);
  const uint64_t took_ms = (running.main.now_us() - start_us) / 1'000;
  EXPECT_GE(took_ms, 195u);
  EXPECT_LT(took_ms, 5'000u);
  ASSERT_TRUE(run_until(running.main, [&] { return slow.closed(); }));
  EXPECT_EQ(slow.sink.bytes, "");
  // Nobody listens any more.
  net::TcpDialer dialer(running.main, {});
  std::optional<Result<std::unique_ptr<env::ByteStream>>> result;
  auto dialing = dialer.dial(address.to_string(), [&](auto stream) { result = std::move(stream); });
  ASSERT_TRUE(run_until(running.main, [&] { return result.has_value(); }));
  EXPECT_FALSE(result->ok());
}

TEST(HttpServer, ASecondDrainMayShortenTheFirst) {
  RunningServer running(1);
  RawClient slow(dial(running.main, running.listen("127.0.0.1:0")));
  slow.stream->write("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run_until(running.main, [&] { return running.server->traffic().requests == 1; }));
  int done = 0;
  running.server->drain(3'600'000, [&] { ++done; });
  running.server->drain(10, [&] { ++done; });
  ASSERT_TRUE(run_until(running.main, [&] { return done == 2; }));
  running.server.reset();
}

// Many idle connections: they are all served when they ask, and cost little while they do not.
TEST(HttpServer, TwoThousandIdleConnections) {
  constexpr size_t kConnections = 2'000;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 2 * kConnections + 100) GTEST_SKIP() << "too few descriptors here";

  const auto resident_kib = [] {
    std::ifstream status("/proc/self/statm");
    size_t total = 0;
    size_t resident = 0;
    status >> total >> resident;
    return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)) / 1024;
  };

  RunningServer running(2);
  const net::Address address = running.listen("127.0.0.1:0");
  const auto socket_address = *loop::SocketAddress::ip("127.0.0.1", address.port);
  // Plain blocking sockets: what is measured is the server.
  std::vector<loop::UniqueFd> clients;
  const size_t before_kib = resident_kib();
  const std::string preface =
      std::string(net::kHttp2Preface) + std::string("\0\0\0\4\0\0\0\0\0", 9);
  for (size_t i = 0; i < kConnections; ++i) {
    loop::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(fd.get(), socket_address.get(), socket_address.size()), 0);
    // Half of each protocol; HTTP/1 has made a request.
    const std::string_view bytes = i % 2 == 0 ? kGet : std::string_view(preface);
    ASSERT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    clients.push_back(std::move(fd));
    if (i % 200 == 0) {
      ASSERT_TRUE(run_until(running.main,
                            [&] { return running.server->traffic().connections_opened == i + 1; }));
    }
  }
  ASSERT_TRUE(run_until(running.main, [&] {
    const Traffic traffic = running.server->traffic();
    return traffic.open() == kConnections && traffic.requests == kConnections / 2;
  }));
  const size_t after_kib = resident_kib();
  const double each_kib = static_cast<double>(after_kib - before_kib) / kConnections;
  std::cout << each_kib << " KiB for each idle connection\n";
  RecordProperty("kib_per_connection", std::to_string(each_kib));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // 10,000 connections must stay under 200 MB.
  EXPECT_LT(each_kib, 18.0);
#endif
  // They still work.
  char answer[4096];
  for (size_t i = 0; i < kConnections; i += 200) {
    ssize_t n = read(clients[i].get(), answer, sizeof(answer));
    ASSERT_GT(n, 0);
    ASSERT_GT(write(clients[i].get(), kGet.data(), kGet.size()), 0);
    n = read(clients[i].get(), answer, sizeof(answer));
    EXPECT_THAT(std::string(answer, static_cast<size_t>(n)), StartsWith("HTTP/1.1 200"));
  }
  clients.clear();
  ASSERT_TRUE(run_until(running.main, [&] { return running.server->traffic().open() == 0; }));
}

TEST(HttpServer, SaysWhenConnectionsOrDescriptorsRunOutAndRecovers) {
  HttpServerOptions options;
  options.listener.max_connections = 1;
  RunningServer running(1, options);
  const net::Address address = running.listen("127.0.0.1:0");
  const auto socket_address = *loop::SocketAddress::ip("127.0.0.1", address.port);
  {
    loop::UniqueFd only(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(only.get(), socket_address.get(), socket_address.size()), 0);
    ASSERT_TRUE(run_until(running.main, [&] { return running.observer.pauses.size() == 1; }));
    EXPECT_THAT(running.observer.pauses[0].message(), HasSubstr("1 connections are open"));
  }
  ASSERT_TRUE(
      run_until(running.main, [&] { return running.server->traffic().connections_closed == 1; }));
  running.observer.pauses.clear();

  loop::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(fd.get(), socket_address.get(), socket_address.size()), 0);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(fd.get()) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  // The connection is in the backlog; the loop has not turned since.
  const bool told =
      static_cast<bool>(run_until(running.main, [&] { return !running.observer.pauses.empty(); }));
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(told);
  EXPECT_THAT(running.observer.pauses[0].message(), HasSubstr("too many open files"));
  ASSERT_TRUE(run_until(running.main, [&] { return running.server->traffic().open() == 1; }));
}

TEST(HttpServer, TlsWithCertificatesThatChange) {
  tls::TestCertificates authority;
  const auto first = authority.server();
  const auto second = authority.server();
  // The files the server watches.
  tls::TestCertificates::Files live{
      authority.write("live.pem", tls::read_whole_file(first.cert_file)),
      authority.write("live.key", tls::read_whole_file(first.key_file))};
  auto certificates = *tls::ReloadingContext::server(tls::server_options(live));
  HttpServerOptions options;
  options.tls_check_interval_ms = 10;
  RunningServer running(1, options);
  const net::Address address = running.listen("https://127.0.0.1:0", certificates.get());

  net::TcpDialerOptions dialer_options;
  dialer_options.tls = tls::must(tls::Context::client(tls::client_options(authority)));
  net::TcpDialer dialer(running.main, dialer_options);
  const auto serve_one = [&] {
    std::optional<Result<std::unique_ptr<env::ByteStream>>> result;
    auto dialing =
        dialer.dial(address.to_string(), [&](auto stream) { result = std::move(stream); });
    ASSERT_TRUE(run_until(running.main, [&] { return result.has_value(); }));
    ASSERT_TRUE(result->ok()) << result->status().to_string();
    EXPECT_EQ((**result)->peer().alpn, "h2");
    Http2Peer peer(running.main, *std::move(*result));
    TestCall call;
    ASSERT_TRUE(peer.get(call, "/path"));
    ASSERT_TRUE(run_until(running.main, [&] { return call.over(); }));
    EXPECT_EQ(call.body, "/path");
  };
  serve_one();
  EXPECT_TRUE(running.observer.reloads.empty());

  // A key that is not the certificate's: told once, and the server goes on with what it has.
  authority.write("live.key", tls::read_whole_file(second.key_file));
  ASSERT_TRUE(run_until(running.main, [&] { return running.observer.reloads.size() == 1; }));
  EXPECT_FALSE(running.observer.reloads[0].ok());
  serve_one();

  const auto before = certificates->current();
  authority.write("live.pem", tls::read_whole_file(second.cert_file));
  ASSERT_TRUE(run_until(running.main, [&] { return running.observer.reloads.size() == 2; }));
  EXPECT_EQ(running.observer.reloads[1], Status());
  EXPECT_NE(certificates->current(), before);
  serve_one();
}

// Connections come and go while the server drains: nothing is leaked, lost or called too late.
TEST(HttpServer, DrainUnderAStormOfConnections) {
  for (int round = 0; round < 10; ++round) {
    RunningServer running(3);
    const net::Address address = running.listen("127.0.0.1:0");
    const auto socket_address = *loop::SocketAddress::ip("127.0.0.1", address.port);
    std::atomic<bool> stop{false};
    std::thread storm([&] {
      while (!stop) {
        loop::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (connect(fd.get(), socket_address.get(), socket_address.size()) != 0) continue;
        if (send(fd.get(), kGet.data(), kGet.size(), MSG_NOSIGNAL) < 0) continue;
        pollfd ready{fd.get(), POLLIN, 0};
        poll(&ready, 1, 100);
      }
    });
    EXPECT_TRUE(run_until(running.main, [&] { return running.server->traffic().requests > 20; }));
    running.drain(5'000);
    stop = true;
    storm.join();
  }
}

}  // namespace
}  // namespace gatehouse::httpio::testing
