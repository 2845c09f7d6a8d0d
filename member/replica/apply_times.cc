#include "member/replica/apply_times.h"

#include "common/codec/varint.h"
#include "member/apply/describe.h"

namespace gatehouse::replica {

void log_slow_apply(const log::Logger& logger, std::chrono::nanoseconds took, uint64_t expected_ms,
                    std::string_view prefix, const std::string& request,
                    const std::string& response, const Status& error) {
  const std::chrono::milliseconds expected(expected_ms);
  if (error.ok()) {
    LOG_WARN(logger, "apply request took too long", {"took", took},
             {"expected-duration", expected}, {"prefix", prefix}, {"request", request},
             {"response", response});
  } else {
    LOG_WARN(logger, "apply request took too long", {"took", took},
             {"expected-duration", expected}, {"prefix", prefix}, {"request", request},
             {"response", ""}, {"error", error.message()});
  }
}

void ApplyTimes::done(const apply::Request& request, const apply::Outcome& outcome) {
  const uint64_t now = executor_.now_us();
  const std::chrono::microseconds took(now - last_us_);
  last_us_ = now;
  durations_.observe(request.kind, outcome.status.ok(), took);
  if (took > std::chrono::milliseconds(warn_ms_)) tell(request, outcome, took);
}

void ApplyTimes::tell(const apply::Request& request, const apply::Outcome& outcome,
                      std::chrono::nanoseconds took) const {
  slow_.add();
  // Its header has the revision alone.
  const size_t header = 3 + codec::varint_size(static_cast<uint64_t>(outcome.revision));
  log_slow_apply(logger_, took, warn_ms_, "", apply::describe(request),
                 "size:" + std::to_string(header + outcome.fields.size()), outcome.status);
}

}  // namespace gatehouse::replica
