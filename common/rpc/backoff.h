// How long to wait before the next attempt to connect.
// https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
#pragma once

#include <cstdint>

#include "common/env/entropy.h"

namespace gatehouse::rpc {

struct BackoffOptions {
  uint64_t first_ms = 1'000;
  double multiplier = 1.6;
  double jitter = 0.2;  // a delay is moved by up to this part of it, either way
  uint64_t max_ms = 120'000;
};

class Backoff {
 public:
  explicit Backoff(const BackoffOptions& options) : options_(options) {}

  // The delay after one more failure.
  uint64_t next_ms(env::Entropy& entropy);

  void reset() { base_ms_ = 0; }

 private:
  BackoffOptions options_;
  double base_ms_ = 0;  // without jitter; 0: no failure yet
};

}  // namespace gatehouse::rpc
