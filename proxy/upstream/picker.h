// Which endpoint gets the next call. Pure: looks at loads, knows nothing of connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace gatehouse::upstream {

enum class Balancer : uint8_t { kRoundRobin, kLeastRequest };

// What a picker sees of one candidate.
struct Load {
  size_t index = 0;    // the caller's, returned by pick
  size_t calls = 0;    // unary calls in flight
  size_t streams = 0;  // watches and other long streams
};

class Picker {
 public:
  Picker(Balancer balancer, uint64_t seed) : balancer_(balancer), random_(seed) {}

  // The `index` of one candidate; there is at least one.
  //
  // Unary calls: round robin, or the less loaded of two drawn at random ("The Power of Two Random
  // Choices", Mitzenmacher 2001), which needs no scan and does not herd as always-the-least does
  // when several proxies see the same loads. Streams live long and are few, so each goes where the
  // fewest are; ties go round.
  size_t pick(std::span<const Load> candidates, bool stream);

 private:
  size_t fewest_streams(std::span<const Load> candidates);

  const Balancer balancer_;
  uint64_t next_ = 0;
  std::minstd_rand random_;
};

}  // namespace gatehouse::upstream
