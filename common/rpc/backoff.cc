#include "common/rpc/backoff.h"

#include <algorithm>

namespace gatehouse::rpc {

uint64_t Backoff::next_ms(env::Entropy& entropy) {
  const double most = static_cast<double>(options_.max_ms);
  base_ms_ =
      base_ms_ == 0 ? static_cast<double>(options_.first_ms) : base_ms_ * options_.multiplier;
  base_ms_ = std::min(base_ms_, most);
  return entropy.jittered(static_cast<uint64_t>(base_ms_), options_.jitter);
}

}  // namespace gatehouse::rpc
