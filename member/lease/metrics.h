// etcd_debugging_lease_*: how many leases came, went and were kept alive. Names are API.
#pragma once

#include "common/metrics/metrics.h"

namespace gatehouse::lease {

// Default-made, it discards.
struct Metrics {
  Metrics() = default;
  explicit Metrics(metrics::Registry& registry)
      : granted(registry.counter("etcd_debugging_lease_granted_total",
                                 "The total number of granted leases.")),
        revoked(registry.counter("etcd_debugging_lease_revoked_total",
                                 "The total number of revoked leases.")),
        renewed(registry.counter("etcd_debugging_lease_renewed_total",
                                 "The number of renewed leases seen by the leader.")),
        ttl(registry.histogram("etcd_debugging_lease_ttl_total",
                               "Bucketed histogram of lease TTLs.",
                               metrics::exponential_buckets(1, 2, 24))) {}

  metrics::Counter granted;
  metrics::Counter revoked;
  metrics::Counter renewed;
  metrics::Histogram ttl;  // seconds, of grants
};

}  // namespace gatehouse::lease
