#include "common/env/watchdog.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/env/sim_executor.h"

namespace gatehouse::env {
namespace {

class Watchdogs : public testing::Test {
 protected:
  // A supervisor that listens, and wants to hear from this process every second.
  Watchdogs() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "@gatehouse-watchdog-" + std::to_string(getpid());
    std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    setenv("WATCHDOG_USEC", "1000000", 1);
  }
  ~Watchdogs() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
    close(fd_);
  }

  // How many pings have come since it was last asked.
  int pings() {
    std::array<char, 64> buffer{};
    for (int count = 0;; ++count) {
      const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
      if (size < 0) return count;
      EXPECT_EQ(std::string(buffer.data(), static_cast<size_t>(size)), "WATCHDOG=1");
    }
  }

  const int fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  SimExecutor own_, first_, second_;
};

TEST_F(Watchdogs, PingWhileEveryLoopTurns) {
  const Watchdog watchdog(own_, {&first_, &second_}, nullptr);
  for (int i = 0; i < 8; ++i) {
    first_.run_until_idle();
    second_.run_until_idle();
    own_.advance(250);
    EXPECT_EQ(pings(), 1) << i;
  }
}

TEST_F(Watchdogs, AreSilentWhileOneLoopHangsAndGoOnAfterIt) {
  const Watchdog watchdog(own_, {&first_, &second_}, nullptr);
  first_.run_until_idle();
  own_.advance(60'000);
  EXPECT_EQ(pings(), 0);
  // It is asked once however long it hangs, and one answer is enough.
  EXPECT_EQ(second_.run_until_idle(), 1u);
  own_.advance(250);
  EXPECT_EQ(pings(), 1);
  own_.advance(60'000);
  EXPECT_EQ(pings(), 0);
}

TEST_F(Watchdogs, MayEndBeforeALoopAnswers) {
  { const Watchdog watchdog(own_, {&first_}, nullptr); }
  first_.run_until_idle();
  own_.advance(1'000);
  EXPECT_EQ(pings(), 0);
}

TEST_F(Watchdogs, TellOnceThatNobodyListens) {
  setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
  int failures = 0;
  const Watchdog watchdog(own_, {}, [&](const Status& why) {
    ++failures;
    EXPECT_EQ(why.message(), "cannot notify /no/such/socket: No such file or directory");
  });
  own_.advance(2'000);
  EXPECT_EQ(failures, 1);
}

TEST_F(Watchdogs, AreOffUnlessAskedFor) {
  const std::string me = std::to_string(getpid());
  EXPECT_EQ(watchdog_timeout_ms(), 1'000u);
  setenv("WATCHDOG_PID", me.c_str(), 1);
  EXPECT_EQ(watchdog_timeout_ms(), 1'000u);
  for (const std::string& other : {std::string("1"), me + "x", std::string()}) {
    setenv("WATCHDOG_PID", other.c_str(), 1);
    EXPECT_EQ(watchdog_timeout_ms(), std::nullopt) << other;
  }
  unsetenv("WATCHDOG_PID");
  setenv("WATCHDOG_USEC", "1", 1);
  EXPECT_EQ(watchdog_timeout_ms(), 1u);
  for (const char* nothing : {"0", "", "-1", "1s", "99999999999999999999"}) {
    setenv("WATCHDOG_USEC", nothing, 1);
    EXPECT_EQ(watchdog_timeout_ms(), std::nullopt) << nothing;
  }
  unsetenv("WATCHDOG_USEC");
  const Watchdog watchdog(own_, {&first_}, nullptr);
  own_.advance(10'000);
  EXPECT_EQ(pings(), 0);
}

}  // namespace
}  // namespace gatehouse::env
