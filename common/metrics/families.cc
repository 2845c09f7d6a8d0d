#include "common/metrics/families.h"

#include <limits>

#include "common/base/check.h"
#include "common/base/utf8.h"

namespace gatehouse::metrics {

namespace {

std::vector<std::string> series_key(const FamilyState& family,
                                    std::span<const std::string_view> values) {
  CHECK_MSG(values.size() == family.label_names.size(), family.name);
  std::vector<std::string> key;
  key.reserve(values.size());
  for (const std::string_view value : values) key.push_back(replace_invalid_utf8(value));
  return key;
}

void fill(const FamilyState& family, const Series& series, prometheus::ClientMetric* metric) {
  switch (family.kind) {
    case Kind::kCounter:
      metric->counter.value = static_cast<double>(series.cells.sum(0));
      return;
    case Kind::kUpDownCounter:
      metric->gauge.value = static_cast<double>(static_cast<int64_t>(series.cells.sum(0)));
      return;
    case Kind::kGauge:
      metric->gauge.value = series.gauge->value.load(std::memory_order_relaxed);
      return;
    case Kind::kHistogram: {
      uint64_t count = 0;
      for (size_t i = 0; i <= family.bounds.size(); ++i) {
        count += series.cells.sum(1 + i);
        const double bound =
            i < family.bounds.size() ? family.bounds[i] : std::numeric_limits<double>::infinity();
        metric->histogram.bucket.push_back({count, bound});
      }
      metric->histogram.sample_count = count;
      metric->histogram.sample_sum = series.cells.sum_double(0);
      return;
    }
    case Kind::kComputed:
      return;  // by the caller, without the lock
  }
}

}  // namespace

Series* FamilyState::find_or_add(std::span<const std::string_view> values) {
  std::vector<std::string> key = series_key(*this, values);
  const std::lock_guard lock(storage.mutex);
  if (const auto found = series.find(key); found != series.end()) return &found->second;
  if (series.size() >= kMaxSeriesPerFamily) return nullptr;
  Series added;
  if (kind == Kind::kGauge) {
    if (storage.free_gauges.empty()) {
      added.gauge = &storage.gauges.emplace_back();
    } else {
      added.gauge = storage.free_gauges.back();
      storage.free_gauges.pop_back();
      added.gauge->value.store(0, std::memory_order_relaxed);
    }
  } else if (kind != Kind::kComputed) {
    added.cells = storage.cells.allocate(cells_per_series());
  }
  return &series.emplace(std::move(key), std::move(added)).first->second;
}

bool FamilyState::remove(std::span<const std::string_view> values) {
  const std::vector<std::string> key = series_key(*this, values);
  const std::lock_guard lock(storage.mutex);
  const auto found = series.find(key);
  if (found == series.end()) return false;
  if (found->second.gauge != nullptr) {
    storage.free_gauges.push_back(found->second.gauge);
  } else {
    storage.cells.release(found->second.cells, cells_per_series());
  }
  series.erase(found);
  return true;
}

prometheus::MetricFamily FamilyState::collect(std::vector<Computed>* computed) const {
  prometheus::MetricFamily family{name, help, type, {}};
  family.metric.reserve(series.size());
  for (const auto& [values, one] : series) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (size_t i = 0; i < values.size(); ++i) {
      metric.label.push_back({label_names[i], values[i]});
    }
    fill(*this, one, &metric);
    if (kind == Kind::kComputed) computed->push_back({family.metric.size() - 1, one.compute});
  }
  return family;
}

template <>
Counter Series::handle(const FamilyState&) const {
  return Counter(cells);
}
template <>
UpDownCounter Series::handle(const FamilyState&) const {
  return UpDownCounter(cells);
}
template <>
Gauge Series::handle(const FamilyState&) const {
  return Gauge(&gauge->value);
}
template <>
Histogram Series::handle(const FamilyState& family) const {
  return Histogram(cells, family.bounds);
}

template <typename Handle>
Handle Family<Handle>::with(std::span<const std::string_view> values) const {
  const Series* series = state_ == nullptr ? nullptr : state_->find_or_add(values);
  return series == nullptr ? Handle() : series->handle<Handle>(*state_);
}

template <typename Handle>
bool Family<Handle>::remove(std::span<const std::string_view> values) const {
  return state_ != nullptr && state_->remove(values);
}

template class Family<Counter>;
template class Family<UpDownCounter>;
template class Family<Gauge>;
template class Family<Histogram>;

uint64_t Histogram::count() const {
  uint64_t sum = 0;
  for (size_t i = 0; bounds_ != nullptr && i <= bound_count_; ++i) sum += cells_.sum(1 + i);
  return sum;
}

double Histogram::sum() const { return cells_.sum_double(0); }

}  // namespace gatehouse::metrics
