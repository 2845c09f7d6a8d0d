// Metrics: counters, gauges and histograms for Prometheus, made for threads that must not meet.
//
//   metrics::Registry registry;
//   auto started = registry.counter_family("grpc_server_started_total", "Total number of RPCs …",
//                                          {"grpc_type", "grpc_service", "grpc_method"});
//   metrics::Counter put = started.with({"unary", "etcdserverpb.KV", "Put"});   // once, kept
//   put.add();                                                                  // per request
//
// A Counter, UpDownCounter or Histogram keeps one run of 64-bit cells per thread shard; a thread
// adds to its own shard with a plain load and store, and a scrape sums the shards. Finding a series
// by its labels takes a lock and belongs to set-up, never to a request.
//
// Handles (Counter, UpDownCounter, Gauge, Histogram, families) are small values. They stay valid as
// long as the Registry; a default-made handle discards. All calls are thread-safe.
//
// Names and labels are API. etcd calls some gauges `…_total`; what a name says is not checked, so a
// gauge or an UpDownCounter may have such a name and keeps its TYPE line.
// Asking for a name again gives the same family; asking with another type, help, label names or
// buckets, or for a name or label that Prometheus does not allow, is a bug of ours (CHECK).
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/metrics/cells.h"

namespace gatehouse::metrics {

// Goes up only. Exposed as a counter.
class Counter {
 public:
  Counter() = default;
  void add(uint64_t n = 1) const { cell_.add(0, n); }
  uint64_t value() const { return cell_.sum(0); }  // of all threads; a concurrent add may be missed

 private:
  friend struct Series;
  explicit Counter(CellRun cell) : cell_(cell) {}
  CellRun cell_;
};

// Goes up and down by whole steps from any thread: connections, streams, watchers - and the things
// that etcd counts up in a gauge. Exposed as a gauge.
class UpDownCounter {
 public:
  UpDownCounter() = default;
  void add(int64_t n = 1) const { cell_.add(0, static_cast<uint64_t>(n)); }
  void sub(int64_t n = 1) const { add(-n); }
  int64_t value() const { return static_cast<int64_t>(cell_.sum(0)); }

 private:
  friend struct Series;
  explicit UpDownCounter(CellRun cell) : cell_(cell) {}
  CellRun cell_;
};

// A value that is set. One cell for all threads: not for a hot path.
class Gauge {
 public:
  Gauge() = default;
  void set(double value) const {
    if (value_ != nullptr) value_->store(value, std::memory_order_relaxed);
  }
  void add(double n) const {
    if (value_ != nullptr) value_->fetch_add(n, std::memory_order_relaxed);
  }
  double value() const { return value_ == nullptr ? 0 : value_->load(std::memory_order_relaxed); }

 private:
  friend struct Series;
  explicit Gauge(std::atomic<double>* value) : value_(value) {}
  std::atomic<double>* value_ = nullptr;
};

// Counts observations in buckets and sums them.
class Histogram {
 public:
  Histogram() = default;
  void observe(double value) const {
    if (bounds_ == nullptr) return;
    // Without a branch per bucket: latencies jump between buckets, which no predictor learns.
    size_t bucket = 0;
    for (size_t i = 0; i < bound_count_; ++i) bucket += value > bounds_[i] ? 1 : 0;
    cells_.add(1 + bucket, 1);
    cells_.add_double(0, value);
  }
  // In seconds, as all durations in Prometheus.
  void observe(std::chrono::nanoseconds value) const {
    observe(std::chrono::duration<double>(value).count());
  }
  uint64_t count() const;
  double sum() const;

 private:
  friend struct Series;
  Histogram(CellRun cells, std::span<const double> bounds)
      : cells_(cells), bounds_(bounds.data()), bound_count_(bounds.size()) {}
  CellRun cells_;  // the sum (a double's bits), then one count per bound, then +Inf's
  const double* bounds_ = nullptr;  // of the family
  size_t bound_count_ = 0;
};

// count upper bounds: start, start*factor, … Needs start > 0, factor > 1, 1 <= count <=
// kMaxBuckets.
std::vector<double> exponential_buckets(double start, double factor, size_t count);
// The buckets of Go's client library (DefBuckets), which grpc_server_handling_seconds uses.
std::vector<double> default_buckets();
// So that a histogram's cells lie in one chunk.
inline constexpr size_t kMaxBuckets = 62;

// Beyond so many series a family gives out discarding handles: label values that a peer chooses
// must not eat the memory.
inline constexpr size_t kMaxSeriesPerFamily = 10'000;

struct FamilyState;

// All series of one name. Label values are given in the order of the family's label names.
template <typename Handle>
class Family {
 public:
  // Discards: with() gives discarding handles.
  Family() = default;

  // The series with these label values, made at 0 when it is not there. Any bytes may be in a
  // value; what is not UTF-8 is replaced.
  Handle with(std::initializer_list<std::string_view> values) const {
    return with(std::span<const std::string_view>(values.begin(), values.size()));
  }
  Handle with(std::span<const std::string_view> values) const;

  // Takes a series out of the scrape; false when there is none. Its handles must be dropped before:
  // a later add is harmless to memory but may be counted by a series made afterwards.
  bool remove(std::initializer_list<std::string_view> values) const {
    return remove(std::span<const std::string_view>(values.begin(), values.size()));
  }
  bool remove(std::span<const std::string_view> values) const;

 private:
  friend class Registry;
  explicit Family(FamilyState* state) : state_(state) {}
  FamilyState* state_ = nullptr;
};

using LabelNames = std::vector<std::string>;
// Names and values, for series that a function computes at the scrape.
using Labels = std::vector<std::pair<std::string, std::string>>;

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter counter(std::string_view name, std::string_view help);
  UpDownCounter up_down_counter(std::string_view name, std::string_view help);
  Gauge gauge(std::string_view name, std::string_view help);
  // bounds: upper bounds in rising order, without +Inf, 1 to kMaxBuckets of them.
  Histogram histogram(std::string_view name, std::string_view help, std::vector<double> bounds);

  Family<Counter> counter_family(std::string_view name, std::string_view help, LabelNames labels);
  Family<UpDownCounter> up_down_counter_family(std::string_view name, std::string_view help,
                                               LabelNames labels);
  Family<Gauge> gauge_family(std::string_view name, std::string_view help, LabelNames labels);
  Family<Histogram> histogram_family(std::string_view name, std::string_view help,
                                     LabelNames labels, std::vector<double> bounds);

  // A series whose value a function tells at each scrape, on the scraping thread, with no lock of
  // the registry held. What it reads must be safe to read there and outlive the registry.
  void computed_gauge(std::string_view name, std::string_view help, std::function<double()> value,
                      Labels labels = {});
  void computed_counter(std::string_view name, std::string_view help, std::function<double()> value,
                        Labels labels = {});

  // process_cpu_seconds_total, process_open_fds, process_max_fds, process_resident_memory_bytes,
  // process_virtual_memory_bytes, process_virtual_memory_max_bytes, process_start_time_seconds,
  // process_network_receive_bytes_total, process_network_transmit_bytes_total: read from /proc at
  // each scrape; what cannot be read is left out. Once per registry.
  void add_process_metrics();

  // The text exposition format 0.0.4, families by name and series by label values, so that equal
  // values give equal bytes. Content type: kTextContentType.
  std::string serialize() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace gatehouse::metrics
