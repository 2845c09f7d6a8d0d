#include "common/loop/connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <vector>

#include "common/loop/acceptor.h"
#include "tests/common/loop/support.h"

namespace gatehouse::loop {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A port that was free a moment ago.
SocketAddress closed_port() {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM, 0));
  const SocketAddress any = *SocketAddress::ip("127.0.0.1", 0);
  CHECK(bind(fd.get(), any.get(), any.size()) == 0);
  sockaddr_in bound{};
  socklen_t bytes = sizeof(bound);
  CHECK(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &bytes) == 0);
  return SocketAddress(reinterpret_cast<sockaddr*>(&bound), bytes);
}

// A listening socket whose backlog is full: further connections get no answer, as from a host that
// drops them.
class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const SocketAddress any = *SocketAddress::ip("127.0.0.1", 0);
    CHECK(bind(fd_.get(), any.get(), any.size()) == 0);
    CHECK(listen(fd_.get(), 0) == 0);
    sockaddr_in bound{};
    socklen_t bytes = sizeof(bound);
    CHECK(getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &bytes) == 0);
    address_ = SocketAddress(reinterpret_cast<sockaddr*>(&bound), bytes);
    for (int i = 0; i < 4; ++i) {
      UniqueFd filler(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      static_cast<void>(::connect(filler.get(), address_.get(), address_.size()));
      fillers_.push_back(std::move(filler));
    }
  }
  const SocketAddress& address() const { return address_; }

 private:
  UniqueFd fd_;
  SocketAddress address_;
  std::vector<UniqueFd> fillers_;
};

struct Listening {
  EventLoop& loop;
  std::vector<UniqueFd> accepted;
  std::unique_ptr<Acceptor> acceptor;
  explicit Listening(EventLoop& loop_in) : loop(loop_in) {
    acceptor = *Acceptor::listen(
        loop, *SocketAddress::ip("127.0.0.1", 0), {},
        [this](UniqueFd fd) { accepted.push_back(std::move(fd)); }, [](const Status&) {});
  }
};

TEST(Connect, NeverFromInsideTheCall) {
  EventLoop loop;
  Listening server(loop);
  std::optional<Result<UniqueFd>> result;
  auto attempt = connect(loop, {server.acceptor->local_address()}, 5'000,
                         [&](Result<UniqueFd> fd) { result = std::move(fd); });
  EXPECT_FALSE(result.has_value());
  ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  EXPECT_TRUE(result->ok());
}

TEST(Connect, RefusedIsTold) {
  EventLoop loop;
  std::optional<Result<UniqueFd>> result;
  auto attempt =
      connect(loop, {closed_port()}, 5'000, [&](Result<UniqueFd> fd) { result = std::move(fd); });
  ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  ASSERT_FALSE(result->ok());
  EXPECT_EQ(result->status(), unavailable("connection refused"));
}

TEST(Connect, GoesOnToTheNextAddress) {
  EventLoop loop;
  Listening server(loop);
  std::optional<Result<UniqueFd>> result;
  auto attempt = connect(loop,
                         {closed_port(), *SocketAddress::unix_path("/nowhere/at/all"),
                          server.acceptor->local_address()},
                         5'000, [&](Result<UniqueFd> fd) { result = std::move(fd); });
  ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  EXPECT_TRUE(result->ok()) << result->status().to_string();
}

TEST(Connect, TheTimeLimitHolds) {
  EventLoop loop;
  SilentPort silent;
  std::optional<Result<UniqueFd>> result;
  const uint64_t start_us = loop.now_us();
  auto attempt = connect(loop, {silent.address(), silent.address(), silent.address()}, 150,
                         [&](Result<UniqueFd> fd) { result = std::move(fd); });
  ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  ASSERT_FALSE(result->ok());
  EXPECT_EQ(result->status(), unavailable("i/o timeout"));
  const uint64_t took_ms = (loop.now_us() - start_us) / 1'000;
  EXPECT_GE(took_ms, 145u);
  EXPECT_LT(took_ms, 1'900u) << "the limit is for all addresses together";
}

TEST(Connect, DestroyingGivesUp) {
  EventLoop loop;
  Listening server(loop);
  SilentPort silent;
  auto unstarted =
      connect(loop, {server.acceptor->local_address()}, 5'000, [](Result<UniqueFd>) { FAIL(); });
  constexpr uint64_t kLimitMs = 300;
  const uint64_t start_ms = loop.now_ms();
  auto waiting = connect(loop, {silent.address()}, kLimitMs, [](Result<UniqueFd>) { FAIL(); });
  unstarted.reset();
  int turns = 0;
  ASSERT_TRUE(run_until(loop, [&] {
    if (++turns == 3) waiting.reset();
    return turns > 3 && loop.now_ms() > start_ms + kLimitMs + 20;
  }));
}

TEST(Connect, TheAttemptMayGoInItsCallback) {
  EventLoop loop;
  Listening server(loop);
  std::unique_ptr<Attempt> attempt;
  const std::string note(100, 'x');
  std::string seen;
  attempt = connect(loop, {server.acceptor->local_address()}, 5'000, [&, note](Result<UniqueFd>) {
    attempt.reset();
    seen = note;
  });
  ASSERT_TRUE(run_until(loop, [&] { return seen == note; }));
}

TEST(Resolve, FindsLocalhostAndNumbers) {
  EventLoop loop;
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    std::optional<Result<std::vector<SocketAddress>>> result;
    auto attempt = resolve(loop, host, 2379, [&](Result<std::vector<SocketAddress>> found) {
      result = std::move(found);
    });
    EXPECT_FALSE(result.has_value());
    ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
    ASSERT_TRUE(result->ok()) << result->status().to_string();
    for (const SocketAddress& address : **result) EXPECT_EQ(address.port(), 2379);
  }
  EXPECT_TRUE(resolve_blocking("localhost", 1).ok());
}

TEST(Resolve, NamesTheHostThatDoesNotExist) {
  EventLoop loop;
  std::optional<Result<std::vector<SocketAddress>>> result;
  // ".invalid" never exists (RFC 6761); no label has more than 63 bytes.
  for (const std::string& host : {std::string("nobody.invalid"), std::string(300, 'x')}) {
    result.reset();
    auto attempt = resolve(loop, host, 1, [&](Result<std::vector<SocketAddress>> found) {
      result = std::move(found);
    });
    ASSERT_TRUE(run_until(
        loop, [&] { return result.has_value(); }, 60'000));
    ASSERT_FALSE(result->ok());
    EXPECT_EQ(result->status().code(), StatusCode::kUnavailable);
    EXPECT_THAT(result->status().message(), StartsWith("lookup " + host + ": "));
  }
}

TEST(Resolve, DestroyingGivesUpAndTheLoopStillCloses) {
  EventLoop loop;
  auto attempt = resolve(loop, "localhost", 1, [](Result<std::vector<SocketAddress>>) { FAIL(); });
  attempt.reset();
}

}  // namespace
}  // namespace gatehouse::loop
