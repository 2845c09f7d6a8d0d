#include "proxy/upstream/metrics.h"

#include <chrono>
#include <utility>

namespace gatehouse::upstream {

Metrics::Metrics(metrics::Registry& registry)
    : requests(registry.counter_family("gatehouse_proxy_upstream_requests_total",
                                       "Calls to members, by how they ended.",
                                       {"endpoint", "code"})),
      duration(
          registry.histogram_family("gatehouse_proxy_upstream_request_duration_seconds",
                                    "Time from sending a unary call to a member to its answer.",
                                    {"endpoint"}, metrics::exponential_buckets(0.0001, 2, 18))),
      in_flight(registry.up_down_counter_family("gatehouse_proxy_upstream_requests_in_flight",
                                                "Calls and streams under way to members.",
                                                {"endpoint"})),
      healthy(registry.gauge_family("gatehouse_proxy_upstream_healthy",
                                    "Whether a member gets calls (1) or is left out (0).",
                                    {"endpoint"})),
      retries(registry.counter("gatehouse_proxy_upstream_retries_total",
                               "Calls sent again to another member.")),
      retries_refused(
          registry.counter("gatehouse_proxy_upstream_retries_refused_total",
                           "Calls not sent again because the retry budget was spent.")) {}

EndpointMetrics::EndpointMetrics(const Metrics& families, std::string endpoint)
    : families_(families),
      endpoint_(std::move(endpoint)),
      duration_(families.duration.with({endpoint_})),
      in_flight_(families.in_flight.with({endpoint_})),
      healthy_(families.healthy.with({endpoint_})) {}

void EndpointMetrics::on_finished(StatusCode code, uint64_t duration_us) {
  const auto index = static_cast<size_t>(code);
  if (!made_[index]) {
    by_code_[index] = families_.requests.with({endpoint_, status_code_name(code)});
    made_[index] = true;
  }
  by_code_[index].add();
  if (duration_us != 0) duration_.observe(std::chrono::microseconds(duration_us));
  in_flight_.sub();
}

}  // namespace gatehouse::upstream
