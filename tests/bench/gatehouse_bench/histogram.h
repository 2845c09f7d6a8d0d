// Histogram of latencies in microseconds: exact below 256, buckets of less than 0.8 % width above,
// as an HDR histogram has them (http://hdrhistogram.org). Recording is an increment; 26 KiB
// whatever it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gatehouse::bench {

class Histogram {
 public:
  Histogram();

  // Values above kLargest count as kLargest in percentiles; max() keeps them.
  static constexpr uint64_t kLargest = (uint64_t{1} << 32) - 1;  // 71 minutes

  void record(uint64_t value_us);
  void merge(const Histogram& other);
  void clear();

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  double mean() const;

  // The least value that at least `percent` (0 to 100) of the recorded ones do not exceed, rounded
  // up to the end of its bucket, never above max(). 0 when nothing was recorded.
  uint64_t percentile(double percent) const;

 private:
  static constexpr int kPrecisionBits = 7;  // 128 buckets for each power of two
  static constexpr uint64_t kExact = uint64_t{2} << kPrecisionBits;

  static size_t bucket_of(uint64_t value);
  static uint64_t last_value_of(size_t bucket);

  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
};

}  // namespace gatehouse::bench
