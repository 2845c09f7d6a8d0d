#include "proxy/worker.h"

#include <utility>

#include "common/net/address.h"
#include "common/rpc/reflection.h"
#include "common/ui/page.h"
#include "common/web/answer.h"

namespace gatehouse::proxy {

namespace {

net::TcpDialerOptions dialer_options(const WorkerOptions& options,
                                     const tls::ReloadingContext* context) {
  net::TcpDialerOptions dialer;
  dialer.timeout_ms = options.connect_timeout_ms;
  dialer.reloading_tls = context;
  return dialer;
}

// Endpoints are checked when the flags are read; those of a member list are the cluster's word.
bool speaks_tls(const std::string& address, bool unless_stated) {
  const Result<net::Address> parsed = net::parse_address(address);
  if (!parsed.ok() || parsed->security == net::Address::Security::kClear) return false;
  return parsed->security == net::Address::Security::kTls || unless_stated;
}

}  // namespace

Worker::Worker(loop::EventLoop& loop, Shared& shared, const WorkerOptions& options)
    : loop_(loop),
      shared_(shared),
      options_(options),
      clear_(loop, dialer_options(options, nullptr)),
      tls_(loop, dialer_options(options, shared.member_tls.get())),
      http_tls_(loop, dialer_options(options, shared.member_http_tls.get())),
      server_metrics_(shared.registry),
      call_log_(server_metrics_, shared.logger),
      server_(options.server,
              options.log_calls ? static_cast<rpc::ServerObserver*>(&call_log_) : &server_metrics_),
      upstream_(
          loop, entropy_,
          [this](const std::string& address) -> net::Dialer& { return dialer_for(address, tls_); },
          [&] {
            upstream::Options upstream = options.upstream;
            upstream.connection_for = [this](const std::string& address) {
              return connection_for(address);
            };
            return upstream;
          }(),
          shared.logger, shared.upstream_metrics),
      keep_alives_(upstream_, options.services.limits, shared.mirror_metrics),
      rest_targets_(upstream_),
      gateway_(
          loop,
          [this](const transcode::Route& route) -> rpc::CallTarget& {
            if (local_) return *local_;
            return rest_targets_.target_for(route);
          },
          shared.transcoder, shared.gateway_metrics, options.gateway),
      admin_(
          upstream_,
          [this](const std::string& address) -> net::Dialer& {
            return dialer_for(address, http_tls_);
          },
          shared.registry, shared.shutting_down) {
  if (!shared.mirrors.empty()) {
    from_mirrors_.emplace(shared.mirrors, upstream_, shared.mirror_metrics,
                          options.services.limits);
    local_.emplace(server_, loop);
  }
  services::add_services(server_, upstream_, options.services, keep_alives_,
                         from_mirrors_ ? &*from_mirrors_ : nullptr);
  if (options.feeds_mirrors) {
    for (const auto& mirror : shared.mirrors.all()) {
      feeds_.push_back(std::make_unique<mirror::Feed>(*mirror, shared.mirrors, upstream_,
                                                      shared.mirror_metrics));
    }
  }
  shared.health.add_to(server_);
  rpc::add_reflection(server_);
  server_metrics_.prepare(server_.methods());
  if (options.member_sync_interval_ms > 0) {
    member_sync_ =
        std::make_unique<upstream::MemberSync>(upstream_, options.member_sync_interval_ms);
  }
}

std::unique_ptr<http::StreamHandler> Worker::start(http::ServerStream& stream, Surface surface) {
  const http::RequestHead& head = stream.request();
  if (surface == Surface::kAll && rpc::Server::is_grpc(head)) return server_.start(stream, loop_);

  if (head.method == "OPTIONS") {
    web::Answer answer;
    answer.content_type = "";
    return web::answer_now(stream, answer);
  }
  if (surface == Surface::kAll && gateway::Gateway::is_for(web::path_of(head))) {
    return gateway_.start(stream);
  }
  // Not on the plain surface, where the page would find no gateway to ask. Scripts of other origins
  // have no business with it.
  if (surface == Surface::kAll && head.method == "GET" && ui::is_page(web::path_of(head))) {
    return web::answer_now(stream, ui::page(ui::Role::kProxy), web::Cors({}));
  }
  if (auto handler = admin_.start(stream)) return handler;
  return web::answer_now(stream, web::text_error(404, "404 page not found"));
}

net::Dialer& Worker::dialer_for(const std::string& address, net::TcpDialer& over_tls) {
  return speaks_tls(address, options_.tls_unless_stated) ? over_tls : clear_;
}

rpc::SubchannelOptions Worker::connection_for(const std::string& address) const {
  rpc::SubchannelOptions connection = options_.connection;
  const Result<net::Address> parsed = net::parse_address(address);
  connection.authority =
      parsed.ok() && parsed->kind == net::Address::Kind::kTcp ? parsed->to_string() : "localhost";
  connection.tls = speaks_tls(address, options_.tls_unless_stated);
  return connection;
}

}  // namespace gatehouse::proxy
