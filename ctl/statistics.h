// Times of many operations: what the checks judge by.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace gatehouse::ctl {

class Statistics {
 public:
  void add(std::chrono::nanoseconds time) { times_.push_back(time); }
  void merge(const Statistics& other);

  size_t count() const { return times_.size(); }
  // Seconds; 0 when there is none.
  double slowest() const;
  double average() const;
  double deviation() const;  // from the average
  // The smallest time that `percent` of them do not exceed (nearest rank).
  double percentile(double percent) const;

 private:
  std::vector<std::chrono::nanoseconds> times_;
};

}  // namespace gatehouse::ctl
