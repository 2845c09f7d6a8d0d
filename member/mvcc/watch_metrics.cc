#include "member/mvcc/watch_metrics.h"

namespace gatehouse::mvcc {
namespace {

metrics::Histogram send_loop(metrics::Registry& registry, const char* name, const char* help) {
  return registry.histogram(name, help, metrics::exponential_buckets(0.001, 2, 14));
}

}  // namespace

WatchMetrics::WatchMetrics(metrics::Registry& registry)
    : streams(registry.up_down_counter("etcd_debugging_mvcc_watch_stream_total",
                                       "Total number of watch streams.")),
      watchers(registry.up_down_counter("etcd_debugging_mvcc_watcher_total",
                                        "Total number of watchers.")),
      slow_watchers(registry.up_down_counter("etcd_debugging_mvcc_slow_watcher_total",
                                             "Total number of unsynced slow watchers.")),
      pending_events(registry.up_down_counter("etcd_debugging_mvcc_pending_events_total",
                                              "Total number of pending events to be sent.")),
      events(registry.counter("etcd_debugging_mvcc_events_total",
                              "Total number of events sent by this member.")),
      send_events(send_loop(registry,
                            "etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds",
                            "The total duration in seconds of running through the send loop watch "
                            "stream response all events.")),
      send_per_event(send_loop(
          registry,
          "etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds",
          "The average duration in seconds of running through the send loop watch stream response, "
          "per event.")),
      send_control(send_loop(
          registry, "etcd_debugging_server_watch_send_loop_control_stream_duration_seconds",
          "The total duration in seconds of running through the send loop control stream "
          "response.")),
      send_progress(send_loop(
          registry, "etcd_debugging_server_watch_send_loop_progress_duration_seconds",
          "The total duration in seconds of running through the progress loop control stream "
          "response.")) {}

}  // namespace gatehouse::mvcc
