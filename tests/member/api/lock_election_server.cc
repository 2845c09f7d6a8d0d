// Not a test: serves our Lock and Election on the KV, Watch and Lease of an etcd, whose other
// services it passes on. What the differential test sets beside that etcd's own.
//
//   lock_election_server grpc-proxy start --endpoints=HOST:PORT --listen-addr=HOST:PORT …
//
// (Other arguments are ignored: the test runner takes it for a proxy.)
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/env/entropy.h"
#include "common/httpio/server.h"
#include "common/loop/event_loop.h"
#include "common/net/address.h"
#include "common/net/tcp_dialer.h"
#include "member/api/election.h"
#include "member/api/lock.h"
#include "proxy/services/passthrough.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {
namespace {

// The upstream as one target, streams told apart by their path.
class Etcd final : public rpc::CallTarget {
 public:
  explicit Etcd(upstream::Upstream& upstream) : upstream_(upstream) {}
  std::unique_ptr<rpc::ClientCall> start(std::string_view path, const rpc::CallOptions& options,
                                         rpc::ClientHandler& handler) override {
    return upstream_.start(path, {.stream = path == "/etcdserverpb.Watch/Watch"}, options, handler);
  }

 private:
  upstream::Upstream& upstream_;
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

void serve(const std::string& endpoint, const std::string& listen) {
  loop::EventLoop loop;
  env::SystemEntropy entropy;
  metrics::Registry registry;
  const upstream::Metrics metrics(registry);
  net::TcpDialer dialer(loop, {});
  upstream::Options options;
  options.endpoints = {endpoint};
  options.connection_for = [](const std::string& address) {
    rpc::SubchannelOptions connection;
    connection.authority = address;
    return connection;
  };
  upstream::Upstream upstream(
      loop, entropy, [&](const std::string&) -> net::Dialer& { return dialer; }, options,
      log::Logger(), metrics);

  rpc::Server server({.max_receive_bytes = 64 << 20});
  const services::UpstreamLimits limits{.max_send_bytes = 64 << 20};
  for (const services::Rpc& rpc : services::all_rpcs()) {
    if (rpc.service == "v3lockpb.Lock" || rpc.service == "v3electionpb.Election") continue;
    services::add_passthrough(server, upstream, rpc, limits);
  }
  Etcd etcd(upstream);
  api::LockService lock(etcd);
  api::ElectionService election(etcd);
  lock.add_to(server);
  election.add_to(server);

  httpio::HttpServer http(
      loop, std::vector<loop::EventLoop*>{&loop},
      [&](env::Executor& executor) { return std::make_unique<Requests>(server, executor); }, {});
  const Result<net::Address> bound = http.listen(*net::parse_address(listen));
  CHECK_MSG(bound.ok(), bound.status().message());
  std::fprintf(stderr, "started gRPC proxy on %s\n", bound->to_string().c_str());
  loop.run();  // until it is killed
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  std::string endpoint, listen;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("--endpoints=")) endpoint = word.substr(12, word.find(',') - 12);
    if (word.starts_with("--listen-addr=")) listen = word.substr(14);
  }
  gatehouse::serve(endpoint, listen);
}
