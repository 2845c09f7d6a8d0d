// etcd_network_*: what dashboards and alerts of etcd query about peers. Names, labels and buckets
// are etcd's.
#pragma once

#include <string>

#include "common/metrics/metrics.h"
#include "member/raft/types.h"

namespace gatehouse::transport {

// Handles of one peer; made once. Default-made ones discard.
struct PeerMetrics {
  metrics::UpDownCounter active;
  metrics::Counter disconnected;
  metrics::Gauge known;
  metrics::Counter sent_bytes;
  metrics::Counter received_bytes;
  metrics::Counter sent_failures;
  metrics::Counter received_failures;
  metrics::Histogram round_trip;
  metrics::Counter snapshot_sent;
  metrics::Counter snapshot_send_failures;
  metrics::UpDownCounter snapshot_sending;
  metrics::Histogram snapshot_send_duration;
  metrics::Counter snapshot_received;
  metrics::Counter snapshot_receive_failures;
  metrics::UpDownCounter snapshot_receiving;
  metrics::Histogram snapshot_receive_duration;
};

class PeerMetricFamilies {
 public:
  // `registry` may be null: all handles discard.
  PeerMetricFamilies(metrics::Registry* registry, raft::NodeId local);
  // Series stay when a peer goes, as etcd's do.
  PeerMetrics of(raft::NodeId peer) const;

 private:
  std::string local_;
  metrics::Family<metrics::UpDownCounter> active_;
  metrics::Family<metrics::Counter> disconnected_;
  metrics::Family<metrics::Gauge> known_;
  metrics::Family<metrics::Counter> sent_bytes_, received_bytes_;
  metrics::Family<metrics::Counter> sent_failures_, received_failures_;
  metrics::Family<metrics::Histogram> round_trip_;
  metrics::Family<metrics::Counter> snapshot_sent_, snapshot_send_failures_;
  metrics::Family<metrics::UpDownCounter> snapshot_sending_;
  metrics::Family<metrics::Histogram> snapshot_send_duration_;
  metrics::Family<metrics::Counter> snapshot_received_, snapshot_receive_failures_;
  metrics::Family<metrics::UpDownCounter> snapshot_receiving_;
  metrics::Family<metrics::Histogram> snapshot_receive_duration_;
};

}  // namespace gatehouse::transport
