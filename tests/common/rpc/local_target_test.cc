// Calls within the process, beside the same calls over HTTP/2: what both ends are told must be the
// same, so each test body runs on both roads.
#include "common/rpc/local_target.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/common/rpc/rig.h"

namespace gatehouse::rpc {
namespace {

using testing::EchoState;
using testing::Host;
using testing::Recorder;
using testing::Rig;

constexpr size_t kMaxReceive = 1024 * 1024;

// Counts what the server says of its calls.
class Tally final : public ServerObserver {
 public:
  void on_call_started(const Method&, const Metadata&) override { ++started; }
  void on_message_received(const Method&, size_t bytes) override { received += bytes; }
  void on_message_sent(const Method&, size_t bytes) override { sent += bytes; }
  void on_call_finished(const Method&, StatusCode code, uint64_t) override {
    codes += std::string(status_code_name(code)) + " ";
  }
  int started = 0;
  size_t received = 0;
  size_t sent = 0;
  std::string codes;
};

enum class Road { kLocal, kNetwork };

class RoadTest : public ::testing::TestWithParam<Road> {
 protected:
  RoadTest() : server_({.max_receive_bytes = kMaxReceive}, &tally_) {
    add_echo_service(server_, state_);
    if (GetParam() == Road::kLocal) {
      target_ = std::make_unique<LocalTarget>(server_, rig_.sim);
      return;
    }
    worker_ = std::make_unique<httpio::ServerWorker>(
        rig_.sim, std::make_unique<testing::GrpcRequests>(server_, rig_.sim),
        httpio::ServerConnectionOptions(), counters_, nullptr);
    rig_.network.listen("server:1", rig_.sim, [this](std::unique_ptr<env::ByteStream> stream) {
      worker_->adopt(std::move(stream));
    });
    target_ = rig_.subchannel("server:1");
  }

  void settle(uint64_t ms = 900) { rig_.sim.advance(ms); }

