#include "ctl/statistics.h"

#include <algorithm>
#include <cmath>

namespace gatehouse::ctl {
namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void Statistics::merge(const Statistics& other) {
  times_.insert(times_.end(), other.times_.begin(), other.times_.end());
}

double Statistics::slowest() const {
  if (times_.empty()) return 0;
  return seconds(*std::max_element(times_.begin(), times_.end()));
}

double Statistics::average() const {
  if (times_.empty()) return 0;
  double sum = 0;
  for (const auto time : times_) sum += seconds(time);
  return sum / static_cast<double>(times_.size());
}

double Statistics::deviation() const {
  if (times_.empty()) return 0;
  const double mean = average();
  double sum = 0;
  for (const auto time : times_) sum += (seconds(time) - mean) * (seconds(time) - mean);
  return std::sqrt(sum / static_cast<double>(times_.size()));
}

double Statistics::percentile(double percent) const {
  if (times_.empty()) return 0;
  std::vector<std::chrono::nanoseconds> sorted = times_;
  const double exact = percent / 100 * static_cast<double>(sorted.size());
  const size_t rank = std::clamp<size_t>(static_cast<size_t>(std::ceil(exact)), 1, sorted.size());
  const auto at = sorted.begin() + static_cast<ptrdiff_t>(rank) - 1;
  std::nth_element(sorted.begin(), at, sorted.end());
  return seconds(*at);
}

}  // namespace gatehouse::ctl
