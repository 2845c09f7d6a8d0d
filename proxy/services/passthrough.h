// Passthrough: an RPC handed on to a member and its answer handed back, message by message,
// undecoded: unknown fields, and RPCs of a later etcd's messages, survive.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/rpc/server.h"
#include "proxy/services/methods.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::services {

// What is sent to and taken from members, --max-send-bytes and --max-recv-bytes.
struct UpstreamLimits {
  size_t max_send_bytes = 1572864;
  size_t max_receive_bytes = 2147483647;
};

// Changes an answer on its way back, where an RPC needs that. Pure; called on any loop.
using Transform = std::function<std::string(std::string_view response)>;

// Sees a message from a member before the client does. On the server's loop.
using Observer = std::function<void(const rpc::ServerCall& call, std::string_view response)>;

// Adds one RPC. The upstream is that of the loop on which `server` serves and outlives it.
void add_passthrough(rpc::Server& server, upstream::Upstream& upstream, const Rpc& rpc,
                     UpstreamLimits limits, Transform transform = nullptr,
                     Observer observer = nullptr);

// The same as a factory, for an RPC that only some calls of are passed on.
rpc::Server::HandlerFactory passthrough_factory(upstream::Upstream& upstream, const Rpc& rpc,
                                                UpstreamLimits limits,
                                                Transform transform = nullptr,
                                                Observer observer = nullptr);

// The options of a call that goes on to a member: the client's metadata and deadline.
rpc::CallOptions onward_options(const rpc::ServerCall& call, UpstreamLimits limits);

}  // namespace gatehouse::services
