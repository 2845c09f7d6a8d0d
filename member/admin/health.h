// Is the member well: /health as etcd has always had it, and the checks of /livez and /readyz.
#pragma once

#include <memory>
#include <string_view>

#include "common/http/exchange.h"
#include "common/log/log.h"
#include "common/web/answer.h"
#include "member/admin/metrics.h"
#include "member/admin/state.h"

namespace gatehouse::admin {

// What an exchange works with; all that it refers to outlives it.
struct HealthContext {
  http::ServerStream& stream;
  State& state;
  const Metrics& metrics;
  const web::Cors& cors;
  const log::Logger& logger;
};

// GET /health: no alarm (?exclude=NOSPACE, ?exclude=CORRUPT), a leader, a linearizable read;
// ?serializable=true asks for neither leader nor quorum. 200 {"health":"true","reason":""} or 503.
std::unique_ptr<http::StreamHandler> start_health(HealthContext context);

// GET /livez, /readyz and one path below them for each check:
//
//   /livez   serializable_read
//   /readyz  data_corruption, serializable_read, linearizable_read, non_learner
//
// ?exclude=<check> leaves one out (of the two roots), ?verbose lists them. 200 or 503.
bool is_check(std::string_view path);
// For paths that are checks.
std::unique_ptr<http::StreamHandler> start_checks(HealthContext context, std::string_view path);

}  // namespace gatehouse::admin
