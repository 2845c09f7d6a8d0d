#include "member/transport/metrics.h"

#include "member/transport/identity.h"

namespace gatehouse::transport {

PeerMetricFamilies::PeerMetricFamilies(metrics::Registry* registry, raft::NodeId local)
    : local_(to_hex(local)) {
  if (registry == nullptr) return;
  const metrics::LabelNames both = {"Local", "Remote"};
  active_ = registry->up_down_counter_family(
      "etcd_network_active_peers", "The current number of active peer connections.", both);
  disconnected_ = registry->counter_family("etcd_network_disconnected_peers_total",
                                           "The total number of disconnected peers.", both);
  known_ = registry->gauge_family("etcd_network_known_peers",
                                  "The current number of known peers.", both);
  sent_bytes_ = registry->counter_family("etcd_network_peer_sent_bytes_total",
                                         "The total number of bytes sent to peers.", {"To"});
  received_bytes_ =
      registry->counter_family("etcd_network_peer_received_bytes_total",
                               "The total number of bytes received from peers.", {"From"});
  sent_failures_ =
      registry->counter_family("etcd_network_peer_sent_failures_total",
                               "The total number of send failures from peers.", {"To"});
  received_failures_ =
      registry->counter_family("etcd_network_peer_received_failures_total",
                               "The total number of receive failures from peers.", {"From"});
  round_trip_ = registry->histogram_family("etcd_network_peer_round_trip_time_seconds",
                                           "Round-Trip-Time histogram between peers", {"To"},
                                           metrics::exponential_buckets(0.0001, 2, 16));
  const std::vector<double> seconds = metrics::exponential_buckets(0.1, 2, 10);
  snapshot_sent_ = registry->counter_family("etcd_network_snapshot_send_success",
                                            "Total number of successful snapshot sends", {"To"});
  snapshot_send_failures_ = registry->counter_family(
      "etcd_network_snapshot_send_failures", "Total number of snapshot send failures", {"To"});
  snapshot_sending_ =
      registry->up_down_counter_family("etcd_network_snapshot_send_inflights_total",
                                       "Total number of inflight snapshot sends", {"To"});
  snapshot_send_duration_ =
      registry->histogram_family("etcd_network_snapshot_send_total_duration_seconds",
                                 "Total latency distributions of v3 snapshot sends", {"To"},
                                 seconds);
  snapshot_received_ =
      registry->counter_family("etcd_network_snapshot_receive_success",
                               "Total number of successful snapshot receives", {"From"});
  snapshot_receive_failures_ =
      registry->counter_family("etcd_network_snapshot_receive_failures",
                               "Total number of snapshot receive failures", {"From"});
  snapshot_receiving_ =
      registry->up_down_counter_family("etcd_network_snapshot_receive_inflights_total",
                                       "Total number of inflight snapshot receives", {"From"});
  snapshot_receive_duration_ =
      registry->histogram_family("etcd_network_snapshot_receive_total_duration_seconds",
                                 "Total latency distributions of v3 snapshot receives", {"From"},
                                 seconds);
}

PeerMetrics PeerMetricFamilies::of(raft::NodeId peer) const {
  const std::string id = to_hex(peer);
  return {
      .active = active_.with({local_, id}),
      .disconnected = disconnected_.with({local_, id}),
      .known = known_.with({local_, id}),
      .sent_bytes = sent_bytes_.with({id}),
      .received_bytes = received_bytes_.with({id}),
      .sent_failures = sent_failures_.with({id}),
      .received_failures = received_failures_.with({id}),
      .round_trip = round_trip_.with({id}),
      .snapshot_sent = snapshot_sent_.with({id}),
      .snapshot_send_failures = snapshot_send_failures_.with({id}),
      .snapshot_sending = snapshot_sending_.with({id}),
      .snapshot_send_duration = snapshot_send_duration_.with({id}),
      .snapshot_received = snapshot_received_.with({id}),
      .snapshot_receive_failures = snapshot_receive_failures_.with({id}),
      .snapshot_receiving = snapshot_receiving_.with({id}),
      .snapshot_receive_duration = snapshot_receive_duration_.with({id}),
  };
}

}  // namespace gatehouse::transport
