#include "common/gateway/gateway.h"

#include <chrono>
#include <string>
#include <utility>

#include "common/transcode/envelope.h"
#include "common/transcode/headers.h"
#include "common/gateway/exchange.h"
#include "common/web/answer.h"

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

}  // namespace

Metrics::Metrics(metrics::Registry& registry, const std::string& prefix)
    : requests(registry.counter_family(prefix + "_requests_total",
                                       "REST requests, by path and HTTP status.",
                                       {"path", "code"})),
      duration(registry.histogram_family(prefix + "_request_duration_seconds",
                                         "Time from a REST request's head to its answer.", {"path"},
                                         metrics::exponential_buckets(0.0001, 2, 18))),
      in_flight(registry.up_down_counter(prefix + "_requests_in_flight",
                                         "REST requests and streams under way.")) {}

RouteInfo::RouteInfo(const transcode::Route& the_route, rpc::CallTarget& the_target,
                     const Metrics& metrics)
    : route(the_route),
      target(the_target),
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

Gateway::Gateway(env::Executor& executor, const TargetFor& target_for,
                 const transcode::Transcoder& transcoder, const Metrics& metrics, Limits limits,
                 const web::Cors& cors)
    : executor_(executor),
      transcoder_(transcoder),
      metrics_(metrics),
      limits_(limits),
      cors_(cors) {
  for (const transcode::Route& route : transcode::RouteTable::instance().routes()) {
    routes_.try_emplace(&route, route, target_for(route), metrics_);
  }
}

std::unique_ptr<http::StreamHandler> Gateway::start(http::ServerStream& stream) {
  const http::RequestHead& head = stream.request();
  const auto refuse = [&](const Status& status, std::string_view path) {
    web::Answer answer;
    answer.status = transcode::http_status(status.code());
    answer.body = transcode::error_body(status);
    metrics_.requests.with({path, std::to_string(answer.status)}).add();
    return web::answer_now(stream, answer, cors_);
  };

  const auto route = transcode::RouteTable::instance().find(head.method, head.path);
  // Paths come from clients: only those of the table are labels.
  if (!route.ok()) return refuse(route.status(), "unknown");
  auto headers = transcode::call_headers(fields_of(head), peer_ip(stream.peer().address));
  if (!headers.ok()) return refuse(headers.status(), (*route)->path);

  const RouteInfo& info = routes_.at(*route);
  Context context{stream, info, executor_, transcoder_, limits_, cors_, /*options=*/{}};
  context.options.metadata = std::move(headers->metadata);
  context.options.max_receive_bytes = limits_.max_receive_bytes;
  if (headers->timeout) {
    // Rounded up: a deadline must not come before its time.
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(*headers->timeout);
    context.options.deadline_ms = executor_.now_ms() + static_cast<uint64_t>(timeout.count());
  }
  return info.route.streaming == transcode::Streaming::kUnary ? start_unary(std::move(context))
                                                              : start_stream(std::move(context));
}

}  // namespace gatehouse::gateway
