#include "member/cluster_metrics.h"

namespace gatehouse::member {

ClusterMetrics::ClusterMetrics(metrics::Registry& registry)
    : snapshot_applying(registry.gauge(
          "etcd_server_snapshot_apply_in_progress_total",
          "1 if the server is applying the incoming snapshot. 0 if none.")),
      heartbeat_failures(registry.counter(
          "etcd_server_heartbeat_send_failures_total",
          "The total number of leader heartbeat send failures (likely overloaded from slow "
          "disk).")),
      database_sync(registry.histogram("etcd_snap_db_fsync_duration_seconds",
                                       "The latency distributions of fsyncing .snap.db file",
                                       metrics::exponential_buckets(0.001, 2, 14))),
      database_save(registry.histogram("etcd_snap_db_save_total_duration_seconds",
                                       "The total latency distributions of v3 snapshot save",
                                       metrics::exponential_buckets(0.1, 2, 10))) {}

}  // namespace gatehouse::member
