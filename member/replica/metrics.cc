#include "member/replica/metrics.h"

#include "member/apply/describe.h"

namespace gatehouse::replica {

namespace {

std::string_view text(bool success) { return success ? "true" : "false"; }

metrics::Histogram snap_histogram(metrics::Registry& registry, const char* name, const char* help) {
  return registry.histogram(name, help, metrics::exponential_buckets(0.001, 2, 14));
}

}  // namespace

void KindDurations::observe(apply::Kind kind, bool success, std::chrono::nanoseconds took) {
  if (!make_) return;
  const auto number = static_cast<size_t>(kind);
  if (number >= kDense) {
    make_(apply::kind_name(kind), text(success)).observe(took);
    return;
  }
  Series& series = series_[number][success ? 1 : 0];
  if (!series.made) {
    series = {make_(apply::kind_name(kind), text(success)), true};
  }
  series.histogram.observe(took);
}

Metrics::Metrics(metrics::Registry& registry)
    : slow_applies(registry.counter(
          "etcd_server_slow_apply_total",
          "The total number of slow apply requests (likely overloaded from slow disk).")),
      slow_read_indexes(registry.counter(
          "etcd_server_slow_read_indexes_total",
          "The total number of pending read indexes not in sync with leader's or timed out read "
          "index requests.")),
      failed_read_indexes(registry.counter("etcd_server_read_indexes_failed_total",
                                           "The total number of failed read indexes seen.")),
      learner_promotions(registry.counter(
          "etcd_server_learner_promote_successes",
          "The total number of successful learner promotions while this member is leader.")),
      learner_promote_failures(registry.counter_family(
          "etcd_server_learner_promote_failures",
          "The total number of failed learner promotions (likely learner not ready) while this "
          "member is leader.",
          {"Reason"})),
      snap_fsync(snap_histogram(registry, "etcd_snap_fsync_duration_seconds",
                                "The latency distributions of fsync called by snap.")),
      snap_marshalling(snap_histogram(
          registry, "etcd_debugging_snap_save_marshalling_duration_seconds",
          "The marshalling cost distributions of save called by snapshot.")),
      snap_total(snap_histogram(registry, "etcd_debugging_snap_save_total_duration_seconds",
                                "The total latency distributions of save called by snapshot.")),
      apply_(registry.histogram_family(
          "etcd_server_apply_duration_seconds",
          "The latency distributions of v2 apply called by backend.", {"version", "op", "success"},
          metrics::exponential_buckets(0.0001, 2, 20))),
      request_(registry.histogram_family(
          "etcd_server_request_duration_seconds",
          "Response latency distribution in seconds for each type.", {"type", "success"},
          metrics::exponential_buckets(0.001, 2, 14))) {}

KindDurations Metrics::apply_durations() const {
  return KindDurations([family = apply_](std::string_view kind, std::string_view success) {
    return family.with({"v3", kind, success});
  });
}

KindDurations Metrics::request_durations() const {
  return KindDurations([family = request_](std::string_view kind, std::string_view success) {
    return family.with({kind, success});
  });
}

metrics::Histogram Metrics::request_duration(std::string_view type, bool success) const {
  return request_.with({type, text(success)});
}

}  // namespace gatehouse::replica
