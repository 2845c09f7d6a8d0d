// Metrics of watching, under etcd's names. Names and types are API: several *_total are gauges there.
#pragma once

#include "common/metrics/metrics.h"

namespace gatehouse::mvcc {

// Made once, shared by all loops. Default-made: discards.
struct WatchMetrics {
  WatchMetrics() = default;
  explicit WatchMetrics(metrics::Registry& registry);

  metrics::UpDownCounter streams;
  metrics::UpDownCounter watchers;
  metrics::UpDownCounter slow_watchers;   // behind, or waiting for their client
  metrics::UpDownCounter pending_events;  // published, not yet looked at by a loop
  metrics::Counter events;                // sent, per watcher

  // Seconds. One observation covers a pass over all watchers that had events, not one response.
  metrics::Histogram send_events;
  metrics::Histogram send_per_event;
  metrics::Histogram send_control;   // a request of the client's and its answer
  metrics::Histogram send_progress;  // a tick of a stream's progress timer
};

}  // namespace gatehouse::mvcc
