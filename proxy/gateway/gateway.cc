#include "proxy/gateway/gateway.h"

#include <chrono>
#include <string>
#include <utility>

#include "common/transcode/envelope.h"
#include "common/transcode/headers.h"
#include "proxy/gateway/exchange.h"
#include "proxy/services/methods.h"
#include "proxy/web/answer.h"

namespace gatehouse::gateway {

namespace {

std::string peer_ip(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || address.starts_with("unix")) return {};
  std::string ip = address.substr(0, colon);
  if (ip.size() > 2 && ip.front() == '[') ip = ip.substr(1, ip.size() - 2);
  return ip;
}

transcode::Headers fields_of(const http::RequestHead& head) {
  transcode::Headers fields;
  fields.reserve(head.headers.size() + 1);
  for (const auto field : head.headers) fields.emplace_back(field.name, field.value);
  // HTTP/1 says it in a field, HTTP/2 in a pseudo-header; the mapping wants the field.
  if (!head.authority.empty() && !head.headers.get("host")) {
    fields.emplace_back("host", head.authority);
  }
  return fields;
}

// How the contract's method may be sent on.
upstream::CallKind kind_of(const transcode::Route& route) {
  upstream::CallKind kind{.stream = route.streaming != transcode::Streaming::kUnary};
  const std::string_view path = route.grpc_path;
  const size_t slash = path.rfind('/');
  for (const services::Rpc& rpc : services::all_rpcs()) {
    if (path.substr(1, slash - 1) == rpc.service && path.substr(slash + 1) == rpc.name) {
      kind.repeat = rpc.repeat;
    }
  }
  return kind;
}

}  // namespace

Metrics::Metrics(metrics::Registry& registry)
    : requests(registry.counter_family("gatehouse_proxy_rest_requests_total",
                                       "REST requests, by path and HTTP status.",
                                       {"path", "code"})),
      duration(registry.histogram_family("gatehouse_proxy_rest_request_duration_seconds",
                                         "Time from a REST request's head to its answer.", {"path"},
                                         metrics::exponential_buckets(0.0001, 2, 18))),
      in_flight(registry.up_down_counter("gatehouse_proxy_rest_requests_in_flight",
                                         "REST requests and streams under way.")) {}

RouteInfo::RouteInfo(const transcode::Route& the_route, const Metrics& metrics)
    : route(the_route),
      kind(kind_of(the_route)),
      duration(metrics.duration.with({route.path})),
      in_flight(metrics.in_flight),
      metrics_(metrics),
      good_(metrics.requests.with({route.path, "200"})) {}

void RouteInfo::count(int status) const {
  if (status == 200) {
    good_.add();
  } else {
    metrics_.requests.with({route.path, std::to_string(status)}).add();
  }
}

bool Gateway::is_for(std::string_view path) {
  return path.starts_with("/v3/") || path.starts_with("/v3beta/") || path.starts_with("/v3alpha/");
}

Gateway::Gateway(upstream::Upstream& upstream, const transcode::Transcoder& transcoder,
                 const Metrics& metrics, Limits limits)
    : upstream_(upstream), transcoder_(transcoder), metrics_(metrics), limits_(limits) {
  for (const transcode::Route& route : transcode::RouteTable::instance().routes()) {
    routes_.try_emplace(&route, route, metrics_);
  }
}

std::unique_ptr<http::StreamHandler> Gateway::start(http::ServerStream& stream) {
  const http::RequestHead& head = stream.request();
  const auto refuse = [&](const Status& status, std::string_view path) {
    web::Answer answer;
    answer.status = transcode::http_status(status.code());
    answer.body = transcode::error_body(status);
    metrics_.requests.with({path, std::to_string(answer.status)}).add();
    return web::answer_now(stream, answer);
  };

  const auto route = transcode::RouteTable::instance().find(head.method, head.path);
  // Paths come from clients: only those of the table are labels.
  if (!route.ok()) return refuse(route.status(), "unknown");
  auto headers = transcode::call_headers(fields_of(head), peer_ip(stream.peer().address));
  if (!headers.ok()) return refuse(headers.status(), (*route)->path);

  const RouteInfo& info = routes_.at(*route);
  Context context{stream, info, upstream_, transcoder_, limits_, /*options=*/{}};
  context.options.metadata = std::move(headers->metadata);
  context.options.max_receive_bytes = limits_.upstream.max_receive_bytes;
  if (headers->timeout) {
    // Rounded up: a deadline must not come before its time.
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(*headers->timeout);
    context.options.deadline_ms =
        upstream_.executor().now_ms() + static_cast<uint64_t>(timeout.count());
  }
  return info.kind.stream ? start_stream(std::move(context)) : start_unary(std::move(context));
}

}  // namespace gatehouse::gateway
