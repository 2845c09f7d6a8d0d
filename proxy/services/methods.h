// Every RPC that the proxy passes on, and what it may do with each.
#pragma once

#include <span>
#include <string_view>

#include "common/rpc/server.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::services {

struct Rpc {
  std::string_view service;
  std::string_view name;
  rpc::MethodKind kind;
  upstream::Repeat repeat;
};

// All of etcd 3.7's client API: KV, Watch, Lease, Cluster, Maintenance, Auth, Lock, Election.
std::span<const Rpc> all_rpcs();

}  // namespace gatehouse::services
