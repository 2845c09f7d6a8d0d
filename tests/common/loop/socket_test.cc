#include "common/loop/socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <random>
#include <vector>

#include "common/loop/acceptor.h"
#include "common/loop/connect.h"
#include "tests/common/loop/support.h"

namespace gatehouse::loop {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<Socket> adopt(EventLoop& loop, UniqueFd fd) {
  Result<std::unique_ptr<Socket>> socket = Socket::adopt(loop, std::move(fd));
  EXPECT_TRUE(socket.ok()) << socket.status().to_string();
  return *std::move(socket);
}

// Two connected sockets, over what the parameter says.
class SocketPair : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string kind = GetParam();
    Result<SocketAddress> address = SocketAddress::ip(kind == "ipv6" ? "::1" : "127.0.0.1", 0);
    if (kind == "unix") address = SocketAddress::unix_path(directory_.file("s"));
    ASSERT_TRUE(address.ok());
    UniqueFd accepted;
    auto acceptor = Acceptor::listen(
        loop_, *address, {}, [&](UniqueFd fd) { accepted = std::move(fd); },
        [](const Status& why) { FAIL() << why.to_string(); });
    if (!acceptor.ok() && kind == "ipv6") GTEST_SKIP() << "no IPv6 here";
    ASSERT_TRUE(acceptor.ok()) << acceptor.status().to_string();
    UniqueFd connected;
    auto attempt = connect(loop_, {(*acceptor)->local_address()}, 5'000, [&](Result<UniqueFd> fd) {
      ASSERT_TRUE(fd.ok()) << fd.status().to_string();
      connected = *std::move(fd);
    });
    ASSERT_TRUE(run_until(loop_, [&] { return accepted.valid() && connected.valid(); }));
    address_ = (*acceptor)->local_address().to_string();
    a_ = adopt(loop_, std::move(accepted));
    b_ = adopt(loop_, std::move(connected));
  }

  void TearDown() override {
    a_.reset();
    b_.reset();
  }

  bool is_unix() const { return std::string(GetParam()) == "unix"; }

  TempDirectory directory_;
  EventLoop loop_;
  std::string address_;
  NotingSink sink_a_, sink_b_;
  std::unique_ptr<Socket> a_, b_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, SocketPair, ::testing::Values("ipv4", "ipv6", "unix"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(SocketPair, CarriesBytesBothWaysAndKnowsItsPeer) {
  a_->start(sink_a_);
  b_->start(sink_b_);
  EXPECT_EQ(b_->peer().address, address_);
  EXPECT_EQ(a_->peer().address.substr(0, 1), is_unix() ? "@" : address_.substr(0, 1));
  a_->write("hello ");
  a_->write("");
  a_->write("there");
  b_->write("and back");
  ASSERT_TRUE(run_until(
      loop_, [&] { return sink_b_.bytes == "hello there" && sink_a_.bytes == "and back"; }));
  EXPECT_EQ(sink_a_.drained, 0) << "nothing was ever unsent";
}

TEST_P(SocketPair, HalfClosesEitherWay) {
  a_->start(sink_a_);
  b_->start(sink_b_);
  a_->write("last");
  a_->finish_writing();
  ASSERT_TRUE(run_until(loop_, [&] { return sink_b_.ended; }));
  EXPECT_EQ(sink_b_.bytes, "last");
  EXPECT_FALSE(sink_a_.ended);
  b_->write("still here");
  ASSERT_TRUE(run_until(loop_, [&] { return sink_a_.bytes == "still here"; }));
  b_->finish_writing();
  ASSERT_TRUE(run_until(loop_, [&] { return sink_a_.ended; }));
  EXPECT_FALSE(sink_a_.broken || sink_b_.broken);
}

// More than any kernel buffer: the rest is queued, gathered, sent in order, and told.
TEST_P(SocketPair, QueuesWhatTheKernelDoesNotTake) {
  const uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  std::string all;
  a_->start(sink_a_);
  b_->start(sink_b_);
  b_->pause_reading();
  while (all.size() < 32 * 1024 * 1024) {
    std::string piece(1 + random() % 100'000, '\0');
    for (char& c : piece) c = static_cast<char>(random());
    a_->write(piece);
    all += piece;
  }
  const size_t unsent = a_->unsent();
  EXPECT_GT(unsent, 1024u * 1024);
  a_->finish_writing();
  ASSERT_TRUE(run_until(loop_, [&] { return a_->unsent() > 0; }));
  EXPECT_FALSE(sink_b_.ended);
  b_->resume_reading();
  ASSERT_TRUE(run_until(loop_, [&] { return sink_b_.ended; }));
  EXPECT_TRUE(sink_b_.bytes == all) << "other bytes came than went";
  EXPECT_EQ(a_->unsent(), 0u);
  EXPECT_EQ(sink_a_.drained, 1);
}

TEST_P(SocketPair, PausedReadingHoldsTheSenderBack) {
  a_->start(sink_a_);
  b_->start(sink_b_);
  sink_b_.then = [&] { b_->pause_reading(); };
  const std::string block(1024 * 1024, 'x');
  for (int i = 0; i < 16; ++i) a_->write(block);
  ASSERT_TRUE(run_until(loop_, [&] { return !sink_b_.bytes.empty(); }));
  const size_t at_pause = sink_b_.bytes.size();
  // The loop goes on turning without a byte.
  int turns = 0;
  ASSERT_TRUE(run_until(loop_, [&] { return ++turns > 20; }));
  EXPECT_EQ(sink_b_.bytes.size(), at_pause);
  EXPECT_GT(a_->unsent(), 0u);
  sink_b_.then = nullptr;
  b_->resume_reading();
  ASSERT_TRUE(run_until(loop_, [&] { return sink_b_.bytes.size() == 16 * block.size(); }));
}

TEST_P(SocketPair, DestructionEndsThePeerInOrder) {
  a_->start(sink_a_);
  b_->start(sink_b_);
  a_->write("bye");
  a_.reset();
  ASSERT_TRUE(run_until(loop_, [&] { return sink_b_.ended; }));
  EXPECT_EQ(sink_b_.bytes, "bye");
}

TEST_P(SocketPair, WritingToWhoLeftBreaksOnceAndLater) {
  a_->start(sink_a_);
  b_->start(sink_b_);
  b_.reset();
  ASSERT_TRUE(run_until(loop_, [&] { return sink_a_.ended; }));
  // The first write is answered by a reset, one after it fails.
  a_->write("x");
  ASSERT_TRUE(run_until(loop_, [&] {
    if (!sink_a_.broken) {
      a_->write("x");
      EXPECT_FALSE(sink_a_.broken) << "told from inside write()";
    }
    return sink_a_.broken.has_value();
  }));
  EXPECT_EQ(sink_a_.broken->code(), StatusCode::kUnavailable);
  EXPECT_THAT(sink_a_.broken->message(), HasSubstr("write: "));
  a_->write("dropped");
  EXPECT_EQ(a_->unsent(), 0u);
}

// A server that answers early and closes: the answer comes before the failure of our own write.
TEST_P(SocketPair, WhatThePeerSentBeforeItLeftIsDelivered) {
  a_->start(sink_a_);
  b_->write("HTTP/1.1 413 too large");
  b_.reset();
  for (int i = 0; i < 100; ++i) a_->write(std::string(100'000, 'x'));
  ASSERT_TRUE(run_until(loop_, [&] { return sink_a_.broken.has_value() || sink_a_.ended; }));
  EXPECT_EQ(sink_a_.bytes, "HTTP/1.1 413 too large");
}

TEST_P(SocketPair, ResetIsTold) {
  a_->start(sink_a_);
  b_->write("x");
  ASSERT_TRUE(run_until(loop_, [&] { return sink_a_.bytes == "x"; }));
  a_->write("never read");
  b_.reset();  // with unread bytes: a reset
  ASSERT_TRUE(run_until(loop_, [&] { return sink_a_.broken.has_value(); }));
  EXPECT_EQ(sink_a_.broken->message(), "connection reset by peer");
}

TEST_P(SocketPair, DestructionDropsWhatIsUnsent) {
  b_->start(sink_b_);
  b_->pause_reading();
  const std::string block(16 * 1024 * 1024, 'x');
  a_->write(block);
  ASSERT_GT(a_->unsent(), 0u);
  a_.reset();
  b_->resume_reading();
  ASSERT_TRUE(run_until(loop_, [&] { return sink_b_.ended || sink_b_.broken; }));
  EXPECT_LT(sink_b_.bytes.size(), block.size());
}

TEST_P(SocketPair, DestroyLaterInsideItsCallback) {
  a_->start(sink_a_);
  b_->write("x");
  sink_a_.then = [&] { loop_.destroy_later(std::move(a_)); };
  b_->start(sink_b_);
  ASSERT_TRUE(run_until(loop_, [&] { return sink_b_.ended; }));
  EXPECT_EQ(a_, nullptr);
}

TEST_P(SocketPair, StartAgainHandsOver) {
  NotingSink first;
  b_->start(first);
  a_->write("1");
  ASSERT_TRUE(run_until(loop_, [&] { return first.bytes == "1"; }));
  b_->start(sink_b_);
  a_->write("2");
  ASSERT_TRUE(run_until(loop_, [&] { return sink_b_.bytes == "2"; }));
  EXPECT_EQ(first.bytes, "1");
}

TEST_P(SocketPair, HoldsItsTokenAsLongAsItLives) {
  auto token = std::make_shared<int>(0);
  a_->hold(token);
  EXPECT_EQ(token.use_count(), 2);
  a_.reset();
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Socket, TcpHasNoDelay) {
  EventLoop loop;
  UniqueFd accepted;
  auto acceptor = Acceptor::listen(
      loop, *SocketAddress::ip("127.0.0.1", 0), {}, [&](UniqueFd fd) { accepted = std::move(fd); },
      [](const Status&) {});
  ASSERT_TRUE(acceptor.ok());
  UniqueFd connected;
  auto attempt = connect(loop, {(*acceptor)->local_address()}, 5'000,
                         [&](Result<UniqueFd> fd) { connected = *std::move(fd); });
  ASSERT_TRUE(run_until(loop, [&] { return accepted.valid() && connected.valid(); }));
  const int fd = accepted.get();
  const std::unique_ptr<Socket> socket = adopt(loop, std::move(accepted));
  int on = 0;
  socklen_t bytes = sizeof(on);
  ASSERT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &bytes), 0);
  EXPECT_EQ(on, 1);
}

TEST(Socket, AdoptingWhatIsNotConnectedIsAnError) {
  EventLoop loop;
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto socket = Socket::adopt(loop, std::move(fd));
  ASSERT_FALSE(socket.ok());
  EXPECT_EQ(socket.status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace gatehouse::loop
