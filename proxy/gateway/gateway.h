// Gateway: REST to gRPC. JSON comes in by HTTP, a call goes to a member, its answer goes back as
// JSON: etcd's gateway, with its paths, bodies and status codes.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/metrics/metrics.h"
#include "common/transcode/route_table.h"
#include "common/transcode/transcoder.h"
#include "proxy/services/passthrough.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::gateway {

// Names and labels are API. One for all loops.
class Metrics {
 public:
  explicit Metrics(metrics::Registry& registry);

  metrics::Family<metrics::Counter> requests;    // {path, code}: of a route, HTTP status
  metrics::Family<metrics::Histogram> duration;  // {path}, seconds; unary calls
  metrics::UpDownCounter in_flight;
};

// What is known about a route before a request comes.
class RouteInfo {
 public:
  RouteInfo(const transcode::Route& route, const Metrics& metrics);

  const transcode::Route& route;
  const upstream::CallKind kind;
  const metrics::Histogram duration;
  const metrics::UpDownCounter in_flight;

  // Errors are looked up as they occur; they cost a lock that good answers do not.
  void count(int status) const;

 private:
  const Metrics& metrics_;
  const metrics::Counter good_;
};

struct Limits {
  services::UpstreamLimits upstream;
  // Of a request's body; looked at before any of it is decoded. Enough for a message of the largest
  // size in base64.
  size_t max_body_bytes = 3 * 1024 * 1024;
};

class Gateway {
 public:
  // True for the paths that are the gateway's to answer, known to it or not: /v3/…, /v3beta/…,
  // /v3alpha/….
  static bool is_for(std::string_view path);

  // For one loop. All that is referred to must outlive it.
  Gateway(upstream::Upstream& upstream, const transcode::Transcoder& transcoder,
          const Metrics& metrics, Limits limits);

  // For requests whose path is_for() the gateway.
  std::unique_ptr<http::StreamHandler> start(http::ServerStream& stream);

 private:
  upstream::Upstream& upstream_;
  const transcode::Transcoder& transcoder_;
  const Metrics& metrics_;
  const Limits limits_;
  std::unordered_map<const transcode::Route*, RouteInfo> routes_;
};

}  // namespace gatehouse::gateway
