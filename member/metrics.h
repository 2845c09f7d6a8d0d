// The metrics of a member that belong to no room of its own. Names, labels and buckets are etcd's,
// and API.
#pragma once

#include <cstdint>
#include <string>

#include "common/metrics/metrics.h"
#include "member/alarm/alarm_store.h"
#include "member/feature_gates.h"
#include "member/replica/replica.h"

namespace gatehouse::member {

class Metrics {
 public:
  explicit Metrics(metrics::Registry& registry);

  metrics::Histogram wal_sync;         // etcd_disk_wal_fsync_duration_seconds
  metrics::UpDownCounter wal_bytes;    // etcd_disk_wal_write_bytes_total
  metrics::Histogram wal_write;        // etcd_disk_wal_write_duration_seconds
  metrics::Histogram backend_commit;   // etcd_disk_backend_commit_duration_seconds
  metrics::Histogram backend_spill;    // etcd_debugging_disk_backend_commit_spill_duration_seconds
  metrics::Histogram backend_write;    // etcd_debugging_disk_backend_commit_write_duration_seconds
  metrics::Histogram defragment;       // etcd_disk_backend_defrag_duration_seconds
  metrics::Histogram snapshot;         // etcd_disk_backend_snapshot_duration_seconds
  metrics::Counter leader_changes;     // etcd_server_leader_changes_seen_total
  metrics::Counter leases_expired;     // etcd_debugging_server_lease_expired_total
  metrics::Histogram hash;             // etcd_mvcc_hash_duration_seconds

  // etcd_cluster_version, one series for each that was seen: 1 for the present one. The writer's
  // thread.
  void set_cluster_version(const std::string& version);
  // etcd_debugging_server_alarms: 1 while it is on.
  void set_alarm(const alarm::Alarm& alarm, bool on) const;

 private:
  metrics::Family<metrics::Gauge> cluster_version_;
  metrics::Family<metrics::Gauge> alarms_;
  std::string version_;
};

struct ServerFacts {
  uint64_t member_id = 0;
  std::string version;
  uint64_t quota_bytes = 0;
  FeatureGates gates;
};

// Series that are looked up at each scrape: the replica's progress, the store, the database. All
// that is referred to outlives the registry's use.
void add_server_metrics(metrics::Registry& registry, const replica::Replica& replica,
                        const replica::Replica::State& state, const ServerFacts& facts);

}  // namespace gatehouse::member
