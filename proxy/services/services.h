// All gRPC services of the proxy on one server.
#pragma once

#include <string>

#include "common/rpc/server.h"
#include "proxy/mirror/reader.h"
#include "proxy/services/misses.h"
#include "proxy/services/passthrough.h"

namespace gatehouse::services {

struct Options {
  UpstreamLimits limits;
  std::string advertise_client_url;  // "": MemberList tells the members' own URLs
};

// Every RPC of all_rpcs(), passed on to the members as they are, but for what the mirrors answer.
// `reader` null: there are none. The rest is of the loop on which `server` serves and outlives it.
void add_services(rpc::Server& server, upstream::Upstream& upstream, const Options& options,
                  mirror::Reader* reader = nullptr, Misses* misses = nullptr);

}  // namespace gatehouse::services
