// Entropy: the door to randomness. Jitter, load balancing and identifiers draw from it, so that a
// simulation can hand out the same numbers again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gatehouse::env {

class Entropy {
 public:
  virtual ~Entropy() = default;

  virtual uint64_t next() = 0;

  void fill(std::span<std::byte> bytes);

  // Uniform in [0, bound); bound > 0. Without modulo bias.
  uint64_t below(uint64_t bound);

  // Uniform in [0, 1), 53 bits.
  double unit();

  // `value` moved by up to `fraction` of it in either direction: jittered(1000, 0.2) is in
  // [800, 1200]. What keeps clients that lost one server together from coming back together.
  uint64_t jittered(uint64_t value, double fraction);
};

// From the kernel (getrandom), fit for secrets. Thread-safe. Ends the process should the kernel
// have no entropy device, which no caller could make good.
class SystemEntropy final : public Entropy {
 public:
  uint64_t next() override;
};

// The same numbers from the same seed, on every machine (xoshiro256**, Blackman and Vigna,
// https://prng.di.unimi.it/; the state is filled by splitmix64 as they advise). Not for secrets,
// not thread-safe.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(uint64_t seed);
  uint64_t next() override;

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace gatehouse::env
