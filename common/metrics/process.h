// process_* metrics as Go's client library exports them. Private to the room.
#pragma once

#include <prometheus/collectable.h>

#include <string>
#include <vector>

namespace gatehouse::metrics {

class ProcessMetrics : public prometheus::Collectable {
 public:
  // proc: where the proc file system is mounted; tests bring their own.
  explicit ProcessMetrics(std::string proc) : proc_(std::move(proc)) {}

  // What cannot be read or understood is left out.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string proc_;
};

}  // namespace gatehouse::metrics
