// What the health paths count. Names and labels are etcd's.
#pragma once

#include <string_view>

#include "common/metrics/metrics.h"

namespace gatehouse::admin {

// One for all loops.
class Metrics {
 public:
  explicit Metrics(metrics::Registry& registry);

  // /health
  metrics::Counter health_success;   // etcd_server_health_success
  metrics::Counter health_failures;  // etcd_server_health_failures

  // One check of /livez or /readyz: `type` is "livez" or "readyz".
  void checked(std::string_view type, std::string_view name, bool good) const;

 private:
  metrics::Family<metrics::Gauge> healthcheck_;     // etcd_server_healthcheck{type,name}
  metrics::Family<metrics::Counter> healthchecks_;  // etcd_server_healthchecks_total{…,status}
};

}  // namespace gatehouse::admin
