// Router: which part of a member answers a request: its gRPC services, the REST gateway or the
// plain paths; and who may ask at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/env/executor.h"
#include "common/gateway/gateway.h"
#include "common/http/exchange.h"
#include "common/rpc/server.h"
#include "common/web/answer.h"
#include "member/admin/paths.h"
#include "member/admin/state.h"

namespace gatehouse::admin {

// Which of a member's listeners a request came to.
enum class Surface : uint8_t {
  kAll,       // --listen-client-urls
  kGrpcOnly,  // --listen-client-urls, where --listen-client-http-urls is set
  kHttpOnly,  // --listen-client-http-urls
  kMetrics,   // --listen-metrics-urls: metrics and health, for whoever comes
};

struct Access {
  // --host-whitelist, without ports; "*" or an empty list let every Host pass. Looked at on clear
  // connections only: answers pages of the web that a name of theirs led to this port (DNS
  // rebinding).
  std::vector<std::string> hosts = {"*"};
  // --cors: origins, or "*".
  std::vector<std::string> origins = {"*"};
  // --client-cert-auth
  bool client_cert_auth = false;
};

class Router {
 public:
  // For one loop. All that is referred to must outlive it. `gateway` is null with
  // --enable-grpc-gateway=false.
  Router(const rpc::Server& grpc, gateway::Gateway* gateway, Paths& paths, const State& state,
         env::Executor& executor, const Access& access, const web::Cors& cors)
      : grpc_(grpc),
        gateway_(gateway),
        paths_(paths),
        state_(state),
        executor_(executor),
        access_(access),
        cors_(cors) {}

  // Never null.
  std::unique_ptr<http::StreamHandler> start(http::ServerStream& stream, Surface surface);

 private:
  bool host_allowed(const http::ServerStream& stream) const;
  bool name_would_be_lost(const http::ServerStream& stream) const;

  const rpc::Server& grpc_;
  gateway::Gateway* const gateway_;
  Paths& paths_;
  const State& state_;
  env::Executor& executor_;
  const Access& access_;
  const web::Cors& cors_;  // of access.origins; the gateway has the same
};

}  // namespace gatehouse::admin
