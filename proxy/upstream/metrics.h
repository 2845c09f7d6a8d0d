// Metrics of the way to the members. Names and labels are API.
#pragma once

#include <array>
#include <string>

#include "common/base/status.h"
#include "common/metrics/metrics.h"

namespace gatehouse::upstream {

// The families: made once, shared by all loops.
struct Metrics {
  explicit Metrics(metrics::Registry& registry);

  metrics::Family<metrics::Counter> requests;         // {endpoint, code}
  metrics::Family<metrics::Histogram> duration;       // {endpoint}, seconds
  metrics::Family<metrics::UpDownCounter> in_flight;  // {endpoint}
  metrics::Family<metrics::Gauge> healthy;            // {endpoint}, 1 or 0
  metrics::Counter retries;
  metrics::Counter retries_refused;  // by the retry budget
};

// The series of one endpoint, looked up once.
class EndpointMetrics {
 public:
  EndpointMetrics(const Metrics& families, std::string endpoint);

  void on_started() { in_flight_.add(); }
  void on_finished(StatusCode code, uint64_t duration_us);
  // Given up by the client: it has no code and says nothing about the member's speed.
  void on_given_up() { in_flight_.sub(); }
  void set_healthy(bool healthy) { healthy_.set(healthy ? 1 : 0); }

 private:
  const Metrics& families_;
  const std::string endpoint_;
  metrics::Histogram duration_;
  metrics::UpDownCounter in_flight_;
  metrics::Gauge healthy_;
  // Made on the first call that ends so: most of the 17 codes never occur.
  std::array<metrics::Counter, kStatusCodeCount> by_code_;
  std::array<bool, kStatusCodeCount> made_{};
};

}  // namespace gatehouse::upstream
