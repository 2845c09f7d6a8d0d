#include "tests/bench/gatehouse_bench/statistics.h"

#include <algorithm>

#include "common/base/check.h"

namespace gatehouse::bench {

double median(std::vector<double> values) {
  CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double median_ratio(const std::vector<double>& a, const std::vector<double>& b) {
  CHECK(a.size() == b.size());
  std::vector<double> ratios;
  for (size_t i = 0; i < a.size(); ++i) {
    if (b[i] != 0) ratios.push_back(a[i] / b[i]);
  }
  return ratios.empty() ? 0 : median(std::move(ratios));
}

}  // namespace gatehouse::bench
