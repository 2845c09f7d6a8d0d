// Which request comes next.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace gatehouse::bench {

class KeySource {
 public:
  virtual ~KeySource() = default;
  // The number of the next request; nothing when there is none, now or ever.
  virtual std::optional<uint64_t> next() = 0;
};

// Uniformly random numbers below a limit: splitmix64 (Steele, Lea, Flood 2014), scaled by
// multiplication (Lemire 2019).
class RandomKeys final : public KeySource {
 public:
  RandomKeys(uint64_t seed, uint64_t limit) : state_(seed), limit_(limit) {}

  std::optional<uint64_t> next() override {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    mixed ^= mixed >> 31;
    return static_cast<uint64_t>((static_cast<Wide>(mixed) * limit_) >> 64);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  uint64_t state_;
  const uint64_t limit_;
};

// Each number below the limit once, over all threads that share the counter.
class EachKeyOnce final : public KeySource {
 public:
  EachKeyOnce(std::atomic<uint64_t>& counter, uint64_t limit) : counter_(counter), limit_(limit) {}

  std::optional<uint64_t> next() override {
    const uint64_t number = counter_.fetch_add(1, std::memory_order_relaxed);
    if (number >= limit_) return std::nullopt;
    return number;
  }

 private:
  std::atomic<uint64_t>& counter_;
  const uint64_t limit_;
};

// Holds the writer of a watch run back while too many of its events have not reached all watchers,
// so that what is measured is delivery and not a queue that grows.
class PacedKeys final : public KeySource {
 public:
  static constexpr uint64_t kWindow = 64;  // puts

  PacedKeys(KeySource& keys, const std::atomic<uint64_t>& delivered, uint64_t watchers)
      : keys_(keys), delivered_(delivered), watchers_(watchers) {}

  std::optional<uint64_t> next() override {
    if (sent_ >= kWindow && delivered_.load(std::memory_order_relaxed) - forgiven_ <
                                (sent_ - kWindow + 1) * watchers_) {
      return std::nullopt;
    }
    ++sent_;
    return keys_.next();
  }

  // Events were lost (a watch stream broke): counts from here.
  void forgive() {
    sent_ = 0;
    forgiven_ = delivered_.load(std::memory_order_relaxed);
  }

  uint64_t sent() const { return sent_; }

 private:
  KeySource& keys_;
  const std::atomic<uint64_t>& delivered_;
  const uint64_t watchers_;
  uint64_t sent_ = 0;
  uint64_t forgiven_ = 0;
};

}  // namespace gatehouse::bench
