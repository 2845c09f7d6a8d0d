// The smallest driver: a host with a clock that tests set, and a wire that carries bytes between
// two sessions in memory, in any chunking.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "common/http/exchange.h"

namespace gatehouse::http::testing {

class TestHost final : public SessionHost {
 public:
  void wake() override { ++wakes; }
  uint64_t now_ms() const override { return now; }

  uint64_t now = 1'000'000;
  int wakes = 0;
};

// How bytes are cut before they are fed.
class Chunking {
 public:
  static Chunking whole() { return Chunking(0, 0); }
  static Chunking bytes(size_t each) { return Chunking(each, 0); }
  static Chunking random(uint64_t seed) { return Chunking(0, seed); }

  void feed(Session& to, std::string_view bytes) {
    while (!bytes.empty()) {
      const size_t count = std::min(bytes.size(), next());
      // A copy of its own: a read beyond the chunk is one a sanitizer sees.
      const std::string chunk(bytes.substr(0, count));
      to.feed(chunk);
      bytes.remove_prefix(count);
    }
  }

 private:
  Chunking(size_t each, uint64_t seed) : each_(each), random_(seed), is_random_(seed != 0) {}

  size_t next() {
    if (each_ != 0) return each_;
    if (!is_random_) return SIZE_MAX;
    // Mostly small, now and then large.
    return random_() % 4 == 0 ? 1 + random_() % 20000 : 1 + random_() % 30;
  }

  size_t each_;
  std::mt19937_64 random_;
  bool is_random_;
};

inline std::string take(Session& from, size_t budget = SIZE_MAX) {
  std::string out;
  from.take_output(out, budget);
  return out;
}

// Carries what both have until neither has more. False if that does not end.
inline bool exchange_all(Session& a, Session& b, Chunking chunking = Chunking::whole(),
                         size_t budget = SIZE_MAX) {
  for (int round = 0; round < 100000; ++round) {
    const std::string from_a = take(a, budget);
    chunking.feed(b, from_a);
    const std::string from_b = take(b, budget);
    chunking.feed(a, from_b);
    if (from_a.empty() && from_b.empty()) return true;
  }
  return false;
}

}  // namespace gatehouse::http::testing
