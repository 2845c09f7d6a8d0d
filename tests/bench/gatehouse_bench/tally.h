// What is counted while a round is measured.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "tests/bench/gatehouse_bench/histogram.h"

namespace gatehouse::bench {

struct ErrorCount {
  uint64_t count = 0;
  std::string first_message;
};
// By gRPC code ("Unavailable"), HTTP status ("HTTP 503") or what the tool found wrong with an
// answer
// ("short answer").
using Errors = std::map<std::string, ErrorCount>;

struct Tally {
  Histogram latency;  // of what succeeded
  uint64_t failed = 0;
  uint64_t answer_bytes = 0;
  Errors errors;

  uint64_t completed() const { return latency.count(); }
  void merge(const Tally& other);
};

// One thread records; progress() may be asked by any.
class Recorder {
 public:
  void success(uint64_t latency_us, size_t answer_bytes);
  void failure(std::string_view what, std::string_view message);

  // Only what comes between the two is kept.
  void begin_window();
  Tally end_window();

  // Successes and failures since the recorder was made, or since begin_window().
  uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }

  // The first failure since the recorder was made, in a window or not; empty when there was none.
  const std::string& first_failure() const { return first_failure_; }

 private:
  void count();

  bool open_ = false;
  Tally tally_;
  std::atomic<uint64_t> progress_{0};
  std::string first_failure_;
};

}  // namespace gatehouse::bench
