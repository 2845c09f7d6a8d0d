// Worker: all of the proxy that lives on one loop: the way to the members, the gRPC services, the
// gateway and the plain HTTP paths. Loops share the metrics, the TLS contexts and the mirrors, which
// one of them feeds.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/env/entropy.h"
#include "common/gateway/gateway.h"
#include "common/http/exchange.h"
#include "common/log/log.h"
#include "common/loop/event_loop.h"
#include "common/metrics/metrics.h"
#include "common/net/tcp_dialer.h"
#include "common/rpc/health.h"
#include "common/rpc/local_target.h"
#include "common/rpc/server.h"
#include "common/rpc/server_metrics.h"
#include "common/tls/reloading_context.h"
#include "common/transcode/transcoder.h"
#include "proxy/admin/admin.h"
#include "proxy/call_log.h"
#include "proxy/mirror/feed.h"
#include "proxy/rest/targets.h"
#include "proxy/services/services.h"
#include "proxy/upstream/member_sync.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::proxy {

// What all workers share. Outlives them.
struct Shared {
  Shared(log::Logger the_logger, size_t max_body_bytes,
         const mirror::MirrorsOptions& mirrors_options)
      : logger(std::move(the_logger)), transcoder(max_body_bytes), mirrors(mirrors_options) {}

  const log::Logger logger;
  metrics::Registry registry;
  const upstream::Metrics upstream_metrics{registry};
  const gateway::Metrics gateway_metrics{registry, "gatehouse_proxy_rest"};
  const transcode::Transcoder transcoder;
  mirror::Mirrors mirrors;
  const mirror::Metrics mirror_metrics{registry};
  rpc::HealthService health;
  // Towards members; null where no endpoint wants TLS. The second offers HTTP/1.1 only.
  std::unique_ptr<tls::ReloadingContext> member_tls;
  std::unique_ptr<tls::ReloadingContext> member_http_tls;
  std::atomic<bool> shutting_down{false};
};

struct WorkerOptions {
  upstream::Options upstream;  // connection_for is the worker's to fill
  rpc::SubchannelOptions connection;
  services::Options services;
  rpc::ServerLimits server;
  gateway::Limits gateway;
  uint64_t connect_timeout_ms = 5000;
  uint64_t member_sync_interval_ms = 0;  // 0: off
  bool tls_unless_stated = false;        // endpoints without a scheme speak TLS
  bool feeds_mirrors = false;            // one loop of several does
  bool log_calls = false;                // --experimental-enable-grpc-logging
};

class Worker {
 public:
  // On the loop's thread, as is everything else, destruction included. `shared` outlives it.
  Worker(loop::EventLoop& loop, Shared& shared, const WorkerOptions& options);

  enum class Surface : uint8_t {
    kAll,
    kAdmin,  // the plain HTTP paths only: --metrics-addr
  };
  std::unique_ptr<http::StreamHandler> start(http::ServerStream& stream, Surface surface);

 private:
  net::Dialer& dialer_for(const std::string& address, net::TcpDialer& over_tls);
  rpc::SubchannelOptions connection_for(const std::string& address) const;

  loop::EventLoop& loop_;
  Shared& shared_;
  const WorkerOptions options_;
  env::SystemEntropy entropy_;
  net::TcpDialer clear_;
  net::TcpDialer tls_;
  net::TcpDialer http_tls_;
  rpc::ServerMetrics server_metrics_;
  CallLog call_log_;
  rpc::Server server_;
  upstream::Upstream upstream_;
  services::KeepAlives keep_alives_;
  std::optional<services::FromMirrors> from_mirrors_;  // where there are any
  std::vector<std::unique_ptr<mirror::Feed>> feeds_;
  rest::Targets rest_targets_;
  // Where there are mirrors the gateway's calls go to our own services, which have them.
  std::optional<rpc::LocalTarget> local_;
  gateway::Gateway gateway_;
  admin::Admin admin_;
  std::unique_ptr<upstream::MemberSync> member_sync_;
};

}  // namespace gatehouse::proxy
