#include "common/log/output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace gatehouse::log {

FileSink::~FileSink() {
  if (close_at_end_) ::close(fd_);
}

void FileSink::rotate_for(const spdlog::details::log_msg& message) {
  if (bytes_ == 0 || bytes_ + message.payload.size() <= rotator_->max_bytes()) return;
  const std::optional<int> fd = rotator_->next(message.time);
  // Without a new file the old one takes as much again before the next attempt.
  bytes_ = 0;
  if (!fd.has_value()) return;
  ::close(fd_);
  fd_ = *fd;
  torn_ = false;
}

void FileSink::sink_it_(const spdlog::details::log_msg& message) {
  if (rotator_.has_value()) rotate_for(message);
  std::string repaired;  // only after a torn line, whose rest must not swallow this one
  std::string_view rest(message.payload.data(), message.payload.size());
  if (torn_) {
    repaired = "\n";
    repaired.append(rest);
    rest = repaired;
  }
  const size_t whole = rest.size();
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      dropped_lines_.fetch_add(1, std::memory_order_relaxed);
      torn_ = torn_ || rest.size() != whole;
      return;
    }
    rest.remove_prefix(static_cast<size_t>(written));
    bytes_ += static_cast<uint64_t>(written);
  }
  torn_ = false;
}

Result<std::shared_ptr<FileSink>> open_output(const std::string& name,
                                              const std::optional<Rotation>& rotation) {
  if (name == "stderr" || name == "default") return std::make_shared<FileSink>(2, false);
  if (name == "stdout") return std::make_shared<FileSink>(1, false);
  if (name.empty()) return invalid_argument("log output with an empty name");
  const int fd = open_log_file(name);
  if (fd < 0) {
    return invalid_argument("cannot open log output " + name + ": " +
                            std::system_category().message(errno));
  }
  struct stat info {};
  // A pipe or a device is never full.
  if (!rotation.has_value() || ::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::make_shared<FileSink>(fd, true);
  }
  return std::make_shared<FileSink>(fd, Rotator(name, *rotation),
                                    static_cast<uint64_t>(info.st_size));
}

}  // namespace gatehouse::log
