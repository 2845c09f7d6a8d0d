// Where lines go: spdlog sinks. Private to the room.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "common/base/result.h"
#include "common/log/rotation.h"

namespace gatehouse::log {

// Writes each line with one write() to a file descriptor; spdlog's own file sink collects lines in
// a FILE buffer, and a crash takes the last ones, the telling ones, with it.
class FileSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  FileSink(int fd, bool close_at_end) : fd_(fd), close_at_end_(close_at_end) {}
  // A file of `bytes` so far, which is rotated.
  FileSink(int fd, Rotator rotator, uint64_t bytes)
      : fd_(fd), close_at_end_(true), rotator_(std::move(rotator)), bytes_(bytes) {}
  ~FileSink() override;

  uint64_t dropped_lines() const { return dropped_lines_.load(std::memory_order_relaxed); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  // If the line does not fit any more.
  void rotate_for(const spdlog::details::log_msg& message);

  int fd_;
  const bool close_at_end_;
  std::optional<Rotator> rotator_;
  uint64_t bytes_ = 0;  // in the file, as far as we wrote it; counted under a rotator only
  bool torn_ = false;   // the last line went out in part
  std::atomic<uint64_t> dropped_lines_{0};
};

// "stderr", "default", "stdout" or a file's path.
Result<std::shared_ptr<FileSink>> open_output(const std::string& name,
                                              const std::optional<Rotation>& rotation);

}  // namespace gatehouse::log
