// The REST routes of etcd's JSON gateway: which path is which gRPC method.
//
// 48 paths and three aliases, each under /v3, /v3beta and /v3alpha, all POST. Message types and the
// kind of streaming come from the contract (proto/), the paths stand in route_table.cc and nowhere
// else.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::transcode {

enum class Streaming : uint8_t {
  kUnary,
  kServerStream,   // one JSON value in, many lines out
  kBidirectional,  // many JSON values in, many lines out
};

struct Route {
  std::string path;       // below the version prefix: "/kv/range"
  std::string grpc_path;  // "/etcdserverpb.KV/Range"
  Streaming streaming;
  // Default instances, valid for the life of the process.
  const google::protobuf::Message* request;
  const google::protobuf::Message* response;
};

class RouteTable {
 public:
  // Built at the first call, immutable ever after; any thread.
  static const RouteTable& instance();

  // `path` is the request target; a query string is ignored, as etcd does. Errors are what the
  // client is to be told: NotFound "Not Found" (HTTP 404), Unimplemented "Method Not Allowed" (HTTP
  // 501).
  Result<const Route*> find(std::string_view http_method, std::string_view path) const;

  // Every route once, aliases included, in the order of api.md.
  const std::vector<Route>& routes() const { return routes_; }

 private:
  RouteTable();

  std::vector<Route> routes_;
  std::unordered_map<std::string_view, const Route*> by_path_;  // keys live in routes_
};

}  // namespace gatehouse::transcode
