// Metrics of the mirrors. Names and labels are API.
#pragma once

#include "common/metrics/metrics.h"

namespace gatehouse::mirror {

// Made once, shared by all loops.
struct Metrics {
  explicit Metrics(metrics::Registry& registry)
      : answered(registry.counter_family(
            "gatehouse_proxy_cache_requests_total",
            "Range requests, by where the answer came from: hit (a mirror, at once), stale_wait "
            "(a mirror, once it had got far enough), miss (a member), joined (a member's answer to "
            "the same request of another), bypass (a member: no mirror may answer).",
            {"result"})),
        hit(answered.with({"hit"})),
        stale_wait(answered.with({"stale_wait"})),
        miss(answered.with({"miss"})),
        joined(answered.with({"joined"})),
        bypass(answered.with({"bypass"})),
        probes(registry.counter("gatehouse_proxy_revision_probes_total",
                                "Questions to a member for its revision, each for all linearizable "
                                "reads that waited.")),
        reloads(registry.counter("gatehouse_proxy_cache_reloads_total",
                                 "Lists of a mirrored range from its beginning.")),
        resumes(registry.counter("gatehouse_proxy_cache_watch_resumes_total",
                                 "Upstream watches taken up again where they broke.")),
        events_in(registry.counter("gatehouse_proxy_watch_events_in_total",
                                   "Events from members for mirrors.")),
        events_out(registry.counter("gatehouse_proxy_watch_events_out_total",
                                    "Events sent to watchers from mirrors.")),
        watchers(registry.up_down_counter_family("gatehouse_proxy_watchers",
                                                 "Watchers, by where their events come from.",
                                                 {"source"})),
        mirror_watchers(watchers.with({"mirror"})),
        member_watchers(watchers.with({"member"})),
        slow_cancelled(registry.counter("gatehouse_proxy_slow_watchers_cancelled_total",
                                        "Watchers cancelled for having fallen out of the window.")),
        upstream_watches(registry.up_down_counter("gatehouse_proxy_upstream_watches",
                                                  "Watches of mirrors at the members.")),
        keepalives_in(registry.counter("gatehouse_proxy_lease_keepalives_in_total",
                                       "Keep-alives from clients.")),
        keepalives_out(registry.counter("gatehouse_proxy_lease_keepalives_out_total",
                                        "Keep-alives sent to members.")),
        probe_seconds(registry.histogram("gatehouse_proxy_linearizable_wait_seconds",
                                         "How long a linearizable read waited until a mirror could "
                                         "answer it.",
                                         metrics::exponential_buckets(0.0001, 2, 16))),
        cache_hits(registry.up_down_counter("etcd_grpc_proxy_cache_hits_total",
                                            "Total number of cache hits")),
        cache_misses(registry.up_down_counter("etcd_grpc_proxy_cache_misses_total",
                                              "Total number of cache misses")),
        events_coalescing(registry.counter("etcd_grpc_proxy_events_coalescing_total",
                                           "Total number of events coalescing")),
        watchers_coalescing(registry.up_down_counter("etcd_grpc_proxy_watchers_coalescing_total",
                                                     "Total number of current watchers "
                                                     "coalescing")) {}

  metrics::Family<metrics::Counter> answered;
  metrics::Counter hit, stale_wait, miss, joined, bypass;
  metrics::Counter probes;
  metrics::Counter reloads;
  metrics::Counter resumes;
  metrics::Counter events_in;
  metrics::Counter events_out;
  metrics::Family<metrics::UpDownCounter> watchers;
  metrics::UpDownCounter mirror_watchers, member_watchers;
  metrics::Counter slow_cancelled;
  metrics::UpDownCounter upstream_watches;
  metrics::Counter keepalives_in, keepalives_out;
  metrics::Histogram probe_seconds;

  // Of etcd's proxy, with its types; etcd_grpc_proxy_cache_keys_total is computed (proxy.cc).
  metrics::UpDownCounter cache_hits, cache_misses;
  metrics::Counter events_coalescing;
  metrics::UpDownCounter watchers_coalescing;
};

}  // namespace gatehouse::mirror
