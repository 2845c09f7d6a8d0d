// The client's connection, HTTP/1 and HTTP/2, against the server's on virtual time.
#include "common/httpio/client_connection.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "common/env/sim_executor.h"
#include "common/httpio/server_worker.h"
#include "common/net/memory_network.h"

namespace gatehouse::httpio {

static void PrintTo(ClientConnectionOptions::Protocol protocol, std::ostream* out) {
  *out << (protocol == ClientConnectionOptions::Protocol::kHttp2 ? "Http2" : "Http1");
}

namespace {

// Answers each request with its method, path and body.
class Answers final : public http::RequestHandler {
 public:
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    struct Handler final : http::StreamHandler {
      explicit Handler(http::ServerStream& s) : stream(s) {}
      void on_body(std::string_view bytes) override {
        body += bytes;
        stream.consumed(bytes.size());
      }
      void on_end(const http::Headers&) override {
        if (stream.request().path == "/never") return;
        stream.send_head(200, {{"content-type", "text/plain"}});
        stream.send_body(stream.request().method + " " + stream.request().path + " " + body);
        stream.send_end();
      }
      void on_abort(const http::Abort&) override {}
      http::ServerStream& stream;
      std::string body;
    };
    return std::make_unique<Handler>(stream);
  }
};

struct Exchange final : http::ClientStreamHandler {
  void on_head(int code, const http::Headers&) override { status = code; }
  void on_body(std::string_view bytes) override {
    body += bytes;
    stream->consumed(bytes.size());
  }
  void on_end(const http::Headers&) override { ended = true; }
  void on_abort(const http::Abort& why) override { abort = why; }
  http::ClientStream* stream = nullptr;
  int status = 0;
  std::string body;
  bool ended = false;
  std::optional<http::Abort> abort;
};

const char* name_of(ClientConnection::State state) {
  switch (state) {
    case ClientConnection::State::kConnecting:
      return "connecting";
    case ClientConnection::State::kReady:
      return "ready";
    case ClientConnection::State::kDraining:
      return "draining";
    case ClientConnection::State::kClosed:
      return "closed";
  }
  return "?";
}

using Log = std::vector<std::string>;

class ClientConnectionTest : public ::testing::TestWithParam<ClientConnectionOptions::Protocol>,
                             public ClientConnection::Listener {
 protected:
  ClientConnectionTest()
      : network_(3), dialer_(network_.dialer("client", sim_)), worker_(make_worker()) {
    network_.listen("server:1", sim_, [this](std::unique_ptr<env::ByteStream> stream) {
      worker_->adopt(std::move(stream));
    });
  }
  ~ClientConnectionTest() override { connection_.reset(); }

  std::unique_ptr<ServerWorker> make_worker() {
    return std::make_unique<ServerWorker>(sim_, std::make_unique<Answers>(),
                                          ServerConnectionOptions(), counters_, nullptr);
  }

  void on_connection_state(ClientConnection&, ClientConnection::State state) override {
    log_.push_back(name_of(state));
  }
  void on_can_open(ClientConnection& connection) override {
    EXPECT_TRUE(connection.can_open());
    ++can_open_;
  }

  void connect(const std::string& address = "server:1") {
    ClientConnectionOptions options;
    options.protocol = GetParam();
    connection_ = std::make_unique<ClientConnection>(sim_, *dialer_, address, options, *this);
  }

  bool http1() const { return GetParam() == ClientConnectionOptions::Protocol::kHttp1; }

  void get(Exchange& exchange, const std::string& path, const std::string& body = {}) {
    http::RequestHead head;
    head.method = body.empty() ? "GET" : "POST";
    head.path = path;
    head.scheme = "http";
    head.authority = "server:1";
    exchange.stream = connection_->open(head, body.empty(), exchange);
    ASSERT_NE(exchange.stream, nullptr);
    if (!body.empty()) {
      exchange.stream->send_body(body);
      exchange.stream->send_end();
    }
  }

  env::SimExecutor sim_;
  net::MemoryNetwork network_;
  std::unique_ptr<net::Dialer> dialer_;
  TrafficCounters counters_;
  std::unique_ptr<ServerWorker> worker_;
  std::unique_ptr<ClientConnection> connection_;
  Log log_;
  int can_open_ = 0;
};

TEST_P(ClientConnectionTest, OneRequestAfterTheOther) {
  connect();
  EXPECT_FALSE(connection_->can_open());
  Exchange early;
  EXPECT_EQ(connection_->open({}, true, early), nullptr);
  sim_.run_until_idle();
  EXPECT_EQ(log_, Log({"ready"}));
  EXPECT_GT(can_open_, 0);
  EXPECT_EQ(connection_->peer().address, "server:1");
  for (int i = 0; i < 3; ++i) {
    Exchange exchange;
    get(exchange, "/metrics");
    EXPECT_EQ(connection_->active_streams(), 1u);
    EXPECT_EQ(connection_->can_open(), !http1()) << "HTTP/1 has one exchange at a time";
    sim_.run_until_idle();
    EXPECT_EQ(exchange.status, 200);
    EXPECT_EQ(exchange.body, "GET /metrics ");
    EXPECT_TRUE(exchange.ended);
  }
  Exchange post;
  get(post, "/x", "body");
  sim_.run_until_idle();
  EXPECT_EQ(post.body, "POST /x body");
  EXPECT_EQ(counters_.connections_opened, 1u);
}

TEST_P(ClientConnectionTest, NobodyListens) {
  connect("nobody:1");
  sim_.run_until_idle();
  EXPECT_EQ(log_, Log({"closed"}));
  EXPECT_EQ(connection_->why_closed(), unavailable("dial nobody:1: connection refused"));
}

TEST_P(ClientConnectionTest, LostWithAnExchangeUnderWay) {
  connect();
  sim_.run_until_idle();
  Exchange exchange;
  get(exchange, "/never");
  sim_.run_until_idle();
  network_.reset_all("server:1");
  sim_.run_until_idle();
  ASSERT_TRUE(exchange.abort);
  EXPECT_FALSE(exchange.abort->surely_not_processed);
  EXPECT_EQ(exchange.abort->status,
            unavailable("connection to server:1: connection reset by peer"));
  EXPECT_EQ(connection_->why_closed(), exchange.abort->status);
  EXPECT_EQ(log_, Log({"ready", "closed"}));
}

TEST_P(ClientConnectionTest, DrainLetsTheExchangeFinish) {
  connect();
  sim_.run_until_idle();
  Exchange exchange;
  get(exchange, "/metrics");
  connection_->drain();
  EXPECT_FALSE(connection_->can_open());
  sim_.advance(3'000);
  EXPECT_TRUE(exchange.ended);
  EXPECT_EQ(log_.back(), "closed");
  EXPECT_TRUE(connection_->why_closed().ok()) << connection_->why_closed().to_string();
  EXPECT_EQ(network_.open_connections("server:1"), 0u);
}

TEST_P(ClientConnectionTest, CloseAbortsTheExchange) {
  connect();
  sim_.run_until_idle();
  Exchange exchange;
  get(exchange, "/never");
  sim_.run_until_idle();
  connection_->close(unavailable("enough"));
  EXPECT_FALSE(exchange.abort) << "not from inside the call";
  sim_.run_until_idle();
  ASSERT_TRUE(exchange.abort);
  EXPECT_EQ(exchange.abort->status, unavailable("enough"));
  EXPECT_EQ(log_, Log({"ready", "closed"}));
}

TEST_P(ClientConnectionTest, ClosedOrDestroyedWhileConnecting) {
  connect();
  connection_->close(unavailable("never mind"));
  sim_.run_until_idle();
  EXPECT_EQ(log_, Log({"closed"}));
  connect();
  connection_->drain();
  sim_.run_until_idle();
  EXPECT_EQ(connection_->why_closed(),
            unavailable("connection to server:1: closed before it was made"));
  connect();
  connection_.reset();
  sim_.run_until_idle();
}

TEST_P(ClientConnectionTest, DestroyedWithAnExchangeUnderWay) {
  connect();
  sim_.run_until_idle();
  Exchange exchange;
  get(exchange, "/never");
  sim_.run_until_idle();
  connection_.reset();
  ASSERT_TRUE(exchange.abort);
  EXPECT_EQ(exchange.abort->status, unavailable("connection to server:1: closed"));
}

TEST_P(ClientConnectionTest, TheServerDrains) {
  connect();
  sim_.run_until_idle();
  Exchange exchange;
  get(exchange, "/never");
  sim_.run_until_idle();
  worker_->drain([] {});
  sim_.run_until_idle();
  EXPECT_FALSE(connection_->can_open());
  if (!http1()) {
    EXPECT_EQ(log_, Log({"ready", "draining"}));
    exchange.stream->cancel();
    sim_.advance(3'000);
    EXPECT_EQ(log_, Log({"ready", "draining", "closed"}));
    EXPECT_TRUE(connection_->why_closed().ok()) << connection_->why_closed().to_string();
  } else {
    exchange.stream->cancel();  // HTTP/1 has no other way than to close
    sim_.advance(3'000);
    EXPECT_EQ(log_.back(), "closed");
  }
}

// A server that reads nothing bounds what is written to its socket; the rest waits in the session.
TEST_P(ClientConnectionTest, WritesNoMoreThanTheSocketTakes) {
  std::vector<std::unique_ptr<env::ByteStream>> held;
  network_.listen("deaf:1", sim_, [this, &held](std::unique_ptr<env::ByteStream> stream) {
    // Enough to be taken for HTTP/2: an empty SETTINGS.
    if (!http1()) stream->write(std::string_view("\0\0\0\4\0\0\0\0\0", 9));
    held.push_back(std::move(stream));
  });
  network_.set_link({.window_bytes = 1000});
  connect("deaf:1");
  sim_.run_until_idle();
  Exchange exchange;
  get(exchange, "/x", std::string(10'000'000, 'x'));
  sim_.run_until_idle();
  EXPECT_GT(exchange.stream->unsent(), 8'000'000u);
  exchange.stream->cancel();
}

INSTANTIATE_TEST_SUITE_P(Protocols, ClientConnectionTest,
                         ::testing::Values(ClientConnectionOptions::Protocol::kHttp2,
                                           ClientConnectionOptions::Protocol::kHttp1),
                         [](const auto& protocol) {
                           return protocol.param == ClientConnectionOptions::Protocol::kHttp2
                                      ? "Http2"
                                      : "Http1";
                         });

}  // namespace
}  // namespace gatehouse::httpio
