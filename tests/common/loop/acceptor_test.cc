#include "common/loop/acceptor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <vector>

#include "common/loop/connect.h"
#include "tests/common/loop/support.h"

namespace gatehouse::loop {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Result<std::unique_ptr<Acceptor>> listen(EventLoop& loop, const SocketAddress& address,
                                         std::vector<UniqueFd>& accepted,
                                         std::vector<Status>* pauses = nullptr,
                                         const AcceptorOptions& options = {}) {
  return Acceptor::listen(
      loop, address, options, [&accepted](UniqueFd fd) { accepted.push_back(std::move(fd)); },
      [pauses](const Status& why) {
        if (pauses == nullptr) FAIL() << why.to_string();
        pauses->push_back(why);
      });
}

UniqueFd blocking_connect(const SocketAddress& address) {
  UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(fd.get(), address.get(), address.size()), 0) << strerror(errno);
  return fd;
}

bool exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

TEST(Acceptor, HandsOutNonBlockingConnections) {
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  auto acceptor = listen(loop, *SocketAddress::ip("127.0.0.1", 0), accepted);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status().to_string();
  EXPECT_NE((*acceptor)->local_address().port(), 0);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(blocking_connect((*acceptor)->local_address()));
  ASSERT_TRUE(run_until(loop, [&] { return accepted.size() == clients.size(); }));
  EXPECT_NE(fcntl(accepted[0].get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(accepted[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Acceptor, TakesABoundedNumberPerTurn) {
  struct Counter final : env::TurnEndHook {
    int in_turn = 0;
    int most = 0;
    int all = 0;
    void on_turn_end() override {
      most = std::max(most, in_turn);
      all += in_turn;
      in_turn = 0;
    }
  };
  EventLoop loop;
  Counter counter;
  auto acceptor = Acceptor::listen(
      loop, *SocketAddress::ip("127.0.0.1", 0), {},
      [&](UniqueFd) {
        ++counter.in_turn;
        loop.at_turn_end(counter);
      },
      [](const Status& why) { FAIL() << why.to_string(); });
  ASSERT_TRUE(acceptor.ok());
  std::vector<UniqueFd> clients;
  const int count = 3 * Acceptor::kMaxAcceptsPerTurn;
  for (int i = 0; i < count; ++i) {
    clients.push_back(blocking_connect((*acceptor)->local_address()));
  }
  ASSERT_TRUE(run_until(loop, [&] { return counter.all == count; }));
  EXPECT_EQ(counter.most, Acceptor::kMaxAcceptsPerTurn);
}

TEST(Acceptor, AddressInUseNamesTheAddress) {
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  auto first = listen(loop, *SocketAddress::ip("127.0.0.1", 0), accepted);
  ASSERT_TRUE(first.ok());
  const SocketAddress& taken = (*first)->local_address();
  const auto second = listen(loop, taken, accepted);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().message(), "listen " + taken.to_string() + ": address already in use");
}

TEST(Acceptor, ReusePortSharesThePort) {
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  AcceptorOptions options;
  options.reuse_port = true;
  auto first = listen(loop, *SocketAddress::ip("127.0.0.1", 0), accepted, nullptr, options);
  ASSERT_TRUE(first.ok());
  const auto second = listen(loop, (*first)->local_address(), accepted, nullptr, options);
  EXPECT_TRUE(second.ok()) << second.status().to_string();
}

TEST(Acceptor, TheWildcardTakesBothFamilies) {
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  auto acceptor = listen(loop, *SocketAddress::ip("::", 0), accepted);
  if (!acceptor.ok()) GTEST_SKIP() << "no IPv6 here";
  const uint16_t port = (*acceptor)->local_address().port();
  const UniqueFd v4 = blocking_connect(*SocketAddress::ip("127.0.0.1", port));
  const UniqueFd v6 = blocking_connect(*SocketAddress::ip("::1", port));
  ASSERT_TRUE(run_until(loop, [&] { return accepted.size() == 2; }));
}

TEST(Acceptor, PauseLeavesConnectionsToTheBacklog) {
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  auto acceptor = listen(loop, *SocketAddress::ip("127.0.0.1", 0), accepted);
  ASSERT_TRUE(acceptor.ok());
  (*acceptor)->pause();
  const UniqueFd client = blocking_connect((*acceptor)->local_address());
  int turns = 0;
  ASSERT_TRUE(run_until(loop, [&] { return ++turns > 20; }));
  EXPECT_TRUE(accepted.empty());
  (*acceptor)->resume();
  ASSERT_TRUE(run_until(loop, [&] { return accepted.size() == 1; }));
}

// Out of descriptors: it says so, rests, does not spin, and goes on when there are some again.
TEST(Acceptor, RestsWhenDescriptorsRunOut) {
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  std::vector<Status> pauses;
  auto acceptor = listen(loop, *SocketAddress::ip("127.0.0.1", 0), accepted, &pauses);
  ASSERT_TRUE(acceptor.ok());
  // UBSan opens a pipe when it meets a type for the first time: not when there is no descriptor
  // left.
  ASSERT_TRUE(run_until(loop, [] { return true; }));
  const UniqueFd first = blocking_connect((*acceptor)->local_address());
  const UniqueFd second = blocking_connect((*acceptor)->local_address());

  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // Exactly one descriptor is left: the lowest free number.
  const int free_fd = dup(0);
  close(free_fd);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(free_fd) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  const bool rested = static_cast<bool>(run_until(loop, [&] { return pauses.size() == 3; }));
  const size_t accepted_then = accepted.size();
  rusage usage_before{}, usage_after{};
  getrusage(RUSAGE_THREAD, &usage_before);
  const uint64_t start_us = loop.now_us();
  const bool rested_again = static_cast<bool>(run_until(loop, [&] { return pauses.size() == 5; }));
  const uint64_t took_us = loop.now_us() - start_us;
  getrusage(RUSAGE_THREAD, &usage_after);
  setrlimit(RLIMIT_NOFILE, &before);

  ASSERT_TRUE(rested && rested_again);
  EXPECT_EQ(accepted_then, 1u);
  EXPECT_THAT(pauses[0].message(), StartsWith("accept on 127.0.0.1:"));
  EXPECT_THAT(pauses[0].message(), HasSubstr("too many open files"));
  EXPECT_GE(took_us, (Acceptor::kExhaustedPauseMs - 5) * 1'000) << "two rests lie between";
  ASSERT_TRUE(run_until(loop, [&] { return accepted.size() == 2; })) << "it did not go on";
}

TEST(AcceptorUnix, RemovesItsFileAtTheEnd) {
  TempDirectory directory;
  const std::string path = directory.file("s.sock");
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  auto acceptor = listen(loop, *SocketAddress::unix_path(path), accepted);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status().to_string();
  EXPECT_EQ((*acceptor)->local_address().to_string(), "unix:" + path);
  const UniqueFd client = blocking_connect((*acceptor)->local_address());
  ASSERT_TRUE(run_until(loop, [&] { return accepted.size() == 1; }));
  (*acceptor).reset();
  EXPECT_FALSE(exists(path));
}

TEST(AcceptorUnix, TakesOverTheSocketOfTheDead) {
  TempDirectory directory;
  const std::string path = directory.file("s.sock");
  const SocketAddress address = *SocketAddress::unix_path(path);
  {
    // Bound and closed without unlink: what a killed process leaves.
    const UniqueFd dead(socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(bind(dead.get(), address.get(), address.size()), 0);
  }
  ASSERT_TRUE(exists(path));
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  auto acceptor = listen(loop, address, accepted);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status().to_string();
  const UniqueFd client = blocking_connect(address);
  ASSERT_TRUE(run_until(loop, [&] { return accepted.size() == 1; }));
}

TEST(AcceptorUnix, RefusesTheSocketOfTheLiving) {
  TempDirectory directory;
  const SocketAddress address = *SocketAddress::unix_path(directory.file("s.sock"));
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  auto first = listen(loop, address, accepted);
  ASSERT_TRUE(first.ok());
  const auto second = listen(loop, address, accepted);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.status().message(), HasSubstr("address already in use"));
  EXPECT_TRUE(exists(directory.file("s.sock")));
}

TEST(AcceptorUnix, LeavesAFileThatIsNoSocket) {
  TempDirectory directory;
  const std::string path = directory.file("data");
  std::ofstream(path) << "precious";
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  const auto acceptor = listen(loop, *SocketAddress::unix_path(path), accepted);
  EXPECT_FALSE(acceptor.ok());
  EXPECT_TRUE(exists(path));
}

TEST(AcceptorUnix, LeavesAFileThatSomebodyPutThereSince) {
  TempDirectory directory;
  const std::string path = directory.file("s.sock");
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  auto first = listen(loop, *SocketAddress::unix_path(path), accepted);
  ASSERT_TRUE(first.ok());
  unlink(path.c_str());
  auto second = listen(loop, *SocketAddress::unix_path(path), accepted);
  ASSERT_TRUE(second.ok());
  (*first).reset();
  EXPECT_TRUE(exists(path));
}

TEST(AcceptorUnix, AbstractNamesNeedNoFile) {
  EventLoop loop;
  std::vector<UniqueFd> accepted;
  const std::string name = "@gatehouse-test-" + std::to_string(getpid());
  auto acceptor = listen(loop, *SocketAddress::unix_path(name), accepted);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status().to_string();
  EXPECT_EQ((*acceptor)->local_address().to_string(), "unix:" + name);
  const UniqueFd client = blocking_connect(*SocketAddress::unix_path(name));
  ASSERT_TRUE(run_until(loop, [&] { return accepted.size() == 1; }));
}

TEST(SocketAddress, ReadsAndWritesEveryForm) {
  EXPECT_EQ(SocketAddress::ip("127.0.0.1", 80)->to_string(), "127.0.0.1:80");
  EXPECT_EQ(SocketAddress::ip("::1", 80)->to_string(), "[::1]:80");
  EXPECT_EQ(SocketAddress::ip("::ffff:10.0.0.1", 80)->to_string(), "10.0.0.1:80");
  EXPECT_EQ(SocketAddress::unix_path("/run/x")->to_string(), "unix:/run/x");
  EXPECT_FALSE(SocketAddress::ip("localhost", 80).ok());
  EXPECT_FALSE(SocketAddress::ip("", 80).ok());
  EXPECT_FALSE(SocketAddress::unix_path("").ok());
  EXPECT_TRUE(SocketAddress::unix_path(std::string(107, 'x')).ok());
  EXPECT_FALSE(SocketAddress::unix_path(std::string(108, 'x')).ok());
}

}  // namespace
}  // namespace gatehouse::loop
