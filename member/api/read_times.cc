#include "member/api/read_times.h"

#include <utility>

namespace gatehouse::api {

ReadTimes::ReadTimes(metrics::Registry& registry, const replica::Metrics& replica,
                     uint64_t warn_ms, log::Logger logger)
    : logger_(std::move(logger)), warn_us_(warn_ms * 1000), slow_(replica.slow_applies) {
  const auto family = registry.histogram_family(
      "etcd_server_range_duration_seconds", "The latency distributions of txn.Range", {"success"},
      metrics::exponential_buckets(0.0001, 2, 20));
  for (const bool success : {false, true}) {
    const size_t i = success ? 1 : 0;
    range_[i] = family.with({success ? "true" : "false"});
    range_request_[i] = replica.request_duration("Range", success);
    txn_request_[i] = replica.request_duration("ReadonlyTxn", success);
  }
}

void ReadTimes::slow(const char* prefix, uint64_t took_us, const Status& status,
                     const std::string& request, const std::string& response) const {
  slow_.add();
  replica::log_slow_apply(logger_, std::chrono::microseconds(took_us), warn_us_ / 1000, prefix,
                          request, response, status);
}

}  // namespace gatehouse::api
