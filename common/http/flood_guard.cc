#include "common/http/flood_guard.h"

#include <algorithm>

namespace gatehouse::http {

RateLimit::RateLimit(RateBudget budget)
    : burst_(uint64_t{budget.burst} * 1000), per_ms_(budget.per_second), tokens_(burst_) {}

bool RateLimit::take(uint64_t now_ms) {
  if (now_ms > refilled_ms_) {
    // Beyond this the bucket is full whatever its rate; it keeps the product in range.
    const uint64_t elapsed = std::min<uint64_t>(now_ms - refilled_ms_, UINT32_MAX);
    tokens_ = std::min(burst_, tokens_ + elapsed * per_ms_);
    refilled_ms_ = now_ms;
  }
  if (tokens_ < 1000) return false;
  tokens_ -= 1000;
  return true;
}

FloodGuard::FloodGuard(const FloodBudgets& budgets, uint64_t min_ping_interval_ms,
                       bool pings_without_stream)
    : settings_(budgets.settings),
      pings_(budgets.pings),
      resets_(budgets.resets),
      empty_data_(budgets.empty_data),
      window_updates_(budgets.window_updates),
      min_ping_interval_ms_(min_ping_interval_ms),
      pings_without_stream_(pings_without_stream) {}

const char* FloodGuard::on_settings(uint64_t now_ms) {
  return settings_.take(now_ms) ? nullptr : "too many SETTINGS";
}

const char* FloodGuard::on_ping(uint64_t now_ms, bool has_streams) {
  const bool first = !pinged_;
  const uint64_t since_last = now_ms - last_ping_ms_;
  pinged_ = true;
  last_ping_ms_ = now_ms;
  if (ping_forgiven_) {
    ping_forgiven_ = false;
    ping_strikes_ = 0;
    return nullptr;
  }
  if (!pings_.take(now_ms)) return "too_many_pings";
  if (min_ping_interval_ms_ == 0) return nullptr;
  const bool idle = !has_streams && !pings_without_stream_;
  if (!first && since_last < (idle ? kIdlePingIntervalMs : min_ping_interval_ms_)) {
    if (++ping_strikes_ > kMaxPingStrikes) return "too_many_pings";  // the text gRPC clients know
  }
  return nullptr;
}

const char* FloodGuard::on_empty_data(uint64_t now_ms) {
  return empty_data_.take(now_ms) ? nullptr : "too many empty DATA frames";
}

const char* FloodGuard::on_window_update(uint64_t now_ms) {
  if (window_updates_earned_ > 0) {
    --window_updates_earned_;
    return nullptr;
  }
  return window_updates_.take(now_ms) ? nullptr : "too many WINDOW_UPDATE frames";
}

const char* FloodGuard::on_reset(uint64_t now_ms) {
  return resets_.take(now_ms) ? nullptr : "too many streams reset";
}

}  // namespace gatehouse::http
