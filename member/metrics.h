// The metrics of a member that belong to no room of its own. Names, labels and buckets are etcd's,
// and API.
#pragma once

#include <cstdint>
#include <string>

#include "common/metrics/metrics.h"
#include "member/replica/replica.h"

namespace gatehouse::member {

class Metrics {
 public:
  explicit Metrics(metrics::Registry& registry);

  metrics::Histogram wal_sync;         // etcd_disk_wal_fsync_duration_seconds
  metrics::UpDownCounter wal_bytes;    // etcd_disk_wal_write_bytes_total
  metrics::Histogram backend_commit;   // etcd_disk_backend_commit_duration_seconds
  metrics::Counter leader_changes;     // etcd_server_leader_changes_seen_total
  metrics::Counter leases_expired;     // etcd_debugging_server_lease_expired_total
};

struct ServerFacts {
  uint64_t member_id = 0;
  std::string version;
  uint64_t quota_bytes = 0;
};

// Series that are looked up at each scrape: the replica's progress, the store, the database. All
// that is referred to outlives the registry's use.
void add_server_metrics(metrics::Registry& registry, const replica::Replica& replica,
                        const replica::Replica::State& state, const ServerFacts& facts);

}  // namespace gatehouse::member
