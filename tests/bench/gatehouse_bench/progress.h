// The line that says how far the run is, on standard error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::bench {

class Progress {
 public:
  // On a terminal the line is rewritten in place; otherwise, if `wanted` all the same, it is
  // printed once a second.
  explicit Progress(bool wanted);

  // What is being done from now on: "round 2 of 5, 127.0.0.1:2379".
  void stage(std::string what);
  // Cheap; prints at most as often as is of use.
  void tick(double seconds_done, double seconds_total, uint64_t requests);
  // Clears the line.
  void finish();

 private:
  void print(const std::string& line);

  const bool terminal_;
  const bool shown_;
  std::string stage_;
  double printed_at_ = -1;
};

}  // namespace gatehouse::bench
