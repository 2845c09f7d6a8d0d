// Our client calls a gRPC C++ server over loopback sockets.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/loop/event_loop.h"
#include "common/net/tcp_dialer.h"
#include "common/rpc/channel.h"
#include "common/rpc/subchannel.h"
#include "tests/common/rpc/rig.h"
#include "tests/common/rpc/stock.h"

namespace gatehouse::rpc {
namespace {

using testing::Recorder;
using testing::StockServer;

class StockServerTest : public ::testing::Test {
 protected:
  StockServerTest() : dialer_(loop_, {}) { connect(); }
  ~StockServerTest() override { subchannel_.reset(); }

  void connect(SubchannelOptions options = {}) {
    subchannel_ =
        std::make_unique<Subchannel>(loop_, dialer_, entropy_, server_.address, std::move(options));
  }

  // Runs the loop until it holds; the test fails after ten seconds.
  void run_until(const std::function<bool()>& holds) {
    const uint64_t start = loop_.now_ms();
    std::function<void()> look;
    env::Timer timer(loop_, [&] { look(); });
    bool late = false;
    look = [&] {
      late = loop_.now_ms() - start > 10'000;
      if (late || holds()) {
        loop_.stop();
      } else {
        timer.arm(1);
      }
    };
    look();
    loop_.run();
    ASSERT_FALSE(late && !holds());
  }

  void begin(Recorder& recorder, const char* path, const CallOptions& options = {}) {
    recorder.call = subchannel_->start(path, options, recorder);
  }
  void unary(Recorder& recorder, std::string_view message, const CallOptions& options = {}) {
    begin(recorder, "/test.Echo/Unary", options);
    recorder.call->send(message);
    recorder.call->half_close();
    run_until([&] { return recorder.finished(); });
  }

