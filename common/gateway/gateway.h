// Gateway: REST to gRPC. JSON comes in by HTTP, a call is made, its answer goes back as JSON:
// etcd's gateway, with its paths, bodies and status codes. Where the calls go is its owner's
// affair: to the members (proxy), or to the services of the same process (member).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/metrics/metrics.h"
#include "common/rpc/client.h"
#include "common/transcode/route_table.h"
#include "common/transcode/transcoder.h"
#include "common/web/answer.h"

namespace gatehouse::gateway {

// <prefix>_requests_total, _request_duration_seconds, _requests_in_flight: names and labels are
// API. One for all loops.
class Metrics {
 public:
  Metrics(metrics::Registry& registry, const std::string& prefix);

  metrics::Family<metrics::Counter> requests;    // {path, code}: of a route, HTTP status
  metrics::Family<metrics::Histogram> duration;  // {path}, seconds; unary calls
  metrics::UpDownCounter in_flight;
};

// What is known about a route before a request comes.
class RouteInfo {
 public:
  RouteInfo(const transcode::Route& route, rpc::CallTarget& target, const Metrics& metrics);

  const transcode::Route& route;
  rpc::CallTarget& target;
  const metrics::Histogram duration;
  const metrics::UpDownCounter in_flight;

  // Errors are looked up as they occur; they cost a lock that good answers do not.
  void count(int status) const;

 private:
  const Metrics& metrics_;
  const metrics::Counter good_;
};

struct Limits {
  // Of one gRPC message towards the target and back.
  size_t max_send_bytes = SIZE_MAX;
  size_t max_receive_bytes = SIZE_MAX;
  // Of a request's body; looked at before any of it is decoded. Enough for a message of the largest
  // size in base64.
  size_t max_body_bytes = 3 * 1024 * 1024;
};

class Gateway {
 public:
  // True for the paths that are the gateway's to answer, known to it or not: /v3/…, /v3beta/…,
  // /v3alpha/….
  static bool is_for(std::string_view path);

  // Where a route's calls go; asked once for each route. It must outlive the gateway.
  using TargetFor = std::function<rpc::CallTarget&(const transcode::Route& route)>;

  // For one loop, on which the targets live too. All that is referred to must outlive it.
  Gateway(env::Executor& executor, const TargetFor& target_for,
          const transcode::Transcoder& transcoder, const Metrics& metrics, Limits limits,
          const web::Cors& cors = web::Cors::any());

  // For requests whose path is_for() the gateway.
  std::unique_ptr<http::StreamHandler> start(http::ServerStream& stream);

 private:
  env::Executor& executor_;
  const transcode::Transcoder& transcoder_;
  const Metrics& metrics_;
  const Limits limits_;
  const web::Cors& cors_;
  std::unordered_map<const transcode::Route*, RouteInfo> routes_;
};

}  // namespace gatehouse::gateway
