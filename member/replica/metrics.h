// What etcd tells of proposals and of their application, under its names. Names are API.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>

#include "common/metrics/metrics.h"
#include "member/apply/request.h"

namespace gatehouse::replica {

// One histogram for each kind of request and for success or failure, made when the first is
// observed. For one thread; the series are shared. Default-made: discards.
class KindDurations {
 public:
  using Make = std::function<metrics::Histogram(std::string_view kind, std::string_view success)>;

  KindDurations() = default;
  explicit KindDurations(Make make) : make_(std::move(make)) {}

  void observe(apply::Kind kind, bool success, std::chrono::nanoseconds took);

 private:
  struct Series {
    metrics::Histogram histogram;
    bool made = false;
  };
  // Those of the log's most frequent requests have numbers below this; others are looked up.
  static constexpr size_t kDense = 16;

  Make make_;
  std::array<std::array<Series, 2>, kDense> series_;
};

// Made once, shared by all loops. Default-made: discards.
class Metrics {
 public:
  Metrics() = default;
  explicit Metrics(metrics::Registry& registry);

  // etcd_server_apply_duration_seconds, _request_duration_seconds: a thread's own.
  KindDurations apply_durations() const;
  KindDurations request_durations() const;
  // The latter's series of a read, which is no proposal: "Range", "ReadonlyTxn".
  metrics::Histogram request_duration(std::string_view type, bool success) const;

  metrics::Counter slow_applies;           // etcd_server_slow_apply_total
  metrics::Counter slow_read_indexes;      // etcd_server_slow_read_indexes_total
  metrics::Counter failed_read_indexes;    // etcd_server_read_indexes_failed_total
  metrics::Counter learner_promotions;     // etcd_server_learner_promote_successes
  metrics::Family<metrics::Counter> learner_promote_failures;  // …_failures, by Reason
  // etcd_snap_fsync_duration_seconds, etcd_debugging_snap_save_*: of a .snap file.
  metrics::Histogram snap_fsync;
  metrics::Histogram snap_marshalling;
  metrics::Histogram snap_total;

 private:
  metrics::Family<metrics::Histogram> apply_;
  metrics::Family<metrics::Histogram> request_;
};

}  // namespace gatehouse::replica
