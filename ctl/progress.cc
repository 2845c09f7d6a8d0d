#include "ctl/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace gatehouse::ctl {
namespace {

constexpr std::chrono::milliseconds kFirst{1000};
constexpr std::chrono::milliseconds kEvery{200};
constexpr uint64_t kWidth = 30;

}  // namespace

std::string bar_text(const std::string& title, uint64_t done, uint64_t total,
                     const std::string& unit, std::chrono::seconds elapsed) {
  std::string text = title + "  ";
  if (total > 0) {
    done = std::min(done, total);
    const uint64_t filled = done * kWidth / total;
    text += "[" + std::string(filled, '#') + std::string(kWidth - filled, ' ') + "]  " +
            std::to_string(done * 100 / total) + "%  " + std::to_string(done) + " / " +
            std::to_string(total) + " " + unit + "  ";
  }
  return text + std::to_string(elapsed.count()) + " s";
}

ProgressBar::ProgressBar(std::string title, uint64_t total, std::string unit)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      shown_(isatty(STDERR_FILENO) == 1),
      total_(total) {
  if (shown_) thread_ = std::thread([this] { run(); });
}

ProgressBar::~ProgressBar() {
  if (!shown_) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  end_.notify_one();
  thread_.join();
}

void ProgressBar::run() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  for (auto pause = kFirst; !end_.wait_for(lock, pause, [this] { return ended_; });
       pause = kEvery) {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start);
    std::fprintf(stderr, "\r%s\033[K", bar_text(title_, done_, total_, unit_, elapsed).c_str());
  }
  if (std::chrono::steady_clock::now() - start > kFirst) std::fputs("\r\033[K", stderr);
}

}  // namespace gatehouse::ctl
