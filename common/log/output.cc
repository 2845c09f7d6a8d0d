#include "common/log/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace gatehouse::log {

FileSink::~FileSink() {
  if (close_at_end_) ::close(fd_);
}

void FileSink::sink_it_(const spdlog::details::log_msg& message) {
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
  }
  torn_ = false;
}

Result<std::shared_ptr<FileSink>> open_output(const std::string& name) {
  if (name == "stderr" || name == "default") return std::make_shared<FileSink>(2, false);
  if (name == "stdout") return std::make_shared<FileSink>(1, false);
  if (name.empty()) return invalid_argument("log output with an empty name");
  // Appending keeps lines whole when several processes, or logrotate's copytruncate, share a file.
  const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) {
    return invalid_argument("cannot open log output " + name + ": " +
                            std::system_category().message(errno));
  }
  return std::make_shared<FileSink>(fd, true);
}

}  // namespace gatehouse::log
