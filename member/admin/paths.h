// Paths: what a member answers in plain HTTP beside its services.
//
//   /health /livez /readyz …   health.h
//   /metrics                   Prometheus text, gzip where it is accepted; any method
//   /version                   {"etcdserver":…,"etcdcluster":…,"storage":…}
//   /debug/vars                {"cmdline":…,"memstats":…} and what the State adds
//   /ui                        a page to look at it all (common/ui)
#pragma once

#include <memory>
#include <utility>

#include "common/http/exchange.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/web/answer.h"
#include "member/admin/metrics.h"
#include "member/admin/state.h"

namespace gatehouse::admin {

class Paths {
 public:
  // For one loop. All that is referred to must outlive it.
  Paths(State& state, const metrics::Registry& registry, const Metrics& metrics,
        log::Logger logger)
      : state_(state), registry_(registry), metrics_(metrics), logger_(std::move(logger)) {}

  // `metrics_surface`: of --listen-metrics-urls, which has metrics and health only. Null when the
  // path is none of ours.
  std::unique_ptr<http::StreamHandler> start(http::ServerStream& stream, const web::Cors& cors,
                                             bool metrics_surface);

 private:
  web::Answer metrics_answer(const http::RequestHead& head) const;
  web::Answer version_answer() const;
  web::Answer debug_variables_answer() const;

  State& state_;
  const metrics::Registry& registry_;
  const Metrics& metrics_;
  const log::Logger logger_;
};

}  // namespace gatehouse::admin
