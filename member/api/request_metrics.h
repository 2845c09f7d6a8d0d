// RequestMetrics: what etcd counts of requests beside grpc_server_*: bytes, and client versions. An
// observer before the one of common/rpc. One for each loop; the series are shared.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "common/metrics/metrics.h"
#include "common/rpc/server.h"
#include "common/rpc/server_metrics.h"
#include "member/api/request_log.h"

namespace gatehouse::api {

class RequestMetrics final : public rpc::ServerObserver {
 public:
  // `next` and `log` outlive it.
  RequestMetrics(metrics::Registry& registry, rpc::ServerMetrics& next, RequestLog& log);

  void on_call_started(const rpc::Method& method, const rpc::Metadata& metadata) override;
  void on_message_received(const rpc::Method& method, size_t bytes) override;
  void on_message_sent(const rpc::Method& method, size_t bytes) override;
  void on_call_finished(const rpc::Method& method, StatusCode code, uint64_t duration_us) override;

 private:
  // Versions are the clients' word: beyond so many a version is counted as "other".
  static constexpr size_t kMaxVersions = 64;

  metrics::Counter requests_of(bool unary, std::string_view version);

  rpc::ServerMetrics& next_;
  RequestLog& log_;
  const metrics::Counter received_bytes_;
  const metrics::Counter sent_bytes_;
  const metrics::Family<metrics::Counter> requests_;
  std::unordered_map<std::string, metrics::Counter> by_version_[2];  // stream, unary
  // The last seen, which is nearly always the next.
  std::string last_version_[2];
  metrics::Counter last_[2];
};

}  // namespace gatehouse::api
