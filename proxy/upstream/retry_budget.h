// RetryBudget: how many calls may be sent a second time. Without a bound, a cluster that fails
// under load gets every call several times over just then.
#pragma once

#include <algorithm>

namespace gatehouse::upstream {

// Each call earns a fifth of a retry, up to kMaxTokens saved; each retry spends one. As gRPC's
// retry throttling (proposal A6) it is counted, not timed: at rest it stays as it is.
class RetryBudget {
 public:
  static constexpr double kMaxTokens = 100;
  static constexpr double kEarnedPerCall = 0.2;

  void on_call() { tokens_ = std::min(kMaxTokens, tokens_ + kEarnedPerCall); }

  bool spend() {
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double tokens_ = 10;  // a proxy that has just started may retry, too
};

}  // namespace gatehouse::upstream
