#include "member/api/request_log.h"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace gatehouse::api {

namespace {

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<time_t>(us / 1'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char day[32];
  std::strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
  char text[48];
  std::snprintf(text, sizeof(text), "%s.%06dZ", day, static_cast<int>(us % 1'000'000));
  return text;
}

}  // namespace

void RequestLog::write(const rpc::Method& method, uint64_t duration_us) const {
  const std::chrono::microseconds took(duration_us);
  RequestStats stats;
  std::string remote = "No remote client info.";
  if (finishing_ != nullptr) {
    stats = finishing_->stats();
    remote = finishing_->remote();
  }
  LOG_WARN(logger_, "request stats",
           {"start time", time_text(std::chrono::system_clock::now() - took)},
           {"time spent", took}, {"remote", remote}, {"response type", method.path()},
           {"request count", stats.request_count}, {"request size", stats.request_bytes},
           {"response count", stats.response_count}, {"response size", stats.response_bytes},
           {"request content", stats.content});
}

}  // namespace gatehouse::api
