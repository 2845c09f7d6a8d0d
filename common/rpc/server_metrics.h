// grpc_server_*: the metrics that every gRPC server of the etcd world has (go-grpc-middleware's
// names and labels), and dashboards and alerts query.
#pragma once

#include <array>
#include <memory>
#include <unordered_map>

#include "common/metrics/metrics.h"
#include "common/rpc/server.h"

namespace gatehouse::rpc {

// The observer of one loop's server; the series are shared by all loops.
//
// Every method of the server is at 0 from the start, each with code OK, so that rate() and absent()
// see it.
class ServerMetrics final : public ServerObserver {
 public:
  explicit ServerMetrics(metrics::Registry& registry);

  // Before serving: makes the series of these methods.
  void prepare(const std::vector<Method>& methods);

  void on_call_started(const Method& method, const Metadata& metadata) override;
  void on_message_received(const Method& method, size_t bytes) override;
  void on_message_sent(const Method& method, size_t bytes) override;
  void on_call_finished(const Method& method, StatusCode code, uint64_t duration_us) override;

 private:
  struct Series {
    metrics::Counter started;
    metrics::Counter received;
    metrics::Counter sent;
    metrics::Histogram duration;
    std::array<metrics::Counter, kStatusCodeCount> handled;
    std::array<bool, kStatusCodeCount> handled_made{};
  };

  Series& series_of(const Method& method);
  metrics::Counter& handled(const Method& method, Series& series, StatusCode code);

  metrics::Family<metrics::Counter> started_;
  metrics::Family<metrics::Counter> handled_;
  metrics::Family<metrics::Counter> received_;
  metrics::Family<metrics::Counter> sent_;
  metrics::Family<metrics::Histogram> duration_;
  // By the method's address, which a server keeps for its life.
  std::unordered_map<const Method*, std::unique_ptr<Series>> series_;
};

}  // namespace gatehouse::rpc
