#include "member/api/request_metrics.h"

namespace gatehouse::api {

RequestMetrics::RequestMetrics(metrics::Registry& registry, rpc::ServerMetrics& next,
                               RequestLog& log)
    : next_(next),
      log_(log),
      received_bytes_(registry.counter("etcd_network_client_grpc_received_bytes_total",
                                       "The total number of bytes received from grpc clients.")),
      sent_bytes_(registry.counter("etcd_network_client_grpc_sent_bytes_total",
                                   "The total number of bytes sent to grpc clients.")),
      requests_(registry.counter_family("etcd_server_client_requests_total",
                                        "The total number of client requests per client version.",
                                        {"type", "client_api_version"})) {}

metrics::Counter RequestMetrics::requests_of(bool unary, std::string_view version) {
  auto& known = by_version_[unary ? 1 : 0];
  const std::string key(known.size() < kMaxVersions || known.contains(std::string(version))
                            ? version
                            : std::string_view("other"));
  const auto [found, made] = known.try_emplace(key);
  if (made) found->second = requests_.with({unary ? "unary" : "stream", key});
  return found->second;
}

void RequestMetrics::on_call_started(const rpc::Method& method, const rpc::Metadata& metadata) {
  const bool unary = method.kind == rpc::MethodKind::kUnary;
  const std::string_view version =
      rpc::find(metadata, "client-api-version").value_or("unknown");
  const size_t kind = unary ? 1 : 0;
  if (last_version_[kind] != version) {
    last_[kind] = requests_of(unary, version);
    last_version_[kind] = version;
  }
  last_[kind].add();
  next_.on_call_started(method, metadata);
}

void RequestMetrics::on_message_received(const rpc::Method& method, size_t bytes) {
  received_bytes_.add(bytes);
  next_.on_message_received(method, bytes);
}

void RequestMetrics::on_message_sent(const rpc::Method& method, size_t bytes) {
  sent_bytes_.add(bytes);
  next_.on_message_sent(method, bytes);
}

void RequestMetrics::on_call_finished(const rpc::Method& method, StatusCode code,
                                      uint64_t duration_us) {
  log_.finished(method, duration_us);
  next_.on_call_finished(method, code, duration_us);
}

}  // namespace gatehouse::api
