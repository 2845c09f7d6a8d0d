#include "common/net/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <optional>

#include "common/loop/loop_threads.h"
#include "common/net/tcp_dialer.h"
#include "common/net/tls_stream.h"
#include "tests/common/loop/support.h"
#include "tests/common/tls/session_pair.h"

namespace gatehouse::net {
namespace {

using loop::NotingSink;
using loop::run_until;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Keeps what it is given; streams live and die on their worker's loop.
struct Keeper final : Listener::Handler {
  std::vector<loop::EventLoop*> workers;
  std::atomic<size_t> count{0};
  std::mutex mutex;
  std::vector<std::pair<size_t, std::unique_ptr<env::ByteStream>>> streams;  // under mutex
  std::vector<Status> pauses;

  void on_stream(size_t worker, std::unique_ptr<env::ByteStream> stream) override {
    EXPECT_TRUE(workers[worker]->runs_here());
    const std::lock_guard lock(mutex);
    streams.emplace_back(worker, std::move(stream));
    ++count;
  }
  void on_accept_paused(const Status& why) override { pauses.push_back(why); }

  // Destroys the streams of one worker on its loop, at most `limit`.
  void drop(size_t worker, size_t limit) {
    workers[worker]->post([this, worker, limit] {
      const std::lock_guard lock(mutex);
      size_t left = limit;
      std::erase_if(streams, [&](const auto& entry) {
        return entry.first == worker && left > 0 && left-- > 0;
      });
    });
  }
};

struct Dialed {
  std::unique_ptr<Dial> dial;
  std::optional<Result<std::unique_ptr<env::ByteStream>>> result;
};

std::unique_ptr<Dialed> dial(Dialer& dialer, const std::string& address) {
  auto dialed = std::make_unique<Dialed>();
  Dialed* raw = dialed.get();
  dialed->dial = dialer.dial(address, [raw](auto result) { raw->result = std::move(result); });
  EXPECT_FALSE(dialed->result.has_value()) << "told from inside dial()";
  return dialed;
}

TEST(Listener, SpreadsOverWorkersByFewest) {
  loop::EventLoop main;
  loop::LoopThreads threads("worker", 3);
  Keeper keeper;
  keeper.workers = threads.loops();
  auto listener = *Listener::listen(main, *parse_address("127.0.0.1:0"), keeper.workers, keeper);
  TcpDialer dialer(main, {});
  const std::string address = listener->address().to_string();
  std::vector<std::unique_ptr<Dialed>> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(dial(dialer, address));
  ASSERT_TRUE(run_until(main, [&] { return keeper.count == 30; }));
  EXPECT_EQ(listener->accepted(), 30u);
  EXPECT_EQ(listener->open(), 30u);
  for (size_t worker = 0; worker < 3; ++worker) EXPECT_EQ(listener->open_on(worker), 10u);

  // A worker that lost its connections gets the next ones.
  keeper.drop(1, 10);
  ASSERT_TRUE(run_until(main, [&] { return listener->open_on(1) == 0; }));
  for (int i = 0; i < 10; ++i) clients.push_back(dial(dialer, address));
  ASSERT_TRUE(run_until(main, [&] { return keeper.count == 40; }));
  EXPECT_EQ(listener->open_on(1), 10u);
  EXPECT_EQ(listener->open_on(0), 10u);

  listener.reset();
  ASSERT_TRUE(run_until(
      main, [&] { return clients.back()->result.has_value() && clients.back()->result->ok(); }));
  clients.clear();
  threads.join();
}

TEST(Listener, TheBoundOnConnectionsHolds) {
  loop::EventLoop main;
  Keeper keeper;
  keeper.workers = {&main};
  ListenerOptions options;
  options.max_connections = 3;
  auto listener =
      *Listener::listen(main, *parse_address("127.0.0.1:0"), keeper.workers, keeper, options);
  TcpDialer dialer(main, {});
  std::vector<std::unique_ptr<Dialed>> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(dial(dialer, listener->address().to_string()));
  ASSERT_TRUE(run_until(main, [&] { return keeper.count == 3; }));
  int turns = 0;
  ASSERT_TRUE(run_until(main, [&] { return ++turns > 10; }));
  EXPECT_EQ(keeper.count, 3u) << "the others wait in the backlog";
  ASSERT_EQ(keeper.pauses.size(), 1u);
  EXPECT_EQ(keeper.pauses[0].code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(keeper.pauses[0].message(), HasSubstr("3 connections are open"));
  keeper.drop(0, 1);
  ASSERT_TRUE(run_until(main, [&] { return keeper.count == 4; }));
  keeper.drop(0, 2);
  ASSERT_TRUE(run_until(main, [&] { return keeper.count == 5; }));
  keeper.streams.clear();
}

TEST(Listener, UnixSocketsAndNames) {
  loop::TempDirectory directory;
  loop::EventLoop main;
  Keeper keeper;
  keeper.workers = {&main};
  TcpDialer dialer(main, {});
  for (const std::string& text : {"unix:" + directory.file("s"), std::string("localhost:0")}) {
    auto listener = Listener::listen(main, *parse_address(text), keeper.workers, keeper);
    ASSERT_TRUE(listener.ok()) << listener.status().to_string();
    const size_t before = keeper.count;
    auto client = dial(dialer, (*listener)->address().to_string());
    ASSERT_TRUE(run_until(main, [&] { return keeper.count > before && client->result; }));
    ASSERT_TRUE(client->result->ok()) << client->result->status().to_string();
    keeper.streams.clear();
    client.reset();
  }
}

TEST(Listener, ErrorsNameTheAddress) {
  loop::EventLoop main;
  Keeper keeper;
  auto listener = Listener::listen(main, *parse_address("nobody.invalid:1"), {&main}, keeper);
  ASSERT_FALSE(listener.ok());
  EXPECT_THAT(listener.status().message(), StartsWith("listen nobody.invalid:1: "));
}

TEST(TcpDialer, ErrorsNameTheAddress) {
  loop::EventLoop main;
  TcpDialer dialer(main, {});
  struct Case {
    const char* address;
    const char* error;
  };
  for (const Case& c : {
           Case{"127.0.0.1:1", "dial 127.0.0.1:1: connection refused"},
           Case{"http://[::1]:1", "dial [::1]:1: "},
           Case{"unix:/nowhere/at/all", "dial unix:/nowhere/at/all: no such file or directory"},
           Case{"nonsense", "dial nonsense: address \"nonsense\": missing port"},
           Case{"nobody.invalid:1", "dial nobody.invalid:1: lookup nobody.invalid: "},
           Case{"https://127.0.0.1:1", "dial 127.0.0.1:1: the address asks for TLS"},
       }) {
    auto dialed = dial(dialer, c.address);
    ASSERT_TRUE(run_until(
        main, [&] { return dialed->result.has_value(); }, 60'000));
    ASSERT_FALSE(dialed->result->ok());
    EXPECT_EQ(dialed->result->status().code(), StatusCode::kUnavailable);
    EXPECT_THAT(dialed->result->status().message(), StartsWith(c.error));
  }
}

TEST(TcpDialer, TheDialAndItsStreamMayGoInTheCallback) {
  loop::EventLoop main;
  Keeper keeper;
  keeper.workers = {&main};
  auto listener = *Listener::listen(main, *parse_address("127.0.0.1:0"), keeper.workers, keeper);
  TcpDialer dialer(main, {});
  std::unique_ptr<Dial> dialed;
  bool called = false;
  dialed = dialer.dial(listener->address().to_string(), [&](auto result) {
    EXPECT_TRUE(result.ok());
    called = true;
    (*result).reset();
    dialed.reset();
  });
  ASSERT_TRUE(run_until(main, [&] { return called && keeper.count == 1; }));
  keeper.streams.clear();
  dialed = dialer.dial(listener->address().to_string(), [](auto) { FAIL(); });
  dialed.reset();
}

// A whole TLS connection over real sockets, and what the other outcomes say.
TEST(TcpDialer, Tls) {
  tls::TestCertificates authority;
  loop::EventLoop main;

  // A server that shakes hands and echoes.
  struct Server final : Listener::Handler, env::ByteStream::Sink {
    loop::EventLoop& loop;
    std::shared_ptr<const tls::Context> context;
    std::unique_ptr<TlsStream> stream;
    explicit Server(loop::EventLoop& loop_in) : loop(loop_in) {}
    void on_stream(size_t, std::unique_ptr<env::ByteStream> raw) override {
      stream = std::make_unique<TlsStream>(loop, std::move(raw), *tls::Session::create(context));
      stream->handshake(5'000, [this](const Status& status) {
        if (status.ok()) {
          stream->start(*this);
        } else {
          loop.destroy_later(std::move(stream));
        }
      });
    }
    void on_accept_paused(const Status&) override {}
    void on_bytes(std::string_view bytes) override { stream->write(bytes); }
    void on_end() override { stream->finish_writing(); }
    void on_drained() override {}
    void on_broken(const Status&) override { loop.destroy_later(std::move(stream)); }
  } server(main);
  server.context = tls::must(tls::Context::server(tls::server_options(authority.server())));
  auto listener = *Listener::listen(main, *parse_address("127.0.0.1:0"), {&main}, server);
  const std::string address = listener->address().to_string();

  TcpDialerOptions options;
  tls::ClientOptions client = tls::client_options(authority);
  client.server_name.clear();  // the address of the server is in its certificate
  options.tls = tls::must(tls::Context::client(client));
  {
    TcpDialer dialer(main, options);
    auto dialed = dial(dialer, "https://" + address);
    ASSERT_TRUE(run_until(main, [&] { return dialed->result.has_value(); }));
    ASSERT_TRUE(dialed->result->ok()) << dialed->result->status().to_string();
    std::unique_ptr<env::ByteStream> stream = *std::move(*dialed->result);
    EXPECT_EQ(stream->peer().alpn, "h2");
    EXPECT_TRUE(stream->peer().certificate_verified);
    NotingSink sink;
    stream->start(sink);
    stream->write("echo");
    ASSERT_TRUE(run_until(main, [&] { return sink.bytes == "echo"; }));
    stream->finish_writing();
    ASSERT_TRUE(run_until(main, [&] { return sink.ended; }));
  }
  {
    TcpDialerOptions other = options;
    other.server_name = "other.test";
    TcpDialer dialer(main, other);
    auto dialed = dial(dialer, address);  // no scheme: TLS, as it is configured
    ASSERT_TRUE(run_until(main, [&] { return dialed->result.has_value(); }));
    ASSERT_FALSE(dialed->result->ok());
    EXPECT_EQ(dialed->result->status().code(), StatusCode::kUnavailable);
    EXPECT_THAT(dialed->result->status().message(),
                StartsWith("dial " + address + ": tls: certificate is valid for "));
  }
  listener.reset();
  server.stream.reset();
}

// Whoever accepts and says nothing must not hold a dial for ever.
TEST(TcpDialer, TheTimeLimitCoversTheHandshake) {
  tls::TestCertificates authority;
  loop::EventLoop main;
  Keeper keeper;
  keeper.workers = {&main};
  auto listener = *Listener::listen(main, *parse_address("127.0.0.1:0"), keeper.workers, keeper);
  TcpDialerOptions options;
  options.tls = tls::must(tls::Context::client(tls::client_options(authority)));
  options.timeout_ms = 100;
  TcpDialer dialer(main, options);
  const std::string address = listener->address().to_string();
  auto dialed = dial(dialer, address);
  ASSERT_TRUE(run_until(main, [&] { return dialed->result.has_value(); }));
  ASSERT_FALSE(dialed->result->ok());
  EXPECT_THAT(dialed->result->status().message(), HasSubstr("dial " + address + ": "));
  EXPECT_THAT(dialed->result->status().message(), HasSubstr("time"));
  keeper.streams.clear();
}

}  // namespace
}  // namespace gatehouse::net
