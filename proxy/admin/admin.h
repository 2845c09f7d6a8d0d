// Admin: the plain HTTP paths: is it alive, is it ready, which version, how is it doing.
//
//   /health        a linearizable read through the proxy: {"health":"true","reason":""} or 503
//   /livez         the process turns; nothing about the members, which a restart of the proxy would
//   not mend /readyz        as /health, and not shutting down; ?verbose lists the checks /version
//   a member's answer /metrics       a member's metrics, as etcd's proxy has it; our own:
//   /proxy/metrics
//   /proxy/health  as /health
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/http/exchange.h"
#include "common/metrics/metrics.h"
#include "common/net/dialer.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::admin {

// What etcd's proxy gives the read behind its /health.
inline constexpr uint64_t kHealthTimeoutMs = 1000;
inline constexpr uint64_t kFetchTimeoutMs = 5000;

class Admin {
 public:
  using DialerFor = upstream::Upstream::DialerFor;

  // For one loop. All that is referred to must outlive it. `http_dialer_for`: as HttpGet wants it.
  // `shutting_down` is set by the process, on any thread.
  Admin(upstream::Upstream& upstream, DialerFor http_dialer_for, const metrics::Registry& registry,
        const std::atomic<bool>& shutting_down);

  // Null when the path is none of the above.
  std::unique_ptr<http::StreamHandler> start(http::ServerStream& stream);

  struct Parts {
    upstream::Upstream& upstream;
    DialerFor http_dialer_for;
    const metrics::Registry& registry;
    const std::atomic<bool>& shutting_down;
  };

 private:
  Parts parts_;
};

}  // namespace gatehouse::admin
