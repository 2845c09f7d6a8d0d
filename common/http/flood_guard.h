// What a peer may ask of us for nothing, counted: the budgets of FloodBudgets and gRPC's keepalive
// enforcement. Time comes in with each call.
#pragma once

#include <cstdint>

#include "common/http/http2.h"

namespace gatehouse::http {

// A token bucket.
class RateLimit {
 public:
  explicit RateLimit(RateBudget budget);
  // Takes one token; false when there is none.
  bool take(uint64_t now_ms);

 private:
  uint64_t burst_;  // in thousandths of a token, as tokens_
  uint64_t per_ms_;
  uint64_t tokens_;
  uint64_t refilled_ms_ = 0;
};

// Each question about a frame returns null, or the text for GOAWAY ENHANCE_YOUR_CALM.
class FloodGuard {
 public:
  // min_ping_interval_ms 0: no keepalive enforcement.
  FloodGuard(const FloodBudgets& budgets, uint64_t min_ping_interval_ms, bool pings_without_stream);

  const char* on_settings(uint64_t now_ms);
  const char* on_ping(uint64_t now_ms, bool has_streams);
  const char* on_empty_data(uint64_t now_ms);
  const char* on_window_update(uint64_t now_ms);
  // An exchange the peer broke off, by RST_STREAM or by a frame that made us send one.
  const char* on_reset(uint64_t now_ms);

  void sent_headers() { ping_forgiven_ = true; }
  void sent_data() {
    ping_forgiven_ = true;
    window_updates_earned_ += kWindowUpdatesEarned;
  }
  void stream_opened() { window_updates_earned_ += kWindowUpdatesEarned; }

 private:
  static constexpr uint64_t kWindowUpdatesEarned = 10;
  static constexpr int kMaxPingStrikes = 2;
  static constexpr uint64_t kIdlePingIntervalMs = 2 * 60 * 60 * 1000;

  RateLimit settings_;
  RateLimit pings_;
  RateLimit resets_;
  RateLimit empty_data_;
  RateLimit window_updates_;
  uint64_t window_updates_earned_ = 0;

  const uint64_t min_ping_interval_ms_;
  const bool pings_without_stream_;
  bool ping_forgiven_ = false;
  bool pinged_ = false;
  uint64_t last_ping_ms_ = 0;
  int ping_strikes_ = 0;
};

}  // namespace gatehouse::http
