// ReadTimes: how long reads take that are answered from a view: etcd_server_range_duration_seconds,
// etcd_server_request_duration_seconds, and a line in the log for the slow.
//
// One for each loop; that loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "member/replica/apply_times.h"
#include "member/replica/metrics.h"

namespace gatehouse::api {

class ReadTimes {
 public:
  ReadTimes(metrics::Registry& registry, const replica::Metrics& replica, uint64_t warn_ms,
            log::Logger logger);

  // One range of a view, or one transaction that only reads. `request` and `response` make the
  // texts for a slow one's line.
  template <typename Request, typename Response>
  void range(uint64_t took_us, const Status& status, const Request& request,
             const Response& response) const {
    range_[status.ok() ? 1 : 0].observe(seconds(took_us));
    if (took_us > warn_us_) slow("read-only range ", took_us, status, request(), response());
  }
  template <typename Request, typename Response>
  void txn(uint64_t took_us, const Status& status, const Request& request,
           const Response& response) const {
    if (took_us > warn_us_) slow("read-only txn ", took_us, status, request(), response());
  }

  // From the request's arrival, the wait for its read index included.
  void range_request(uint64_t took_us, bool success) const {
    range_request_[success ? 1 : 0].observe(seconds(took_us));
  }
  void txn_request(uint64_t took_us, bool success) const {
    txn_request_[success ? 1 : 0].observe(seconds(took_us));
  }

 private:
  static double seconds(uint64_t us) { return static_cast<double>(us) * 1e-6; }
  void slow(const char* prefix, uint64_t took_us, const Status& status, const std::string& request,
            const std::string& response) const;

  const log::Logger logger_;
  const uint64_t warn_us_;
  const metrics::Counter slow_;
  // By success.
  metrics::Histogram range_[2];
  metrics::Histogram range_request_[2];
  metrics::Histogram txn_request_[2];
};

}  // namespace gatehouse::api
