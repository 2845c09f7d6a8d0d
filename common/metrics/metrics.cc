#include "common/metrics/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cctype>

#include "common/base/check.h"
#include "common/metrics/families.h"
#include "common/metrics/process.h"

namespace gatehouse::metrics {

namespace {

// [a-zA-Z_:][a-zA-Z0-9_:]*, labels without the colon: the Prometheus data model.
bool valid_name(std::string_view name, bool colon) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || (colon && c == ':');
  });
}

// The serializer writes a help text as it is.
bool valid_help(std::string_view help) {
  return help.find_first_of("\\\n") == std::string_view::npos;
}

prometheus::MetricType type_of(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return prometheus::MetricType::Counter;
    case Kind::kHistogram:
      return prometheus::MetricType::Histogram;
    default:
      return prometheus::MetricType::Gauge;
  }
}

}  // namespace

struct Registry::State : prometheus::Collectable {
  mutable Storage storage;
  std::map<std::string, FamilyState, std::less<>> families;  // nodes stay where they are
  std::unique_ptr<prometheus::Collectable> process;

  FamilyState* family(std::string_view name, std::string_view help, Kind kind,
                      prometheus::MetricType type, LabelNames labels, std::vector<double> bounds) {
    const std::lock_guard lock(storage.mutex);
    if (const auto found = families.find(name); found != families.end()) {
      const FamilyState& known = found->second;
      CHECK_MSG(known.kind == kind && known.type == type && known.help == help &&
                    known.label_names == labels && known.bounds == bounds,
                name);
      return &found->second;
    }
    CHECK_MSG(valid_name(name, true) && valid_help(help), name);
    for (const std::string& label : labels) CHECK_MSG(valid_name(label, false), label);
    if (kind == Kind::kHistogram) {
      CHECK_MSG(!bounds.empty() && bounds.size() <= kMaxBuckets, name);
      CHECK_MSG(
          std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) == bounds.end(),
          name);
    }
    return &families
                .try_emplace(std::string(name), storage, name, help, kind, type, std::move(labels),
                             std::move(bounds))
                .first->second;
  }

  FamilyState* family(std::string_view name, std::string_view help, Kind kind, LabelNames labels,
                      std::vector<double> bounds = {}) {
    return family(name, help, kind, type_of(kind), std::move(labels), std::move(bounds));
  }

  void computed(std::string_view name, std::string_view help, prometheus::MetricType type,
                std::function<double()> value, const Labels& labels) {
    LabelNames names;
    std::vector<std::string_view> values;
    for (const auto& [label, label_value] : labels) {
      names.push_back(label);
      values.push_back(label_value);
    }
    FamilyState* state = family(name, help, Kind::kComputed, type, std::move(names), {});
    Series* series = state->find_or_add(values);
    CHECK_MSG(series != nullptr && !series->compute, name);
    const std::lock_guard lock(storage.mutex);
    series->compute = std::move(value);
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> result;
    std::vector<std::vector<FamilyState::Computed>> computed;
    {
      const std::lock_guard lock(storage.mutex);
      for (const auto& [name, family] : families) {
        if (family.series.empty()) continue;
        result.push_back(family.collect(&computed.emplace_back()));
      }
    }
    // Without the lock: the functions belong to others.
    for (size_t i = 0; i < result.size(); ++i) {
      for (const auto& [metric, function] : computed[i]) {
        const double value = function ? function() : 0;
        result[i].metric[metric].counter.value = value;
        result[i].metric[metric].gauge.value = value;
      }
    }
    return result;
  }
};

Registry::Registry() : state_(std::make_unique<State>()) {}
Registry::~Registry() = default;

Family<Counter> Registry::counter_family(std::string_view name, std::string_view help,
                                         LabelNames labels) {
  return Family<Counter>(state_->family(name, help, Kind::kCounter, std::move(labels)));
}
Family<UpDownCounter> Registry::up_down_counter_family(std::string_view name, std::string_view help,
                                                       LabelNames labels) {
  return Family<UpDownCounter>(state_->family(name, help, Kind::kUpDownCounter, std::move(labels)));
}
Family<Gauge> Registry::gauge_family(std::string_view name, std::string_view help,
                                     LabelNames labels) {
  return Family<Gauge>(state_->family(name, help, Kind::kGauge, std::move(labels)));
}
Family<Histogram> Registry::histogram_family(std::string_view name, std::string_view help,
                                             LabelNames labels, std::vector<double> bounds) {
  return Family<Histogram>(
      state_->family(name, help, Kind::kHistogram, std::move(labels), std::move(bounds)));
}

Counter Registry::counter(std::string_view name, std::string_view help) {
  return counter_family(name, help, {}).with({});
}
UpDownCounter Registry::up_down_counter(std::string_view name, std::string_view help) {
  return up_down_counter_family(name, help, {}).with({});
}
Gauge Registry::gauge(std::string_view name, std::string_view help) {
  return gauge_family(name, help, {}).with({});
}
Histogram Registry::histogram(std::string_view name, std::string_view help,
                              std::vector<double> bounds) {
  return histogram_family(name, help, {}, std::move(bounds)).with({});
}

void Registry::computed_gauge(std::string_view name, std::string_view help,
                              std::function<double()> value, Labels labels) {
  state_->computed(name, help, prometheus::MetricType::Gauge, std::move(value), labels);
}
void Registry::computed_counter(std::string_view name, std::string_view help,
                                std::function<double()> value, Labels labels) {
  state_->computed(name, help, prometheus::MetricType::Counter, std::move(value), labels);
}

void Registry::add_process_metrics() {
  CHECK(state_->process == nullptr);
  state_->process = std::make_unique<ProcessMetrics>("/proc");
}

std::string Registry::serialize() const {
  std::vector<prometheus::MetricFamily> all = state_->Collect();
  if (state_->process != nullptr) {
    std::vector<prometheus::MetricFamily> process = state_->process->Collect();
    all.insert(all.end(), std::make_move_iterator(process.begin()),
               std::make_move_iterator(process.end()));
    std::sort(all.begin(), all.end(),
              [](const auto& left, const auto& right) { return left.name < right.name; });
  }
  return static_cast<const prometheus::Serializer&>(prometheus::TextSerializer()).Serialize(all);
}

}  // namespace gatehouse::metrics
