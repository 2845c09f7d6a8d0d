#include "ctl/process.h"

#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/base/check.h"
#include "ctl/go_text.h"

extern char** environ;  // NOLINT: POSIX

namespace gatehouse::ctl {
namespace {

std::string signal_text(int number) {
  const char* words = strsignal(number);
  std::string text = words == nullptr ? std::to_string(number) : words;
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return "signal: " + text;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

sigset_t end_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

CommandEnd run_command(const std::vector<std::string>& arguments,
                       const std::vector<std::string>& variables,
                       const std::function<void(int pid)>& on_start) {
  std::vector<std::string> environment = variables;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], nullptr, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    const std::string why =
        error == ENOENT ? "executable file not found in $PATH" : strerror(error);
    return {1, "exec: " + go_quote(arguments[0]) + ": " + why, false};
  }
  if (on_start) on_start(pid);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {128 + WTERMSIG(status), signal_text(WTERMSIG(status))};
  const int code = WEXITSTATUS(status);
  return {code, code == 0 ? "" : "exit status " + std::to_string(code)};
}

EndSignals::EndSignals(std::function<void()> told) : wake_fd_(eventfd(0, EFD_CLOEXEC)) {
  CHECK(wake_fd_ >= 0);
  const sigset_t set = end_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this, set, told = std::move(told)] {
    const int signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    CHECK(signal_fd >= 0);
    pollfd both[] = {{signal_fd, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
    while (poll(both, 2, -1) < 0 && errno == EINTR) {
    }
    if (both[0].revents != 0) told();
    close(signal_fd);
  });
}

EndSignals::~EndSignals() {
  const uint64_t one = 1;
  CHECK(write(wake_fd_, &one, sizeof one) == sizeof one);
  thread_.join();
  close(wake_fd_);
}

}  // namespace gatehouse::ctl
