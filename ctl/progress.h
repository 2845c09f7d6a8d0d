// Progress on stderr, where that is a terminal, of what takes longer than a second; elsewhere and
// before that, nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace gatehouse::ctl {

// A bar, for what has a known end. set() is cheap and may be called from any thread.
class ProgressBar {
 public:
  // `unit`: "keys", "bytes", … total 0: not known yet, set_total() tells.
  ProgressBar(std::string title, uint64_t total, std::string unit);
  ~ProgressBar();  // removes the bar
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void set_total(uint64_t total) { total_ = total; }
  void set(uint64_t done) { done_ = done; }
  void add(uint64_t more) { done_ += more; }

 private:
  void run();

  const std::string title_;
  const std::string unit_;
  const bool shown_;
  std::atomic<uint64_t> total_;
  std::atomic<uint64_t> done_{0};
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;
  std::thread thread_;
};

// The same for what has no measure: the seconds it has taken.
class Waiting {
 public:
  explicit Waiting(std::string title) : bar_(std::move(title), 0, "") {}

 private:
  ProgressBar bar_;
};

// "title  [#####     ]  50%  500 / 1000 keys  3 s"; without a total "title  3 s".
std::string bar_text(const std::string& title, uint64_t done, uint64_t total,
                     const std::string& unit, std::chrono::seconds elapsed);

}  // namespace gatehouse::ctl
