#include "common/env/service.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace gatehouse::env {
namespace {

// A supervisor's socket, and the variable that names it.
class Supervisor {
 public:
  explicit Supervisor(std::string name) : name_(std::move(name)) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name_.data(), name_.size());
    if (name_[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0) << name_;
    setenv("NOTIFY_SOCKET", name_.c_str(), 1);
  }
  ~Supervisor() {
    unsetenv("NOTIFY_SOCKET");
    close(fd_);
    if (name_[0] != '@') unlink(name_.c_str());
  }
  // "" when there is none.
  std::string message() const {
    std::array<char, 256> buffer{};
    const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
    return size < 0 ? "" : std::string(buffer.data(), static_cast<size_t>(size));
  }

 private:
  const std::string name_;
  int fd_;
};

TEST(Supervisors, AreToldByTheirSocket) {
  const std::string id = std::to_string(getpid());
  for (const std::string& name :
       {testing::TempDir() + "gatehouse-notify-" + id, "@gatehouse-notify-" + id}) {
    const Supervisor supervisor(name);
    EXPECT_TRUE(notify_supervisor("READY=1").ok());
    EXPECT_EQ(supervisor.message(), "READY=1");
    EXPECT_TRUE(notify_supervisor("STOPPING=1\nSTATUS=bye").ok());
    EXPECT_EQ(supervisor.message(), "STOPPING=1\nSTATUS=bye");
    EXPECT_EQ(supervisor.message(), "");
  }
}

TEST(Supervisors, MayBeAbsent) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(notify_supervisor("READY=1").ok());
  setenv("NOTIFY_SOCKET", "", 1);
  EXPECT_TRUE(notify_supervisor("READY=1").ok());
  setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
  EXPECT_EQ(notify_supervisor("READY=1").message(),
            "cannot notify /no/such/socket: No such file or directory");
  for (const std::string& name : {std::string("relative"), "/" + std::string(200, 'x')}) {
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    EXPECT_EQ(notify_supervisor("READY=1").code(), StatusCode::kInvalidArgument);
  }
  unsetenv("NOTIFY_SOCKET");
}

// The wait status of a child that does this.
template <typename Action>
int status_of(Action action) {
  const pid_t child = fork();
  if (child == 0) {
    action();
    _exit(99);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

TEST(EndBySignal, LooksAsIfTheSignalHadNotBeenCaught) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const int status = status_of([&] {
      ::signal(signal, [](int) { _exit(98); });
      end_by_signal(signal);
    });
    EXPECT_TRUE(WIFSIGNALED(status)) << status;
    EXPECT_EQ(WTERMSIG(status), signal);
  }
}

TEST(EndBySignal, TakesABlockedOrIgnoredSignal) {
  const int status = status_of([] {
    sigset_t all{};
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    ::signal(SIGTERM, SIG_IGN);
    end_by_signal(SIGTERM);
  });
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
}

TEST(EndBySignal, EndsWithoutItWhereTheSignalDoesNotEnd) {
  const int status = status_of([] { end_by_signal(SIGCHLD); });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGCHLD);
}

TEST(EndBySignal, Process1Exits) {
  const int outer = status_of([&] {
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) _exit(77);
    // The first child is process 1 of the new space.
    const int status = status_of([] { end_by_signal(SIGTERM); });
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
  });
  ASSERT_TRUE(WIFEXITED(outer));
  if (WEXITSTATUS(outer) == 77) GTEST_SKIP() << "no process spaces here";
  EXPECT_EQ(WEXITSTATUS(outer), 0);
}

}  // namespace
}  // namespace gatehouse::env
