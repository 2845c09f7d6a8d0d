#include "common/base/check.h"
#include "common/metrics/metrics.h"

namespace gatehouse::metrics {

std::vector<double> exponential_buckets(double start, double factor, size_t count) {
  CHECK(start > 0 && factor > 1 && count >= 1 && count <= kMaxBuckets);
  std::vector<double> bounds;
  bounds.reserve(count);
  // Multiplying step by step, as Go's client does: the same rounding gives the same "le" labels.
  for (double bound = start; bounds.size() < count; bound *= factor) bounds.push_back(bound);
  return bounds;
}

std::vector<double> default_buckets() { return {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}; }

}  // namespace gatehouse::metrics
