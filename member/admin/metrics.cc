#include "member/admin/metrics.h"

namespace gatehouse::admin {

Metrics::Metrics(metrics::Registry& registry)
    : health_success(registry.counter("etcd_server_health_success",
                                      "The total number of successful health checks")),
      health_failures(registry.counter("etcd_server_health_failures",
                                       "The total number of failed health checks")),
      healthcheck_(registry.gauge_family("etcd_server_healthcheck",
                                         "The result of each kind of healthcheck.",
                                         {"type", "name"})),
      healthchecks_(registry.counter_family("etcd_server_healthchecks_total",
                                            "The total number of each kind of healthcheck.",
                                            {"type", "name", "status"})) {}

void Metrics::checked(std::string_view type, std::string_view name, bool good) const {
  healthcheck_.with({type, name}).set(good ? 1 : 0);
  healthchecks_.with({type, name, good ? "success" : "error"}).add();
}

}  // namespace gatehouse::admin
