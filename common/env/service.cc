#include "common/env/service.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

namespace gatehouse::env {

Status notify_supervisor(std::string_view state) {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  if (variable == nullptr || *variable == '\0') return Status();
  const std::string_view path = variable;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // "@name" is of the abstract namespace, whose names begin with a zero byte and end where they
  // end.
  if ((path[0] != '/' && path[0] != '@') || path.size() >= sizeof(address.sun_path)) {
    return invalid_argument("NOTIFY_SOCKET is no socket's name: " + std::string(path));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());

  const auto failure = [&](int error) {
    return unavailable("cannot notify " + std::string(path) + ": " +
                       std::system_category().message(error));
  };
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return failure(errno);
  const ssize_t sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), size);
  const int error = errno;
  ::close(fd);
  return sent == static_cast<ssize_t>(state.size()) ? Status() : failure(error);
}

void end_by_signal(int signal) {
  if (::getpid() == 1) ::_exit(0);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(signal, &standard, nullptr);
  sigset_t only{};
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  // Delivered to this thread, before the call returns or as soon as it is unblocked.
  ::raise(signal);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  // A signal that does not end a process by default: the shells' number for it.
  ::_exit(128 + signal);
}

void raise_descriptor_limit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Status lock_memory() {
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return Status();
  return unavailable("the memory cannot be locked: " + std::string(std::strerror(errno)));
}

}  // namespace gatehouse::env
