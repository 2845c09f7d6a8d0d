#include "common/env/entropy.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "common/base/check.h"

namespace gatehouse::env {

void Entropy::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const uint64_t word = next();
    const size_t n = std::min(bytes.size(), sizeof(word));
    std::memcpy(bytes.data(), &word, n);
    bytes = bytes.subspan(n);
  }
}

uint64_t Entropy::below(uint64_t bound) {
  CHECK(bound > 0);
  // Draws under 2^64 mod bound are thrown away: what remains is a multiple of bound.
  const uint64_t threshold = (0 - bound) % bound;
  while (true) {
    const uint64_t word = next();
    if (word >= threshold) return word % bound;
  }
}

double Entropy::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

uint64_t Entropy::jittered(uint64_t value, double fraction) {
  const double factor = 1.0 + fraction * (2.0 * unit() - 1.0);
  return static_cast<uint64_t>(static_cast<double>(value) * factor + 0.5);
}

uint64_t SystemEntropy::next() {
  uint64_t word = 0;
  // Up to 256 bytes come whole or not at all, and only early in boot may it be interrupted.
  ssize_t n = 0;
  do {
    n = getrandom(&word, sizeof(word), 0);
  } while (n < 0 && errno == EINTR);
  CHECK_MSG(n == static_cast<ssize_t>(sizeof(word)), "getrandom gave no entropy");
  return word;
}

SeededEntropy::SeededEntropy(uint64_t seed) {
  for (uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

uint64_t SeededEntropy::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace gatehouse::env
