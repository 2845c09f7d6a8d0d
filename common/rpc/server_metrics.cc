#include "common/rpc/server_metrics.h"

#include <chrono>
#include <string_view>

namespace gatehouse::rpc {

namespace {

std::string_view type_label(MethodKind kind) {
  switch (kind) {
    case MethodKind::kUnary:
      return "unary";
    case MethodKind::kClientStream:
      return "client_stream";
    case MethodKind::kServerStream:
      return "server_stream";
    case MethodKind::kBidiStream:
      break;
  }
  return "bidi_stream";
}

metrics::LabelNames method_labels() { return {"grpc_type", "grpc_service", "grpc_method"}; }

}  // namespace

ServerMetrics::ServerMetrics(metrics::Registry& registry)
    : started_(registry.counter_family("grpc_server_started_total",
                                       "Total number of RPCs started on the server.",
                                       method_labels())),
      handled_(registry.counter_family(
          "grpc_server_handled_total",
          "Total number of RPCs completed on the server, regardless of success or failure.",
          {"grpc_type", "grpc_service", "grpc_method", "grpc_code"})),
      received_(registry.counter_family(
          "grpc_server_msg_received_total",
          "Total number of RPC stream messages received on the server.", method_labels())),
      sent_(registry.counter_family("grpc_server_msg_sent_total",
                                    "Total number of gRPC stream messages sent by the server.",
                                    method_labels())),
      duration_(registry.histogram_family(
          "grpc_server_handling_seconds",
          "Histogram of response latency (seconds) of gRPC that had been application-level "
          "handled by the server.",
          method_labels(), metrics::default_buckets())) {}

void ServerMetrics::prepare(const std::vector<Method>& methods) {
  for (const Method& method : methods) handled(method, series_of(method), StatusCode::kOk);
}

ServerMetrics::Series& ServerMetrics::series_of(const Method& method) {
  std::unique_ptr<Series>& series = series_[&method];
  if (!series) {
    series = std::make_unique<Series>();
    const std::initializer_list<std::string_view> labels = {type_label(method.kind), method.service,
                                                            method.name};
    series->started = started_.with(labels);
    series->received = received_.with(labels);
    series->sent = sent_.with(labels);
    series->duration = duration_.with(labels);
  }
  return *series;
}

metrics::Counter& ServerMetrics::handled(const Method& method, Series& series, StatusCode code) {
  const auto index = static_cast<size_t>(code);
  if (!series.handled_made[index]) {
    series.handled[index] = handled_.with(
        {type_label(method.kind), method.service, method.name, status_code_name(code)});
    series.handled_made[index] = true;
  }
  return series.handled[index];
}

void ServerMetrics::on_call_started(const Method& method, const Metadata&) {
  series_of(method).started.add();
}

void ServerMetrics::on_message_received(const Method& method, size_t) {
  series_of(method).received.add();
}

void ServerMetrics::on_message_sent(const Method& method, size_t) { series_of(method).sent.add(); }

void ServerMetrics::on_call_finished(const Method& method, StatusCode code, uint64_t duration_us) {
  Series& series = series_of(method);
  handled(method, series, code).add();
  series.duration.observe(std::chrono::microseconds(duration_us));
}

}  // namespace gatehouse::rpc
