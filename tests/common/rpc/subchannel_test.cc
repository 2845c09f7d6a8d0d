// What a Subchannel does about its connections: when it makes them, how long it waits, and what
// calls hear meanwhile.
#include "common/rpc/subchannel.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/common/rpc/rig.h"

namespace gatehouse::rpc {
namespace {

using testing::Host;
using testing::Recorder;
using testing::Rig;

struct States final : Subchannel::Listener {
  void on_subchannel_state(Subchannel&, ChannelState state, const Status& why) override {
    std::string line(channel_state_name(state));
    if (!why.ok()) line += ": " + why.message();
    log.push_back(line);
  }
  std::vector<std::string> log;
};

using Log = std::vector<std::string>;

SubchannelOptions exact_backoff() {
  SubchannelOptions options;
  options.backoff.jitter = 0;
  return options;
}

TEST(Subchannel, ConnectsOnDemandAndStaysConnected) {
  Rig rig;
  Host& host = rig.host("server:1");
  States states;
  auto subchannel = rig.subchannel("server:1", {}, &states);
  rig.sim.advance(1'000);
  EXPECT_EQ(host.connections, 0);
  EXPECT_EQ(subchannel->state(), ChannelState::kIdle);

  Recorder recorder;
  rig.begin(*subchannel, recorder, "/test.Echo/Unary");
  EXPECT_EQ(subchannel->calls_waiting(), 1u);
  recorder.call->send("x");
  recorder.call->half_close();
  rig.sim.run_until_idle();
  EXPECT_EQ(recorder.status(), "OK");
  EXPECT_EQ(states.log, Log({"connecting", "ready"}));

  rig.sim.advance(5'000);
  rig.network.reset_all("server:1");
  rig.sim.run_until_idle();
  EXPECT_EQ(host.connections, 2) << "lost, and made again without being asked";
  EXPECT_EQ(states.log, Log({"connecting", "ready", "connecting", "ready"}));
}

TEST(Subchannel, NobodyListens) {
  Rig rig;
  States states;
  auto subchannel = rig.subchannel("server:1", exact_backoff(), &states);
  Recorder recorder;
  rig.unary(*subchannel, recorder, "x");
  EXPECT_EQ(recorder.status(), "Unavailable: dial server:1: connection refused");
  EXPECT_EQ(recorder.result->executed, Executed::kNo);
  EXPECT_EQ(subchannel->state(), ChannelState::kTransientFailure);
  EXPECT_EQ(states.log.back(), "transient_failure: dial server:1: connection refused");

  // From then on at once, but never from inside of start().
  Recorder second;
  rig.begin(*subchannel, second, "/test.Echo/Unary");
  second.call->send("ignored");
  second.call->half_close();
  EXPECT_FALSE(second.finished());
  rig.sim.run_until_idle();
  EXPECT_EQ(second.status(), "Unavailable: dial server:1: connection refused");
}

// Notes when it is asked to dial.
struct CountingDialer final : net::Dialer {
  CountingDialer(net::Dialer& d, env::Executor& e) : dialer(d), executor(e) {}
  std::unique_ptr<net::Dial> dial(const std::string& address, Done done) override {
    times.push_back(executor.now_ms());
    return dialer.dial(address, std::move(done));
  }
  net::Dialer& dialer;
  env::Executor& executor;
  std::vector<uint64_t> times;
};

TEST(Subchannel, BacksOffLongerEachTime) {
  Rig rig;
  States states;
  CountingDialer dialer(*rig.dialer, rig.sim);
  Subchannel subchannel(rig.sim, dialer, rig.entropy, "server:1", exact_backoff(), &states);
  subchannel.connect_now();
  rig.sim.advance(60'000);
  std::vector<uint64_t> pauses;
  for (size_t i = 1; i < dialer.times.size(); ++i) {
    pauses.push_back(dialer.times[i] - dialer.times[i - 1]);
  }
  EXPECT_EQ(pauses, std::vector<uint64_t>({1'000, 1'600, 2'560, 4'096, 6'553, 10'485, 16'777}));
  EXPECT_EQ(states.log,
            Log({"connecting", "transient_failure: dial server:1: connection refused"}));

  rig.host("server:1");
  subchannel.connect_now();
  rig.sim.run_until_idle();
  EXPECT_EQ(subchannel.state(), ChannelState::kReady) << "what is left of the pause is skipped";
  EXPECT_TRUE(subchannel.last_error().ok());
}

TEST(Subchannel, WaitsForReadyWhereAsked) {
  Rig rig;
  SubchannelOptions options = exact_backoff();
  options.fail_fast = false;
  auto subchannel = rig.subchannel("server:1", options);
  Recorder recorder;
  rig.unary(*subchannel, recorder, "x");
  Recorder dead;
  rig.begin(*subchannel, dead, "/test.Echo/Unary", {.deadline_ms = rig.sim.now_ms() + 300});
  dead.call->send("x");
  rig.sim.advance(500);
  EXPECT_FALSE(recorder.finished());
  EXPECT_EQ(dead.status(),
            "DeadlineExceeded: context deadline exceeded while waiting for a connection to "
            "server:1, last error: dial server:1: connection refused");
  EXPECT_EQ(dead.result->executed, Executed::kNo);
  rig.host("server:1");
  rig.sim.advance(600);
  EXPECT_EQ(recorder.status(), "OK");
}

TEST(Subchannel, NoCallWaitsForEver) {
  Rig rig;
  rig.host("server:1");
  rig.network.partition("client", "server:1");
  SubchannelOptions options;
  options.fail_fast = false;
  options.max_wait_ms = 3'000;
  auto subchannel = rig.subchannel("server:1", options);
  Recorder recorder;
  rig.unary(*subchannel, recorder, "x");
  rig.sim.advance(2'999);
  EXPECT_FALSE(recorder.finished());
  rig.sim.advance(1);
  EXPECT_EQ(recorder.status(), "Unavailable: timed out while waiting for a connection to server:1");
}

TEST(Subchannel, APassedDeadlineGoesNowhere) {
  Rig rig;
  Host& host = rig.host("server:1");
  auto subchannel = rig.subchannel("server:1");
  Recorder recorder;
  rig.unary(*subchannel, recorder, "x", {.deadline_ms = rig.sim.now_ms()});
  EXPECT_EQ(recorder.status(), "DeadlineExceeded: context deadline exceeded");
  EXPECT_EQ(host.state.started, 0);
}

TEST(Subchannel, ManyWaitersAreRefused) {
  Rig rig;
  SubchannelOptions options;
  options.max_waiting_calls = 2;
  auto subchannel = rig.subchannel("server:1", options);
  Recorder a;
  Recorder b;
  Recorder c;
  rig.begin(*subchannel, a, "/test.Echo/Unary");
  rig.begin(*subchannel, b, "/test.Echo/Unary");
  rig.begin(*subchannel, c, "/test.Echo/Unary");
  EXPECT_EQ(subchannel->calls_waiting(), 2u);
  b.call.reset();
  EXPECT_EQ(subchannel->calls_waiting(), 1u) << "a waiter that goes leaves the line";
  rig.sim.run_until_idle();
  EXPECT_EQ(c.status(), "Unavailable: too many calls wait for a connection to server:1");
  EXPECT_EQ(b.finishes, 0);
  EXPECT_EQ(a.code(), StatusCode::kUnavailable);
}

TEST(Subchannel, WhatIsSentWhileWaitingIsSentOnceConnected) {
  Rig rig;
  rig.host("server:1");
  auto subchannel = rig.subchannel("server:1");
  Recorder recorder;
  rig.begin(*subchannel, recorder, "/test.Echo/Collect", {.metadata = {{"a", "b"}}});
  while (recorder.call->can_send()) recorder.call->send(std::string(10'000, 'x'));
  EXPECT_EQ(subchannel->calls_waiting(), 1u);
  rig.sim.run_until_idle();
  EXPECT_EQ(recorder.can_send, 1);
  recorder.call->half_close();
  rig.sim.run_until_idle();
  EXPECT_EQ(recorder.messages, Log({"27 270000"}));
}

// ---- stream limits

TEST(Subchannel, MoreConnectionsWhereThePeerLimitsStreams) {
  Rig rig;
  httpio::ServerConnectionOptions limited;
  limited.http2.max_concurrent_streams = 3;
  Host& host = rig.host("server:1", limited);
  SubchannelOptions options;
  options.max_connections = 2;
  auto subchannel = rig.subchannel("server:1", options);
  std::vector<Recorder> calls(10);
  for (Recorder& call : calls) {
    rig.begin(*subchannel, call, "/test.Echo/Chat");
    call.call->send("x");
  }
  rig.sim.advance(100);
  EXPECT_EQ(host.connections, 2);
  EXPECT_EQ(subchannel->calls_in_flight(), 6u);
  EXPECT_EQ(subchannel->calls_waiting(), 4u);
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i].messages.size(), i < 6 ? 1u : 0u) << i;
  }

  // Each that ends, or is given up, lets the next in line on.
  calls[0].call->half_close();
  rig.sim.run_until_idle();
  EXPECT_EQ(calls[6].messages.size(), 1u);
  calls[1].call.reset();
  rig.sim.run_until_idle();
  EXPECT_EQ(calls[7].messages.size(), 1u);
  EXPECT_EQ(subchannel->calls_waiting(), 2u);

  rig.sim.advance(20'000);
  EXPECT_EQ(calls[9].status(),
            "Unavailable: timed out while waiting for a free stream to server:1");
  EXPECT_EQ(calls[9].result->executed, Executed::kNo);
}

// ---- the end of connections

TEST(Subchannel, GoawayLetsCallsFinishAndNewOnesGoElsewhere) {
  Rig rig;
  Host& host = rig.host("server:1");
  States states;
  auto subchannel = rig.subchannel("server:1", {}, &states);
  Recorder old_call;
  rig.begin(*subchannel, old_call, "/test.Echo/Chat");
  old_call.call->send("1");
  rig.sim.advance(5'000);
  ASSERT_EQ(old_call.messages.size(), 1u);

  // The server drains; another takes over the address.
  auto old_worker = std::move(host.worker);
  host.worker = std::make_unique<httpio::ServerWorker>(
      rig.sim, std::make_unique<testing::GrpcRequests>(host.server, rig.sim),
      httpio::ServerConnectionOptions(), host.counters, nullptr);
  bool drained = false;
  old_worker->drain([&drained] { drained = true; });
  rig.sim.run_until_idle();
  EXPECT_EQ(host.connections, 2) << "replaced as soon as GOAWAY came";
  EXPECT_EQ(subchannel->state(), ChannelState::kReady);

  Recorder new_call;
  rig.unary(*subchannel, new_call, "new");
  EXPECT_EQ(new_call.status(), "OK");
  old_call.call->send("2");
  rig.sim.run_until_idle();
  EXPECT_EQ(old_call.messages, Log({"1", "2"}));
  EXPECT_FALSE(drained);
  EXPECT_EQ(subchannel->connections(), 2u);

  old_call.call->half_close();
  rig.sim.advance(5'000);
  EXPECT_EQ(old_call.status(), "OK");
  EXPECT_TRUE(drained);
  EXPECT_EQ(subchannel->connections(), 1u);
}

TEST(Subchannel, AnEndpointThatDropsConnectionsIsNotHammered) {
  Rig rig;
  int connections = 0;
  std::vector<std::unique_ptr<env::ByteStream>> held;
  Host& host = rig.host("server:1");
  rig.network.close("server:1");
  rig.network.listen("server:1", rig.sim, [&](std::unique_ptr<env::ByteStream> stream) {
    ++connections;
    host.worker->adopt(std::move(stream));
    // Long enough for SETTINGS, then gone.
    rig.sim.post([&rig] { rig.sim.post([&rig] { rig.network.reset_all("server:1"); }); });
  });
  rig.network.set_link({.delay_ms = 1});
  auto subchannel = rig.subchannel("server:1", exact_backoff());
  subchannel->connect_now();
  rig.sim.advance(60'000);
  EXPECT_GT(connections, 3);
  EXPECT_LT(connections, 12);
}

TEST(Subchannel, APortThatSaysNothingIsNotReady) {
  Rig rig;
  std::vector<std::unique_ptr<env::ByteStream>> held;
  rig.network.listen("silent:1", rig.sim, [&held](std::unique_ptr<env::ByteStream> stream) {
    held.push_back(std::move(stream));
  });
  SubchannelOptions options;
  options.connection.connect_timeout_ms = 4'000;
  auto subchannel = rig.subchannel("silent:1", options);
  Recorder recorder;
  rig.unary(*subchannel, recorder, "x");
  rig.sim.advance(3'999);
  EXPECT_EQ(subchannel->state(), ChannelState::kConnecting);
  rig.sim.advance(1);
  EXPECT_EQ(recorder.status(), "Unavailable: dial silent:1: i/o timeout");
  EXPECT_EQ(subchannel->state(), ChannelState::kTransientFailure);
}

// Answers every byte with a line of text, as an HTTP/1 server or anything else might.
struct Chatterbox final : env::ByteStream::Sink {
  explicit Chatterbox(std::unique_ptr<env::ByteStream> s) : stream(std::move(s)) {
    stream->start(*this);
  }
  void on_bytes(std::string_view) override {
    stream->write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  }
  void on_end() override {}
  void on_drained() override {}
  void on_broken(const Status&) override {}
  std::unique_ptr<env::ByteStream> stream;
};

TEST(Subchannel, APortThatSpeaksSomethingElseIsAnError) {
  Rig rig;
  std::vector<std::unique_ptr<Chatterbox>> boxes;
  rig.network.listen("web:1", rig.sim, [&boxes](std::unique_ptr<env::ByteStream> stream) {
    boxes.push_back(std::make_unique<Chatterbox>(std::move(stream)));
  });
  auto subchannel = rig.subchannel("web:1");
  Recorder recorder;
  rig.unary(*subchannel, recorder, "x");
  EXPECT_EQ(recorder.code(), StatusCode::kUnavailable);
  EXPECT_NE(recorder.status().find("web:1"), std::string::npos) << recorder.status();
  EXPECT_EQ(subchannel->state(), ChannelState::kTransientFailure);
}

// ---- keepalive

TEST(Subchannel, KeepaliveFindsACableThatWasPulled) {
  Rig rig;
  rig.host("server:1");
  SubchannelOptions options;
  options.connection.keepalive_time_ms = 10'000;
  options.connection.keepalive_timeout_ms = 3'000;
  auto subchannel = rig.subchannel("server:1", options);
  Recorder recorder;
  rig.begin(*subchannel, recorder, "/test.Echo/Chat");
  recorder.call->send("x");
  rig.sim.advance(60'000);
  EXPECT_FALSE(recorder.finished()) << "PINGs are answered: nothing happens";
  rig.network.partition("client", "server:1");
  const uint64_t start = rig.sim.now_ms();
  while (!recorder.finished()) ASSERT_TRUE(rig.sim.advance_to_next_timer());
  EXPECT_LE(rig.sim.now_ms() - start, 13'000u);
  EXPECT_EQ(recorder.status(),
            "Unavailable: connection to server:1: keepalive ping failed to receive ACK within "
            "timeout");
  EXPECT_EQ(recorder.result->executed, Executed::kMaybe);
}

TEST(Subchannel, NoKeepaliveWithoutCallsUnlessAllowed) {
  for (const bool allowed : {false, true}) {
    Rig rig;
    rig.host("server:1");
    SubchannelOptions options;
    options.connection.keepalive_time_ms = 10'000;
    options.connection.keepalive_timeout_ms = 3'000;
    options.connection.keepalive_without_streams = allowed;
    auto subchannel = rig.subchannel("server:1", options);
    subchannel->connect_now();
    rig.sim.run_until_idle();
    ASSERT_EQ(subchannel->state(), ChannelState::kReady);
    rig.network.partition("client", "server:1");
    rig.sim.advance(30'000);
    EXPECT_EQ(subchannel->state() == ChannelState::kReady, !allowed);
  }
}

TEST(Subchannel, TheDeadlineHoldsWhereNoAnswerComes) {
  Rig rig;
  rig.host("server:1");
  auto subchannel = rig.subchannel("server:1");
  subchannel->connect_now();
  rig.sim.run_until_idle();
  rig.network.partition("client", "server:1");
  Recorder recorder;
  rig.unary(*subchannel, recorder, "x", {.deadline_ms = rig.sim.now_ms() + 700});
  rig.sim.advance(699);
  EXPECT_FALSE(recorder.finished());
  rig.sim.advance(1);
  EXPECT_EQ(recorder.status(), "DeadlineExceeded: context deadline exceeded");
  EXPECT_EQ(recorder.result->executed, Executed::kMaybe);
}

// ---- the end of it all

TEST(Subchannel, DestroyedWithCallsUnderWay) {
  Rig rig;
  Host& host = rig.host("server:1");
  SubchannelOptions options;
  options.max_connections = 1;
  auto subchannel = rig.subchannel("server:1", options);
  Recorder open_call;
  rig.begin(*subchannel, open_call, "/test.Echo/Chat");
  open_call.call->send("x");
  rig.sim.run_until_idle();
  auto idle = rig.subchannel("nobody:1");
  Recorder waiting;
  rig.begin(*idle, waiting, "/test.Echo/Chat");
  subchannel.reset();
  idle.reset();
  EXPECT_FALSE(open_call.finished()) << "not from inside the destructor";
  rig.sim.run_until_idle();
  EXPECT_EQ(open_call.status(), "Unavailable: connection to server:1: closed");
  EXPECT_EQ(waiting.status(), "Unavailable: the channel was closed");
  EXPECT_EQ(host.state.alive, 0);
  open_call.call->send("nothing happens");
  open_call.call->want_message();
  open_call.call.reset();
}

TEST(Subchannel, DrainLetsCallsFinishAndGoesIdle) {
  Rig rig;
  rig.host("server:1");
  States states;
  auto subchannel = rig.subchannel("server:1", {}, &states);
  Recorder recorder;
  rig.begin(*subchannel, recorder, "/test.Echo/Chat");
  recorder.call->send("x");
  rig.sim.run_until_idle();
  subchannel->drain();
  rig.sim.run_until_idle();
  EXPECT_EQ(subchannel->state(), ChannelState::kIdle);
  recorder.call->send("y");
  recorder.call->half_close();
  rig.sim.advance(5'000);
  EXPECT_EQ(recorder.status(), "OK");
  EXPECT_EQ(recorder.messages, Log({"x", "y"}));
  EXPECT_EQ(subchannel->connections(), 0u);
  EXPECT_EQ(states.log, Log({"connecting", "ready", "idle"}));
}

// ---- handlers that do what handlers do

// Destroys its call in the callback that is chosen.
struct Quitter final : ClientHandler {
  explicit Quitter(std::string callback) : where(std::move(callback)) {}
  void quit(const char* here) {
    seen.push_back(here);
    if (where == here) call.reset();
  }
  void on_initial_metadata(const Metadata&) override { quit("initial"); }
  void on_message(std::string_view message) override {
    const std::string copy(message);
    quit("message");
    EXPECT_EQ(message, copy) << "the message outlives the call";
    if (call != nullptr) call->want_message();
  }
  void on_can_send() override { quit("can send"); }
  void on_finish(const CallResult&) override { quit("finish"); }
  std::string where;
  std::vector<std::string> seen;
  std::unique_ptr<ClientCall> call;
};

TEST(Subchannel, ACallMayBeDestroyedInsideEachOfItsCallbacks) {
  for (const bool one_byte : {false, true}) {
    Rig rig;
    if (one_byte) rig.network.set_link({.max_chunk_bytes = 1});
    Host& host = rig.host("server:1");
    auto subchannel = rig.subchannel("server:1");
    for (const std::string where : {"initial", "message", "can send", "finish"}) {
      SCOPED_TRACE(where);
      Quitter quitter(where);
      quitter.call = subchannel->start("/test.Echo/Chat", {}, quitter);
      quitter.call->send("a");
      quitter.call->send(std::string(100, 'b'));
      if (where == "can send") quitter.call->send(std::string(300'000, 'c'));
      if (where == "finish") quitter.call->half_close();
      rig.sim.run_until_idle();
      EXPECT_EQ(quitter.call, nullptr);
      EXPECT_EQ(quitter.seen.back(), where) << "no callback after";
      EXPECT_EQ(subchannel->calls_in_flight(), 0u);
      EXPECT_EQ(host.state.alive, 0);
    }
  }
}

// Each end starts the next call from inside of on_finish.
TEST(Subchannel, CallsStartedInsideOfCallbacks) {
  Rig rig;
  rig.host("server:1");
  auto subchannel = rig.subchannel("server:1");
  int done = 0;
  std::unique_ptr<ClientCall> call;
  std::function<void()> next = [&] {
    call = call_unary(*subchannel, "/test.Echo/Unary", {}, std::to_string(done),
                      [&](const CallResult& result, std::string_view response) {
                        EXPECT_TRUE(result.status.ok()) << result.status.to_string();
                        EXPECT_EQ(response, std::to_string(done));
                        if (++done < 100) next();
                      });
  };
  next();
  rig.sim.run_until_idle();
  EXPECT_EQ(done, 100);
}

TEST(CallUnary, WantsExactlyOneMessage) {
  Rig rig;
  Host& host = rig.host("server:1");
  auto subchannel = rig.subchannel("server:1");
  const auto ask = [&](const char* path, std::string_view request) {
    Status status = unavailable("not called");
    std::string response;
    auto call = call_unary(*subchannel, path, {}, request,
                           [&](const CallResult& result, std::string_view bytes) {
                             status = result.status;
                             response = bytes;
                           });
    rig.sim.run_until_idle();
    EXPECT_TRUE(status.ok() || response.empty());
    return status.to_string();
  };
  EXPECT_EQ(ask("/test.Echo/Unary", "x"), "OK");
  EXPECT_EQ(ask("/test.Echo/List", "0 0"),
            "Internal: cardinality violation: received no response message from "
            "non-server-streaming RPC");
  EXPECT_EQ(ask("/test.Echo/List", "2 5"),
            "Internal: cardinality violation: expected <EOF> for non server-streaming RPCs, but "
            "received another message");
  EXPECT_EQ(ask("/test.Echo/List", "1 5"), "OK");
  EXPECT_EQ(ask("/no.Such/Thing", "x"), "Unimplemented: unknown service no.Such");

  // Destroyed before the answer: cancelled, nothing is told.
  bool told = false;
  auto call = call_unary(*subchannel, "/test.Echo/Hang", {}, "x",
                         [&told](const CallResult&, std::string_view) { told = true; });
  rig.sim.run_until_idle();
  call.reset();
  rig.sim.run_until_idle();
  EXPECT_FALSE(told);
  EXPECT_EQ(host.state.cancelled, 1);
}

}  // namespace
}  // namespace gatehouse::rpc
