#include "proxy/settings.h"

#include <algorithm>
#include <utility>

#include "common/net/address.h"
#include "common/tls/self_signed.h"

namespace gatehouse::proxy {

namespace {

uint64_t ms(std::chrono::milliseconds duration) { return static_cast<uint64_t>(duration.count()); }

rpc::SubchannelOptions connection_options(const Options& options) {
  rpc::SubchannelOptions connection;
  connection.connection.connect_timeout_ms = ms(options.connect_timeout);
  connection.connection.keepalive_time_ms = ms(options.dial_keepalive_time);
  connection.connection.keepalive_timeout_ms = ms(options.dial_keepalive_timeout);
  connection.connection.keepalive_without_streams = options.permit_without_stream;
  // A member that comes back is wanted at once, and there are few of them: gRPC's two minutes
  // between attempts are made for thousands of clients of one server.
  connection.backoff.first_ms = 200;
  connection.backoff.max_ms = 5000;
  return connection;
}

}  // namespace

size_t max_body_bytes(const Options& options) {
  return options.max_receive_bytes() / 3 * 4 + 64 * 1024;
}

WorkerOptions worker_options(const Options& options, const std::vector<std::string>& endpoints) {
  WorkerOptions worker;
  worker.upstream.endpoints = endpoints;
  worker.upstream.balancer = options.balancer;
  worker.upstream.probe_interval_ms = ms(options.health_check_interval);
  worker.upstream.probe_timeout_ms = ms(options.health_check_interval);
  worker.connection = connection_options(options);
  worker.services.limits = {options.max_send_bytes, options.max_recv_bytes};
  worker.services.advertise_client_url = options.advertise_client_url;
  worker.server.max_receive_bytes = options.max_receive_bytes();
  worker.gateway.max_send_bytes = worker.services.limits.max_send_bytes;
  worker.gateway.max_receive_bytes = worker.services.limits.max_receive_bytes;
  worker.gateway.max_body_bytes = max_body_bytes(options);
  worker.connect_timeout_ms = ms(options.connect_timeout);
  worker.member_sync_interval_ms = ms(options.endpoints_auto_sync_interval);
  worker.tls_unless_stated = options.tls_unless_stated;
  worker.log_calls = options.log_calls;
  return worker;
}

mirror::MirrorsOptions mirrors_options(const Options& options) {
  return {options.mirror_prefixes, options.mirror_max_bytes, ms(options.max_stale)};
}

httpio::HttpServerOptions server_options(const Options& options) {
  httpio::HttpServerOptions server;
  server.connection.http2.max_concurrent_streams = options.max_concurrent_streams;
  server.connection.http2.min_ping_interval_ms = ms(options.keepalive_min_time);
  server.connection.keepalive_interval_ms = ms(options.keepalive_interval);
  server.connection.keepalive_timeout_ms = ms(options.keepalive_timeout);
  return server;
}

Result<std::unique_ptr<tls::ReloadingContext>> load_client_tls(const Options& options) {
  if (!options.client_tls) return std::unique_ptr<tls::ReloadingContext>();
  tls::ServerOptions server = *options.client_tls;
  if (options.auto_tls) {
    std::vector<std::string> hosts;
    for (const net::Address& address : options.listen_addresses) {
      const bool named = address.kind == net::Address::Kind::kTcp && !address.host.empty();
      hosts.push_back(named ? address.host : "localhost");
    }
    Result<tls::SelfSigned> files = tls::make_self_signed(
        options.data_dir + "/fixtures/proxy", hosts, options.self_signed_cert_validity_years);
    if (!files.ok()) return files.status();
    server.cert_file = files->cert_file;
    server.key_file = files->key_file;
  }
  return tls::ReloadingContext::server(std::move(server));
}

Status load_member_tls(const Options& options, const std::vector<std::string>& endpoints,
                       Shared& shared) {
  const bool wanted =
      options.tls_unless_stated ||
      std::any_of(endpoints.begin(), endpoints.end(), [](const std::string& endpoint) {
        const Result<net::Address> address = net::parse_address(endpoint);
        return address.ok() && address->tls();
      });
  if (!wanted) return Status();

  tls::ClientOptions client = options.member_tls;
  client.alpn = {"h2"};
  auto for_calls = tls::ReloadingContext::client(client);
  if (!for_calls.ok()) return for_calls.status();
  client.alpn = {"http/1.1"};
  auto for_http = tls::ReloadingContext::client(client);
  if (!for_http.ok()) return for_http.status();
  shared.member_tls = std::move(*for_calls);
  shared.member_http_tls = std::move(*for_http);
  return Status();
}

}  // namespace gatehouse::proxy
