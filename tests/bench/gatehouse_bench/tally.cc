#include "tests/bench/gatehouse_bench/tally.h"

#include <utility>

namespace gatehouse::bench {

void Tally::merge(const Tally& other) {
  latency.merge(other.latency);
  failed += other.failed;
  answer_bytes += other.answer_bytes;
  for (const auto& [what, error] : other.errors) {
    ErrorCount& mine = errors[what];
    if (mine.count == 0) mine.first_message = error.first_message;
    mine.count += error.count;
  }
}

void Recorder::count() {
  // One writer: no need for an atomic addition.
  progress_.store(progress_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void Recorder::success(uint64_t latency_us, size_t answer_bytes) {
  count();
  if (!open_) return;
  tally_.latency.record(latency_us);
  tally_.answer_bytes += answer_bytes;
}

void Recorder::failure(std::string_view what, std::string_view message) {
  count();
  if (first_failure_.empty()) {
    first_failure_ = std::string(what) + ": " + std::string(message);
  }
  if (!open_) return;
  ++tally_.failed;
  ErrorCount& error = tally_.errors[std::string(what)];
  if (error.count++ == 0) error.first_message = message;
}

void Recorder::begin_window() {
  tally_ = Tally();
  progress_.store(0, std::memory_order_relaxed);
  open_ = true;
}

Tally Recorder::end_window() {
  open_ = false;
  return std::exchange(tally_, Tally());
}

}  // namespace gatehouse::bench
