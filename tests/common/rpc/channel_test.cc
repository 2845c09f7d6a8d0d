#include "common/rpc/channel.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/common/rpc/rig.h"

namespace gatehouse::rpc {
namespace {

using testing::Host;
using testing::Recorder;
using testing::Rig;

std::unique_ptr<Channel> make_channel(Rig& rig, std::vector<std::string> addresses,
                                      ChannelOptions options = {}) {
  return std::make_unique<Channel>(rig.sim, *rig.dialer, rig.entropy, std::move(addresses),
                                   std::move(options));
}

TEST(Channel, SpreadsCallsEvenly) {
  Rig rig;
  std::vector<Host*> hosts;
  for (const char* address : {"a:1", "b:1", "c:1"}) hosts.push_back(&rig.host(address));
  auto channel = make_channel(rig, {"a:1", "b:1", "c:1"});
  rig.sim.run_until_idle();
  EXPECT_EQ(channel->ready_endpoints(), 3u);
  for (int i = 0; i < 30; ++i) {
    Recorder recorder;
    rig.unary(*channel, recorder, "x");
    ASSERT_EQ(recorder.status(), "OK");
  }
  for (Host* host : hosts) EXPECT_EQ(host->state.started, 10);
}

TEST(Channel, GoesRoundAnEndpointThatIsAway) {
  Rig rig;
  Host& host = rig.host("b:1");
  auto channel = make_channel(rig, {"a:1", "b:1"});
  for (int i = 0; i < 10; ++i) {
    Recorder recorder;
    rig.unary(*channel, recorder, "x");
    ASSERT_EQ(recorder.status(), "OK");
  }
  EXPECT_EQ(host.state.started, 10);
}

TEST(Channel, AllEndpointsAway) {
  Rig rig;
  auto channel = make_channel(rig, {"a:1", "b:1"});
  Recorder recorder;
  rig.unary(*channel, recorder, "x");
  EXPECT_EQ(recorder.status(),
            "Unavailable: no endpoint can be reached, last error: dial b:1: connection refused");
  EXPECT_EQ(recorder.result->executed, Executed::kNo);
  // They come back.
  rig.host("a:1");
  rig.sim.advance(3'000);
  Recorder second;
  rig.unary(*channel, second, "x");
  EXPECT_EQ(second.status(), "OK");
}

TEST(Channel, NoEndpoints) {
  Rig rig;
  auto channel = make_channel(rig, {});
  Recorder recorder;
  rig.unary(*channel, recorder, "x");
  EXPECT_EQ(recorder.status(), "Unavailable: the channel has no endpoints");
}

TEST(Channel, CallsWaitForTheFirstEndpoint) {
  Rig rig;
  rig.network.set_link({.delay_ms = 120});
  rig.host("a:1");
  ChannelOptions options;
  options.subchannel.max_wait_ms = 300;
  auto channel = make_channel(rig, {"a:1"}, options);
  Recorder early;
  rig.unary(*channel, early, "x", {.deadline_ms = rig.sim.now_ms() + 50});
  Recorder impatient;
  rig.unary(*channel, impatient, "x");
  rig.sim.advance(250);
  EXPECT_EQ(early.status(),
            "DeadlineExceeded: context deadline exceeded while waiting for an endpoint");
  Recorder patient;
  rig.unary(*channel, patient, "x");
  Recorder gone;
  rig.unary(*channel, gone, "x");
  gone.call.reset();
  rig.sim.advance(55);
  EXPECT_EQ(impatient.status(), "Unavailable: timed out while waiting for an endpoint");
  rig.sim.advance(2'000);
  EXPECT_EQ(patient.status(), "OK");
  EXPECT_EQ(gone.finishes, 0);
}

// A server that refuses each stream before a handler has seen it: what GOAWAY and REFUSED_STREAM
// come to.
class RefusingRequests final : public http::RequestHandler {
 public:
  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    struct Nothing final : http::StreamHandler {
      void on_body(std::string_view) override {}
      void on_end(const http::Headers&) override {}
      void on_abort(const http::Abort&) override {}
    };
    stream.abort(http::ErrorCode::kRefusedStream);
    ++refused;
    return std::make_unique<Nothing>();
  }
  static inline int refused = 0;
};

struct RefusingHost {
  RefusingHost(Rig& rig, const std::string& address)
      : worker(rig.sim, std::make_unique<RefusingRequests>(), {}, counters, nullptr) {
    RefusingRequests::refused = 0;
    rig.network.listen(address, rig.sim, [this](std::unique_ptr<env::ByteStream> stream) {
      worker.adopt(std::move(stream));
    });
  }
  httpio::TrafficCounters counters;
  httpio::ServerWorker worker;
};

TEST(Channel, ARefusedCallIsSentOnceMoreElsewhere) {
  Rig rig;
  RefusingHost refusing(rig, "a:1");
  Host& good = rig.host("b:1");
  auto channel = make_channel(rig, {"a:1", "b:1"});
  rig.sim.run_until_idle();
  for (int i = 0; i < 10; ++i) {
    Recorder recorder;
    rig.begin(*channel, recorder, "/test.Echo/Collect", {.metadata = {{"a", "b"}}});
    recorder.call->send("abc");
    recorder.call->send("");
    recorder.call->send("de");
    rig.sim.run_until_idle();
    recorder.call->send("f");
    recorder.call->half_close();
    rig.sim.run_until_idle();
    ASSERT_EQ(recorder.status(), "OK");
    EXPECT_EQ(recorder.messages, std::vector<std::string>({"4 6"})) << "all that was sent";
  }
  EXPECT_GE(RefusingRequests::refused, 4);
  EXPECT_EQ(good.state.started, 10);
}

TEST(Channel, OnceMoreIsOnce) {
  Rig rig;
  RefusingHost refusing(rig, "a:1");
  auto channel = make_channel(rig, {"a:1"});
  Recorder recorder;
  rig.unary(*channel, recorder, "x");
  EXPECT_EQ(recorder.code(), StatusCode::kUnavailable);
  EXPECT_EQ(recorder.result->executed, Executed::kNo);
  EXPECT_EQ(recorder.finishes, 1);
  EXPECT_EQ(RefusingRequests::refused, 2);
}

TEST(Channel, WhatMayHaveBeenExecutedIsNotSentAgain) {
  Rig rig;
  Host& a = rig.host("a:1");
  Host& b = rig.host("b:1");
  auto channel = make_channel(rig, {"a:1", "b:1"});
  rig.sim.run_until_idle();
  Recorder recorder;
  rig.begin(*channel, recorder, "/test.Echo/Hang");
  recorder.call->send("x");
  rig.sim.run_until_idle();
  ASSERT_EQ(a.state.started + b.state.started, 1);
  rig.network.reset_all("a:1");
  rig.network.reset_all("b:1");
  rig.sim.run_until_idle();
  EXPECT_EQ(recorder.code(), StatusCode::kUnavailable);
  EXPECT_EQ(recorder.result->executed, Executed::kMaybe);
  EXPECT_EQ(a.state.started + b.state.started, 1);
}

TEST(Channel, ACallThatSentMuchIsNotSentAgain) {
  Rig rig;
  RefusingHost refusing(rig, "a:1");
  ChannelOptions options;
  options.max_replay_bytes = 1000;
  auto channel = make_channel(rig, {"a:1"}, options);
  rig.sim.run_until_idle();
  Recorder recorder;
  rig.begin(*channel, recorder, "/test.Echo/Collect");
  recorder.call->send(std::string(600, 'x'));
  recorder.call->send(std::string(600, 'x'));
  rig.sim.run_until_idle();
  EXPECT_EQ(recorder.code(), StatusCode::kUnavailable);
  EXPECT_EQ(RefusingRequests::refused, 1);
}

// Servers are replaced in turn, in order (GOAWAY, then what is under way finishes): no call fails,
// and none is executed twice.
TEST(Channel, ARollingRestartFailsNoCall) {
  const uint64_t first_seed = std::random_device{}();
  for (uint64_t seed = first_seed; seed < first_seed + 20; ++seed) {
    SCOPED_TRACE(seed);
    Rig rig(seed);
    std::mt19937_64 random(seed);
    rig.network.set_link({.delay_ms = random() % 5, .jitter_ms = random() % 5});
    const std::vector<std::string> addresses{"a:1", "b:1", "c:1"};
    for (const std::string& address : addresses) rig.host(address);
    auto channel = make_channel(rig, addresses);
    rig.sim.advance(100);
    std::vector<std::unique_ptr<httpio::ServerWorker>> old_workers;
    std::vector<std::unique_ptr<Recorder>> calls;
    for (int ms = 0; ms < 3'000; ++ms) {
      if (ms % 300 == 100) {
        Host& host = *rig.hosts[addresses[static_cast<size_t>(ms) / 300 % 3]];
        old_workers.push_back(std::move(host.worker));
        old_workers.back()->drain([] {});
        host.worker = std::make_unique<httpio::ServerWorker>(
            rig.sim, std::make_unique<testing::GrpcRequests>(host.server, rig.sim),
            httpio::ServerConnectionOptions(), host.counters, nullptr);
      }
      calls.push_back(std::make_unique<Recorder>());
      rig.begin(*channel, *calls.back(), "/test.Echo/Unary", {.metadata = {{"delay-ms", "7"}}});
      calls.back()->call->send("x");
      calls.back()->call->half_close();
      rig.sim.advance(1);
    }
    rig.sim.advance(10'000);
    int started = 0;
    for (const auto& [address, host] : rig.hosts) started += host->state.started;
    EXPECT_EQ(static_cast<size_t>(started), calls.size());
    for (const auto& call : calls) ASSERT_EQ(call->status(), "OK");
  }
}

TEST(Channel, EndpointsComeAndGo) {
  Rig rig;
  Host& a = rig.host("a:1");
  Host& b = rig.host("b:1");
  auto channel = make_channel(rig, {"a:1", "a:1"});
  rig.sim.run_until_idle();
  EXPECT_EQ(a.connections, 1) << "a name given twice is one endpoint";
  Recorder chat;
  rig.begin(*channel, chat, "/test.Echo/Chat");
  chat.call->send("1");
  rig.sim.run_until_idle();

  channel->set_addresses({"b:1"});
  rig.sim.run_until_idle();
  for (int i = 0; i < 5; ++i) {
    Recorder recorder;
    rig.unary(*channel, recorder, "x");
    ASSERT_EQ(recorder.status(), "OK");
  }
  EXPECT_EQ(b.state.started, 5);
  chat.call->send("2");
  chat.call->half_close();
  rig.sim.advance(5'000);
  EXPECT_EQ(chat.status(), "OK") << "a call on an endpoint that left the list finishes there";
  EXPECT_EQ(chat.messages.size(), 2u);
  EXPECT_EQ(rig.network.open_connections("a:1"), 0u);

  channel->set_addresses({"b:1", "a:1"});
  rig.sim.run_until_idle();
  EXPECT_EQ(b.connections, 1) << "an endpoint that stays keeps its connection";
  EXPECT_EQ(channel->ready_endpoints(), 2u);
  channel->set_addresses({});
  Recorder none;
  rig.unary(*channel, none, "x");
  EXPECT_EQ(none.status(), "Unavailable: the channel has no endpoints");
}

TEST(Channel, APickerOfOnesOwn) {
  struct Last final : Picker {
    size_t pick(std::span<Subchannel* const> ready, std::string_view path) override {
      EXPECT_EQ(path, "/test.Echo/Unary");
      return ready.size() - 1;
    }
  };
  Rig rig;
  Host& a = rig.host("a:1");
  Host& b = rig.host("b:1");
  Channel channel(rig.sim, *rig.dialer, rig.entropy, {"a:1", "b:1"}, {}, std::make_unique<Last>());
  rig.sim.run_until_idle();
  for (int i = 0; i < 5; ++i) {
    Recorder recorder;
    rig.unary(channel, recorder, "x");
  }
  EXPECT_EQ(a.state.started, 0);
  EXPECT_EQ(b.state.started, 5);
}

TEST(Channel, DestroyedWithCallsUnderWay) {
  Rig rig;
  rig.host("a:1");
  auto channel = make_channel(rig, {"a:1"});
  rig.sim.run_until_idle();
  auto waiting_channel = make_channel(rig, {"nobody:1"});
  Recorder open_call;
  rig.begin(*channel, open_call, "/test.Echo/Chat");
  Recorder waiting;
  rig.begin(*waiting_channel, waiting, "/test.Echo/Chat");
  channel.reset();
  waiting_channel.reset();
  EXPECT_FALSE(open_call.finished());
  rig.sim.run_until_idle();
  EXPECT_EQ(open_call.code(), StatusCode::kUnavailable);
  EXPECT_EQ(waiting.code(), StatusCode::kUnavailable);
  EXPECT_EQ(open_call.finishes + waiting.finishes, 2);
}

}  // namespace
}  // namespace gatehouse::rpc
