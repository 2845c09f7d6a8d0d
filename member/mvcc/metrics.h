// Metrics of the store. Names are API: etcd's.
#pragma once

#include "common/metrics/metrics.h"

namespace gatehouse::mvcc {

class Metrics {
 public:
  explicit Metrics(metrics::Registry& registry);

  metrics::Counter puts;
  metrics::Counter deletes;
  metrics::Counter ranges;  // by whoever answers them
  metrics::Counter txns;
  metrics::UpDownCounter keys;       // living
  metrics::UpDownCounter put_bytes;  // keys and values put
  metrics::Gauge current_revision;
  metrics::Gauge compact_revision;
  metrics::Counter compacted_rows;
  metrics::Histogram compaction_duration;  // milliseconds
  // Milliseconds the writer spent on one batch of removals.
  metrics::Histogram index_compaction_pause;
  metrics::Histogram rows_compaction_pause;
  metrics::Gauge last_compaction;          // Unix seconds
  metrics::Histogram hash_duration;        // of hash_kv
};

}  // namespace gatehouse::mvcc
