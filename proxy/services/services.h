// All gRPC services of the proxy on one server.
#pragma once

#include <string>

#include "common/rpc/server.h"
#include "proxy/services/passthrough.h"

namespace gatehouse::services {

struct Options {
  UpstreamLimits limits;
  std::string advertise_client_url;  // "": MemberList tells the members' own URLs
};

// Every RPC of all_rpcs(). The upstream is that of the loop on which `server` serves and outlives
// it.
void add_services(rpc::Server& server, upstream::Upstream& upstream, const Options& options);

}  // namespace gatehouse::services