  Rig rig_{3};
  Tally tally_;
  EchoState state_;
  Server server_;
  httpio::TrafficCounters counters_;
  std::unique_ptr<httpio::ServerWorker> worker_;
  std::unique_ptr<CallTarget> target_;
};

TEST_P(RoadTest, Unary) {
  Recorder recorder;
  rig_.begin(*target_, recorder, "/test.Echo/Unary",
             {.metadata = {{"echo-a", "1"}, {"token", "t"}, {"echo-b-bin", std::string(1, '\0')}}});
  recorder.call->send("hello");
  recorder.call->half_close();
  EXPECT_FALSE(recorder.finished()) << "called back from within the call";
  settle();
  const Metadata echoed{{"echo-a", "1"}, {"echo-b-bin", std::string(1, '\0')}};
  EXPECT_EQ(recorder.status(), "OK");
  EXPECT_EQ(recorder.messages, std::vector<std::string>({"hello"}));
  EXPECT_EQ(recorder.initial, echoed);
  EXPECT_EQ(recorder.result->trailing, echoed);
  EXPECT_EQ(recorder.result->executed, Executed::kYes);
  EXPECT_EQ(recorder.finishes, 1);
  EXPECT_EQ(state_.alive, 0);
  EXPECT_EQ(tally_.started, 1);
  EXPECT_EQ(tally_.received, 5u);
  EXPECT_EQ(tally_.sent, 5u);
  EXPECT_EQ(tally_.codes, "OK ");
}

TEST_P(RoadTest, AnErrorHasNoHead) {
  Recorder recorder;
  rig_.unary(*target_, recorder, "no such thing", {.metadata = {{"status", "5"}, {"echo-t", "v"}}});
  EXPECT_EQ(recorder.status(), "NotFound: no such thing");
  EXPECT_FALSE(recorder.initial);
  EXPECT_EQ(recorder.result->trailing, (Metadata{{"echo-t", "v"}}));
  EXPECT_EQ(recorder.result->executed, Executed::kYes);
  EXPECT_EQ(tally_.codes, "NotFound ");
}

TEST_P(RoadTest, UnknownPaths) {
  for (const auto& [path, status] : std::vector<std::pair<std::string, std::string>>{
           {"/test.Echo/None", "Unimplemented: unknown method None for service test.Echo"},
           {"/no.Such/Method", "Unimplemented: unknown service no.Such"}}) {
    Recorder recorder;
    rig_.begin(*target_, recorder, path);
    recorder.call->send("x");
    recorder.call->half_close();
    EXPECT_FALSE(recorder.finished());
    settle();
    EXPECT_EQ(recorder.status(), status);
    EXPECT_EQ(recorder.result->executed, Executed::kYes);
  }
  EXPECT_EQ(tally_.started, 0);
}

TEST_P(RoadTest, OneRequestMeansOne) {
  Recorder none;
  rig_.begin(*target_, none, "/test.Echo/Unary");
  none.call->half_close();
  Recorder two;
  rig_.begin(*target_, two, "/test.Echo/List");
  two.call->send("0 0");
  two.call->send("0 0");
  two.call->half_close();
  settle();
  EXPECT_EQ(none.status(),
            "Internal: cardinality violation: received no request message from "
            "non-client-streaming RPC");
  EXPECT_EQ(two.status(),
            "Internal: cardinality violation: received multiple request messages for "
            "non-client-streaming RPC");
  EXPECT_EQ(state_.cancelled, 2);
  EXPECT_EQ(state_.alive, 0);
  EXPECT_EQ(tally_.codes, "Internal Internal ");
}

TEST_P(RoadTest, MessagesBeyondTheLimits) {
  Recorder request;
  rig_.unary(*target_, request, std::string(kMaxReceive + 1, 'x'));
  settle();
  EXPECT_EQ(request.status(),
            "ResourceExhausted: grpc: received message larger than max (1048577 vs. 1048576)");
  Recorder answer;
  rig_.unary(*target_, answer, std::string(11, 'x'), {.max_receive_bytes = 10});
  settle();
  EXPECT_EQ(answer.status(),
            "ResourceExhausted: grpc: received message larger than max (11 vs. 10)");
  EXPECT_EQ(state_.alive, 0);
}

TEST_P(RoadTest, StreamsOfEachKind) {
  Recorder collect, list, chat;
  rig_.begin(*target_, collect, "/test.Echo/Collect");
  for (int i = 0; i < 100; ++i) collect.call->send(std::string(37, 'x'));
  collect.call->half_close();
  rig_.begin(*target_, list, "/test.Echo/List");
  list.call->send("500 100");
  list.call->half_close();
  rig_.begin(*target_, chat, "/test.Echo/Chat");
  std::vector<std::string> said;
  for (int i = 0; i < 200; ++i) {
    said.push_back(std::to_string(i));
    chat.call->send(said.back());
  }
  settle();
  EXPECT_EQ(collect.messages, std::vector<std::string>({"100 3700"}));
  EXPECT_EQ(list.messages.size(), 500u);
  EXPECT_EQ(list.status(), "OK");
  EXPECT_EQ(chat.messages, said);
  EXPECT_FALSE(chat.finished());
  chat.call->half_close();
  settle();
  EXPECT_EQ(chat.status(), "OK");
  EXPECT_EQ(state_.alive, 0);
}

TEST_P(RoadTest, TheDeadline) {
  Recorder slow;
  rig_.begin(*target_, slow, "/test.Echo/Hang", {.deadline_ms = rig_.sim.now_ms() + 500});
  slow.call->send("x");
  settle(499);
  EXPECT_FALSE(slow.finished());
  settle(2);
  EXPECT_EQ(slow.status(), "DeadlineExceeded: context deadline exceeded");
  settle();
  EXPECT_EQ(state_.cancelled, 1);
  EXPECT_EQ(state_.alive, 0);
  Recorder late;
  rig_.unary(*target_, late, "x", {.deadline_ms = rig_.sim.now_ms()});
  EXPECT_EQ(late.status(), "DeadlineExceeded: context deadline exceeded");
  EXPECT_EQ(late.result->executed, Executed::kNo);
  EXPECT_EQ(tally_.started, 1);
}

TEST_P(RoadTest, TheClientCancels) {
  Recorder recorder;
  rig_.begin(*target_, recorder, "/test.Echo/Hang");
  recorder.call->send("x");
  settle();
  ASSERT_EQ(state_.messages, 1u);
  recorder.call.reset();
  EXPECT_EQ(state_.cancelled, 0) << "told from within the client's call";
  settle();
  EXPECT_EQ(state_.last_cancel, "Canceled: context canceled");
  EXPECT_EQ(state_.alive, 0);
  EXPECT_EQ(recorder.finishes, 0);
  EXPECT_EQ(tally_.codes, "Canceled ");
}

// Whoever does not read stops the other after a window or two, and only until it reads again.
TEST_P(RoadTest, BackPressureTowardsTheServer) {
  Recorder recorder;
  recorder.reading = false;
  rig_.begin(*target_, recorder, "/test.Echo/List");
  recorder.call->send("2000 1000");
  recorder.call->half_close();
  settle();
  EXPECT_EQ(recorder.messages.size(), 1u);
  EXPECT_GE(state_.listed * 1000, ServerCall::kSendWindow);
  EXPECT_LT(state_.listed * 1000, 6 * ServerCall::kSendWindow);
  recorder.reading = true;
  recorder.call->want_message();
  settle(60'000);
  EXPECT_EQ(recorder.messages.size(), 2000u);
  EXPECT_EQ(recorder.status(), "OK");
}

TEST_P(RoadTest, BackPressureTowardsTheClient) {
  Recorder recorder;
  rig_.begin(*target_, recorder, "/test.Echo/Sleep");
  size_t sent = 0;
  for (int i = 0; i < 10; ++i) {
    while (recorder.call->can_send() && sent < 100'000'000) {
      recorder.call->send(std::string(10'000, 'x'));
      sent += 10'000;
    }
    settle();
  }
  EXPECT_EQ(state_.messages, 1u);
  EXPECT_FALSE(recorder.call->can_send());
  EXPECT_GE(sent, ClientCall::kSendWindow);
  EXPECT_LT(sent, 10 * ClientCall::kSendWindow);

  Recorder reads;
  rig_.begin(*target_, reads, "/test.Echo/Hang");
  while (reads.call->can_send()) reads.call->send(std::string(10'000, 'x'));
  settle(60'000);
  EXPECT_EQ(reads.can_send, 1);
  EXPECT_TRUE(reads.call->can_send());
}

// The client may end its call in each of its own callbacks.
class Leaver final : public ClientHandler {
 public:
  explicit Leaver(int leave_at) : leave_at_(leave_at) {}
  void on_initial_metadata(const Metadata&) override { step(0); }
  void on_message(std::string_view) override { step(1); }
  void on_finish(const CallResult&) override { step(2); }
  std::unique_ptr<ClientCall> call;
  std::string seen;

 private:
  void step(int at) {
    seen += std::to_string(at);
    if (at == leave_at_) {
      call.reset();
    } else if (at == 1) {
      call->want_message();
    }
  }
  const int leave_at_;
};

TEST_P(RoadTest, TheClientLeavesWithinItsCallbacks) {
  for (int at = 0; at < 3; ++at) {
    Leaver leaver(at);
    leaver.call = target_->start("/test.Echo/Unary", {}, leaver);
    leaver.call->send("x");
    leaver.call->half_close();
    settle();
    EXPECT_EQ(leaver.seen, std::string("012").substr(0, static_cast<size_t>(at) + 1));
    EXPECT_EQ(state_.alive, 0);
  }
}

// Calls of every kind in any order, some given up: no end is told twice, none is forgotten.
TEST_P(RoadTest, ManyAtOnce) {
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::vector<std::string> paths{"/test.Echo/Unary", "/test.Echo/Collect", "/test.Echo/List",
                                       "/test.Echo/Chat", "/test.Echo/Hang", "/test.Echo/None"};
  std::vector<std::unique_ptr<Recorder>> recorders;
  for (int i = 0; i < 400; ++i) {
    auto recorder = std::make_unique<Recorder>();
    CallOptions options;
    if (random() % 4 == 0) options.deadline_ms = rig_.sim.now_ms() + random() % 300;
    rig_.begin(*target_, *recorder, paths[random() % paths.size()], options);
    const unsigned messages = random() % 3;
    for (unsigned m = 0; m < messages; ++m) {
      recorder->call->send(std::to_string(random() % 50) + " 9");
    }
    if (random() % 4 != 0) recorder->call->half_close();
    recorders.push_back(std::move(recorder));
    Recorder& other = *recorders[random() % recorders.size()];
    if (random() % 3 == 0) other.call.reset();
    if (random() % 5 == 0) settle(random() % 100);
  }
  settle(1000);
  for (const auto& recorder : recorders) EXPECT_LE(recorder->finishes, 1);
  for (const auto& recorder : recorders) recorder->call.reset();
  settle();
  EXPECT_EQ(state_.alive, 0);
}

INSTANTIATE_TEST_SUITE_P(Roads, RoadTest, ::testing::Values(Road::kLocal, Road::kNetwork),
                         [](const auto& road) {
                           return road.param == Road::kLocal ? "local" : "network";
                         });

// ---- what is LocalTarget's own

struct Local {
  Local() {
    add_echo_service(server, state);
    server.add({"test.Who", "Who", MethodKind::kUnary}, [](ServerCall& call) {
      struct Who final : ServerHandler {
        explicit Who(ServerCall& the_call) : call(the_call) {}
        void on_message(std::string_view) override {}
        void on_half_close() override {
          call.send(call.peer().address + " " + call.peer().certificate_common_name);
          call.finish(Status());
        }
        void on_cancel(const Status&) override {}
        ServerCall& call;
      };
      return std::make_unique<Who>(call);
    });
  }
  std::string who(LocalTarget& target, const CallOptions& options) {
    std::string answer;
    const auto call =
        call_unary(target, "/test.Who/Who", options, "",
                   [&](const CallResult&, std::string_view message) { answer = message; });
    sim.run_until_idle();
    return answer;
  }
  env::SimExecutor sim;
  EchoState state;
  Server server;
};

TEST(LocalTargetTest, ThePeerIsTheTargetsOrTheCalls) {
  Local local;
  LocalTarget target(local.server, local.sim, {.address = "gateway"});
  EXPECT_EQ(local.who(target, {}), "gateway ");
  std::string address = "10.0.0.1:5";
  env::PeerInfo peer{.address = address, .certificate_common_name = "alice"};
  EXPECT_EQ(local.who(target, {.peer = &peer}), "10.0.0.1:5 alice");
}

// An answer that begets a request, for ever, leaves the executor its turns.
TEST(LocalTargetTest, AnEndlessChainOfCallsLetsTimersFire) {
  Local local;
  LocalTarget target(local.server, local.sim);
  bool stop = false;
  size_t calls = 0;
  std::unique_ptr<ClientCall> call;
  std::function<void()> next = [&] {
    call = call_unary(target, "/test.Echo/Unary", {}, "x", [&](const CallResult&, std::string_view) {
      ++calls;
      if (!stop) next();
    });
  };
  env::Timer timer(local.sim, [&] { stop = true; });
  timer.arm(0);
  next();
  local.sim.run_until_idle();
  EXPECT_TRUE(stop);
  EXPECT_LT(calls, 1000u);
}

TEST(LocalTargetTest, DestroyedUnderCalls) {
  Local local;
  Recorder waiting, unbegun;
  {
    LocalTarget target(local.server, local.sim);
    waiting.call = target.start("/test.Echo/Hang", {}, waiting);
    waiting.call->send("x");
    local.sim.run_until_idle();
    EXPECT_EQ(target.calls_in_flight(), 1u);
    unbegun.call = target.start("/test.Echo/Unary", {}, unbegun);
  }
  EXPECT_EQ(local.state.alive, 0);
  waiting.call->send("y");
  EXPECT_TRUE(waiting.call->can_send());
  waiting.call.reset();
  unbegun.call->half_close();
  local.sim.run_until_idle();
  EXPECT_EQ(waiting.finishes + unbegun.finishes, 0);
}

}  // namespace
}  // namespace gatehouse::rpc
