#include "tests/bench/gatehouse_bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace gatehouse::bench {

size_t Histogram::bucket_of(uint64_t value) {
  value = std::min(value, kLargest);
  if (value < kExact) return value;
  // The leading kPrecisionBits + 1 bits, of which the first is 1, name the bucket within its power.
  const int shift = std::bit_width(value) - (kPrecisionBits + 1);
  const uint64_t leading = value >> shift;
  return (static_cast<size_t>(shift) << kPrecisionBits) + leading;
}

uint64_t Histogram::last_value_of(size_t bucket) {
  if (bucket < kExact) return bucket;
  const size_t shift = (bucket >> kPrecisionBits) - 1;
  const uint64_t leading = bucket - (shift << kPrecisionBits);
  return ((leading + 1) << shift) - 1;
}

Histogram::Histogram() : buckets_(bucket_of(kLargest) + 1) {}

void Histogram::record(uint64_t value_us) {
  ++buckets_[bucket_of(value_us)];
  ++count_;
  sum_ += value_us;
  max_ = std::max(max_, value_us);
}

void Histogram::merge(const Histogram& other) {
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() { *this = Histogram(); }

double Histogram::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

uint64_t Histogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(percent / 100 * static_cast<double>(count_));
  const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(last_value_of(i), max_);
  }
  return max_;
}

}  // namespace gatehouse::bench