  StockServer server_;
  loop::EventLoop loop_;
  net::TcpDialer dialer_;
  env::SeededEntropy entropy_{1};
  std::unique_ptr<Subchannel> subchannel_;
};

TEST_F(StockServerTest, Unary) {
  for (const size_t size : {0, 1, 100, 16'384, 100'000}) {
    Recorder recorder;
    const std::string message(size, 'u');
    unary(recorder, message);
    EXPECT_EQ(recorder.status(), "OK");
    ASSERT_EQ(recorder.messages.size(), 1u);
    EXPECT_TRUE(recorder.messages[0] == message);
    EXPECT_EQ(recorder.result->executed, Executed::kYes);
  }
}

TEST_F(StockServerTest, Streams) {
  Recorder collect;
  begin(collect, "/test.Echo/Collect");
  for (int i = 0; i < 1000; ++i) collect.call->send(std::string(500, 'c'));
  collect.call->half_close();
  run_until([&] { return collect.finished(); });
  EXPECT_EQ(collect.messages, std::vector<std::string>({"1000 500000"}));

  Recorder list;
  begin(list, "/test.Echo/List");
  list.call->send("2000 1000");
  list.call->half_close();
  run_until([&] { return list.finished(); });
  EXPECT_EQ(list.status(), "OK");
  EXPECT_EQ(list.bytes, 2'000'000u);

  Recorder chat;
  begin(chat, "/test.Echo/Chat");
  for (size_t i = 0; i < 200; ++i) {
    chat.call->send(std::to_string(i));
    run_until([&] { return chat.messages.size() > i; });
    ASSERT_EQ(chat.messages[i], std::to_string(i));
  }
  chat.call->half_close();
  run_until([&] { return chat.finished(); });
  EXPECT_EQ(chat.status(), "OK");
}

TEST_F(StockServerTest, MetadataAndErrors) {
  const std::string raw("\0\1\xff,", 4);
  Recorder recorder;
  unary(recorder, "x", {.metadata = {{"echo-text", "some text"}, {"echo-raw-bin", raw}}});
  EXPECT_EQ(recorder.status(), "OK");
  for (const Metadata* metadata : {&*recorder.initial, &recorder.result->trailing}) {
    EXPECT_EQ(find(*metadata, "echo-text"), "some text");
    EXPECT_EQ(find(*metadata, "echo-raw-bin"), raw);
  }
  for (const std::string text : {"etcdserver: key not found", "100%\nümlaut", ""}) {
    Recorder failing;
    unary(failing, text, {.metadata = {{"status", "11"}}});
    EXPECT_EQ(failing.result->status, Status(StatusCode::kOutOfRange, text));
    EXPECT_EQ(failing.result->executed, Executed::kYes);
  }
  Recorder unknown;
  begin(unknown, "/no.Such/Method");
  unknown.call->half_close();
  run_until([&] { return unknown.finished(); });
  EXPECT_EQ(unknown.status(), "Unimplemented: stock knows no /no.Such/Method");
}

TEST_F(StockServerTest, Deadline) {
  Recorder recorder;
  begin(recorder, "/test.Echo/Hang", {.deadline_ms = loop_.now_ms() + 150});
  recorder.call->send("x");
  run_until([&] { return recorder.finished(); });
  EXPECT_EQ(recorder.code(), StatusCode::kDeadlineExceeded);
  while (server_.echo.cancelled == 0) std::this_thread::yield();
}

TEST_F(StockServerTest, Cancels) {
  Recorder recorder;
  begin(recorder, "/test.Echo/Hang");
  recorder.call->send("x");
  run_until([&] { return server_.echo.started > 0; });
  recorder.call.reset();
  run_until([&] { return server_.echo.cancelled > 0; });
  EXPECT_EQ(recorder.finishes, 0);
}

TEST_F(StockServerTest, Gzip) {
  SubchannelOptions options;
  options.accept_gzip = true;
  connect(options);
  Recorder recorder;
  std::string message(300'000, 'z');
  for (size_t i = 0; i < message.size(); ++i) message[i] = static_cast<char>(i / 100);
  unary(recorder, message, {.metadata = {{"gzip", "1"}}});
  EXPECT_EQ(recorder.status(), "OK");
  ASSERT_EQ(recorder.messages.size(), 1u);
  EXPECT_TRUE(recorder.messages[0] == message);

  Recorder bomb;
  unary(bomb, message, {.metadata = {{"gzip", "1"}}, .max_receive_bytes = 100'000});
  EXPECT_EQ(bomb.status(),
            "ResourceExhausted: grpc: received message after decompression larger than max 100000");
}

TEST_F(StockServerTest, LargeMessages) {
  const std::string large(16 * 1024 * 1024, 'L');
  Recorder recorder;
  unary(recorder, large);
  EXPECT_EQ(recorder.status(), "OK");
  ASSERT_EQ(recorder.messages.size(), 1u);
  EXPECT_TRUE(recorder.messages[0] == large);

  Recorder limited;
  unary(limited, large, {.max_receive_bytes = 4 * 1024 * 1024});
  EXPECT_EQ(limited.status(),
            "ResourceExhausted: grpc: received message larger than max (16777216 vs. 4194304)");
  Recorder after;
  unary(after, "x");
  EXPECT_EQ(after.status(), "OK");
}

TEST_F(StockServerTest, TheServerGoes) {
  Recorder chat;
  begin(chat, "/test.Echo/Chat");
  chat.call->send("x");
  run_until([&] { return !chat.messages.empty(); });
  Recorder hang;
  begin(hang, "/test.Echo/Hang");
  hang.call->send("x");
  run_until([&] { return server_.echo.started == 2; });
  std::thread stopper([this] { server_.stop(); });
  run_until([&] { return chat.finished() && hang.finished(); });
  stopper.join();
  EXPECT_NE(chat.code(), StatusCode::kOk);
  EXPECT_NE(hang.code(), StatusCode::kOk);
  Recorder after;
  unary(after, "x");
  EXPECT_EQ(after.code(), StatusCode::kUnavailable);
  EXPECT_EQ(after.result->executed, Executed::kNo);
  EXPECT_NE(after.status().find(server_.address), std::string::npos) << after.status();
}

// One of two servers shuts down in order. gRPC C++ answers some of the calls that arrive meanwhile
// with CANCELLED itself; no other call fails.
TEST_F(StockServerTest, OneOfTwoServersShutsDown) {
  StockServer second;
  Channel channel(loop_, dialer_, entropy_, {server_.address, second.address});
  run_until([&] { return channel.ready_endpoints() == 2; });
  std::vector<std::unique_ptr<Recorder>> calls;
  const auto call = [&] {
    calls.push_back(std::make_unique<Recorder>());
    calls.back()->call = channel.start("/test.Echo/Unary", {}, *calls.back());
    calls.back()->call->send("x");
    calls.back()->call->half_close();
  };
  for (int i = 0; i < 200; ++i) call();
  // Orderly: GOAWAY, then what is under way gets its time.
  std::thread stopper([this] {
    server_.server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(10));
  });
  size_t finished = 0;
  run_until([&] {
    if (calls.size() < 600) call();
    finished = 0;
    for (const auto& one : calls) finished += one->finished();
    return calls.size() == 600 && finished == 600;
  });
  stopper.join();
  int good = 0;
  for (const auto& one : calls) {
    good += one->code() == StatusCode::kOk;
    ASSERT_TRUE(one->code() == StatusCode::kOk || one->code() == StatusCode::kCanceled)
        << one->status();
    ASSERT_EQ(one->result->executed, Executed::kYes);
  }
  EXPECT_GT(good, 300);
}

}  // namespace
}  // namespace gatehouse::rpc
