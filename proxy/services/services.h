// All gRPC services of the proxy on one server.
#pragma once

#include <string>

#include "common/rpc/server.h"
#include "proxy/mirror/reader.h"
#include "proxy/services/lease.h"
#include "proxy/services/misses.h"
#include "proxy/services/passthrough.h"
#include "proxy/services/watch.h"

namespace gatehouse::services {

struct Options {
  UpstreamLimits limits;
  std::string advertise_client_url;  // "": MemberList tells the members' own URLs
};

// What one loop's services have of the mirrors. Members are destroyed after the server's calls.
struct FromMirrors {
  FromMirrors(mirror::Mirrors& mirrors, upstream::Upstream& upstream,
              const mirror::Metrics& metrics, UpstreamLimits limits)
      : reader(mirrors, upstream, metrics),
        misses(upstream, "/etcdserverpb.KV/Range", limits),
        watch(reader, upstream, limits) {}

  mirror::Reader reader;
  Misses misses;
  WatchService watch;
};

// Every RPC of all_rpcs(), passed on to the members as they are, but for keep-alives, which are
// merged, and what the mirrors answer (null: there are none). The rest is of the loop on which `server` serves and outlives it.
void add_services(rpc::Server& server, upstream::Upstream& upstream, const Options& options,
                  KeepAlives& keep_alives, FromMirrors* mirrors);

}  // namespace gatehouse::services
