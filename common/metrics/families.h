// Families and their series: what the handles of metrics.h point into. Private to the room.
#pragma once

#include <prometheus/metric_family.h>

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/metrics/cell_pool.h"
#include "common/metrics/metrics.h"

namespace gatehouse::metrics {

enum class Kind : uint8_t { kCounter, kUpDownCounter, kGauge, kHistogram, kComputed };

// Storage of all families of a registry, and the lock for all set-up and scrapes.
struct Storage {
  struct alignas(64) GaugeCell {
    std::atomic<double> value{0};
  };
  std::mutex mutex;
  CellPool cells;
  std::deque<GaugeCell> gauges;  // never shrinks: handles point into it
  std::vector<GaugeCell*> free_gauges;
};

struct Series {
  CellRun cells;
  Storage::GaugeCell* gauge = nullptr;
  std::function<double()> compute;

  template <typename Handle>
  Handle handle(const FamilyState& family) const;
};

struct FamilyState {
  FamilyState(Storage& in, std::string_view the_name, std::string_view the_help, Kind the_kind,
              prometheus::MetricType the_type, LabelNames labels, std::vector<double> the_bounds)
      : storage(in),
        name(the_name),
        help(the_help),
        kind(the_kind),
        type(the_type),
        label_names(std::move(labels)),
        bounds(std::move(the_bounds)) {}

  Storage& storage;
  const std::string name;
  const std::string help;
  const Kind kind;
  const prometheus::MetricType type;
  const LabelNames label_names;
  const std::vector<double> bounds;
  std::map<std::vector<std::string>, Series> series;  // by label values

  // These two take the lock.
  Series* find_or_add(std::span<const std::string_view> values);  // null when there are too many
  bool remove(std::span<const std::string_view> values);

  // Needs the lock. A computed series leaves its value at 0 and itself in *computed.
  struct Computed {
    size_t metric;  // its index in the result's metrics
    std::function<double()> function;
  };
  prometheus::MetricFamily collect(std::vector<Computed>* computed) const;

  size_t cells_per_series() const { return kind == Kind::kHistogram ? bounds.size() + 2 : 1; }
};

}  // namespace gatehouse::metrics
