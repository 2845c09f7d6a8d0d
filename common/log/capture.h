// Capture: a logger for tests that keeps its lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/log.h"

namespace gatehouse::log {

// Thread-safe. Loggers made by it may outlive it; what they write then is lost.
class Capture {
 public:
  // As the options say, except that its outputs are not opened: the lines come here.
  explicit Capture(Options options = {.level = Level::kDebug});
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  const Logger& logger() const { return logger_; }

  // Whole lines as an output would get them, without the newline, oldest first. Beyond kMaxLines
  // the oldest are dropped, so that a runaway test ends with a message and not without memory.
  std::vector<std::string> lines() const;
  // How many lines contain the text.
  size_t count(std::string_view text) const;
  void clear();

  static constexpr size_t kMaxLines = 100'000;

 private:
  struct Lines;
  std::shared_ptr<Lines> lines_;
  Logger logger_;
};

}  // namespace gatehouse::log
