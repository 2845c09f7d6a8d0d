// The metrics of a member's part in a cluster that belong to no room of its own. Names, labels and
// buckets are etcd's, and API.
#pragma once

#include <string>

#include "common/metrics/metrics.h"

namespace gatehouse::member {

class ClusterMetrics {
 public:
  explicit ClusterMetrics(metrics::Registry& registry);

  metrics::Gauge snapshot_applying;       // etcd_server_snapshot_apply_in_progress_total
  metrics::Counter heartbeat_failures;    // etcd_server_heartbeat_send_failures_total
  metrics::Histogram database_sync;       // etcd_snap_db_fsync_duration_seconds
  metrics::Histogram database_save;       // etcd_snap_db_save_total_duration_seconds
};

}  // namespace gatehouse::member
