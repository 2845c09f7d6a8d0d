// Two transports over real sockets on loopback, in clear and with certificates on both sides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/httpio/server.h"
#include "common/net/tcp_dialer.h"
#include "tests/common/loop/support.h"
#include "tests/common/tls/test_certificates.h"
#include "tests/member/transport/rig.h"

namespace gatehouse::transport {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace testing;  // NOLINT: the rig

struct Tls {
  tls::TestCertificates authority;
  std::unique_ptr<tls::ReloadingContext> server;
  std::unique_ptr<tls::ReloadingContext> client;

  explicit Tls(std::vector<std::string> allowed_cn) {
    const tls::TestCertificates::Files own = authority.server();
    tls::ServerOptions server_options;
    server_options.cert_file = own.cert_file;
    server_options.key_file = own.key_file;
    server_options.client_auth = tls::ClientAuth::kRequire;
    server_options.trusted_ca_file = authority.ca_file();
    server_options.allowed_cn = std::move(allowed_cn);
    server = *tls::ReloadingContext::server(server_options);
    const tls::TestCertificates::Files peer = authority.client("peer");
    tls::ClientOptions client_options;
    client_options.ca_file = authority.ca_file();
    client_options.cert_file = peer.cert_file;
    client_options.key_file = peer.key_file;
    client_options.alpn = {"http/1.1"};
    client = *tls::ReloadingContext::client(client_options);
  }
};

class SocketMember final : public Owner {
 public:
  SocketMember(loop::EventLoop& loop, raft::NodeId id_in, Tls* tls)
      : Owner(loop), id(id_in), loop_(loop), dialer_(loop, dialer_options(tls)) {
    Options options;
    options.self = {.id = id, .cluster_id = kCluster, .peer_urls = {url_of(id)}};
    transport = std::make_unique<Transport>(loop, dialer_, options, *this, nullptr, log::Logger());
    server_ = std::make_unique<httpio::HttpServer>(
        loop, std::vector<loop::EventLoop*>{&loop},
        [this](env::Executor&) { return make_peer_port(*transport, *this); },
        httpio::HttpServerOptions{.connection = peer_connection_options(options)});
    const std::string scheme = tls != nullptr ? "https://" : "http://";
    const auto address = server_->listen(*net::parse_address(scheme + "127.0.0.1:0"),
                                         tls != nullptr ? tls->server.get() : nullptr);
    EXPECT_TRUE(address.ok());
    url = scheme + address->to_string();
  }

  void stop(int& stopped) {
    transport->stop();
    server_->drain(1'000, [&stopped] { ++stopped; });
  }

  const raft::NodeId id;
  std::string url;
  std::unique_ptr<Transport> transport;

 private:
  static net::TcpDialerOptions dialer_options(Tls* tls) {
    net::TcpDialerOptions options;
    if (tls != nullptr) options.reloading_tls = tls->client.get();
    return options;
  }
  loop::EventLoop& loop_;
  net::TcpDialer dialer_;
  std::unique_ptr<httpio::HttpServer> server_;
};

class OverSockets : public ::testing::TestWithParam<bool> {};

TEST_P(OverSockets, MessagesAndASnapshot) {
  std::optional<Tls> tls;
  if (GetParam()) tls.emplace(std::vector<std::string>{"peer"});
  loop::EventLoop loop;
  {
    SocketMember one(loop, 1, tls ? &*tls : nullptr), two(loop, 2, tls ? &*tls : nullptr);
    one.transport->add_peer(2, {two.url});
    two.transport->add_peer(1, {one.url});
    ASSERT_TRUE(loop::run_until(loop, [&] {
      return one.transport->active_since(2) && two.transport->active_since(1);
    }));
    MessageMaker random(5);
    std::vector<raft::Message> appends;
    for (int i = 0; i < 2'000; ++i) appends.push_back(random.append(1, 2));
    one.transport->send(appends);
    one.database_bytes = 20'000'000;
    raft::Message snapshot = snapshot_to(2);
    snapshot.from = 1;
    one.transport->send({snapshot});
    ASSERT_TRUE(loop::run_until(loop, [&] {
      return two.messages.size() == appends.size() + 1 && !one.snapshot_reports.empty();
    }));
    size_t next = 0;
    for (const raft::Message& m : two.messages) {
      if (m.type != raft::MessageType::kAppend) continue;
      ASSERT_TRUE(same(m, appends[next++]));
    }
    EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, true)));
    EXPECT_TRUE(two.databases[0]->intact && two.databases[0]->finished);
    EXPECT_THAT(one.unreachable, IsEmpty());
    int stopped = 0;
    one.stop(stopped);
    two.stop(stopped);
    ASSERT_TRUE(loop::run_until(loop, [&] { return stopped == 2; }));
  }
}

INSTANTIATE_TEST_SUITE_P(ClearAndTls, OverSockets, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "Tls" : "Clear"; });

TEST(OverTls, AnotherNameIsRefused) {
  Tls tls({"somebody else"});
  loop::EventLoop loop;
  {
    SocketMember one(loop, 1, &tls), two(loop, 2, &tls);
    one.transport->add_peer(2, {two.url});
    raft::Message message = message_to(2, raft::MessageType::kVote);
    message.from = 1;
    one.transport->send({message});
    ASSERT_TRUE(loop::run_until(loop, [&] { return !one.unreachable.empty(); }));
    EXPECT_THAT(two.messages, IsEmpty());
    int stopped = 0;
    one.stop(stopped);
    two.stop(stopped);
    ASSERT_TRUE(loop::run_until(loop, [&] { return stopped == 2; }));
  }
}

}  // namespace
}  // namespace gatehouse::transport
