// Medians over rounds.
#pragma once

#include <vector>

namespace gatehouse::bench {

// The middle value, or the mean of the middle two. `values` must not be empty.
double median(std::vector<double> values);

// The median of a[i] / b[i]: values of the same round, so that what else the machine did in it
// falls on both. Rounds with b[i] == 0 do not count; 0 when none is left. Both have the same size.
double median_ratio(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace gatehouse::bench
