// What the copies of a Logger share. Private to the room.
#pragma once

#include <spdlog/logger.h>

#include <atomic>
#include <memory>
#include <vector>

#include "common/log/log.h"
#include "common/log/output.h"

namespace gatehouse::log {

class Core {
 public:
  // outputs: those of the sinks that can drop lines.
  Core(const Options& options, std::vector<spdlog::sink_ptr> sinks,
       std::vector<std::shared_ptr<FileSink>> outputs);

  static Logger logger(std::shared_ptr<Core> core) { return Logger(std::move(core)); }

  void write(Level level, Place place, std::string_view message, std::span<const Field> fields);
  uint64_t dropped_lines() const;
  std::chrono::steady_clock::time_point steady_now() const;

  std::atomic<Level> level_;

 private:
  const Format format_;
  const std::function<std::chrono::system_clock::time_point()> now_;
  const std::function<std::chrono::steady_clock::time_point()> steady_now_;
  const std::vector<std::shared_ptr<FileSink>> outputs_;
  spdlog::logger sinks_;
};

}  // namespace gatehouse::log
