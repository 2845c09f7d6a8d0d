#include "common/log/capture.h"

#include <algorithm>
#include <deque>
#include <mutex>

#include "common/log/core.h"

namespace gatehouse::log {

struct Capture::Lines : spdlog::sinks::base_sink<std::mutex> {
  std::vector<std::string> copy() {
    const std::lock_guard lock(mutex_);
    return {lines_.begin(), lines_.end()};
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    lines_.clear();
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lines_.size() == kMaxLines) lines_.pop_front();
    lines_.emplace_back(message.payload.data(), message.payload.size() - 1);  // its newline
  }
  void flush_() override {}

 private:
  std::deque<std::string> lines_;
};

Capture::Capture(Options options)
    : lines_(std::make_shared<Lines>()),
      logger_(Core::logger(std::make_shared<Core>(options, std::vector<spdlog::sink_ptr>{lines_},
                                                  std::vector<std::shared_ptr<FileSink>>{}))) {}

Capture::~Capture() = default;

std::vector<std::string> Capture::lines() const { return lines_->copy(); }

size_t Capture::count(std::string_view text) const {
  const std::vector<std::string> all = lines_->copy();
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const std::string& line) {
    return line.find(text) != std::string::npos;
  }));
}

void Capture::clear() { lines_->clear(); }

}  // namespace gatehouse::log
