// Our client against our server, through real HTTP/2 sessions, on virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "common/rpc/framing.h"
#include "tests/common/rpc/rig.h"

namespace gatehouse::rpc {
namespace {

using testing::Host;
using testing::Recorder;
using testing::Rig;

struct Link {
  const char* name;
  net::LinkOptions options;
};
void PrintTo(const Link& link, std::ostream* out) { *out << link.name; }

// The same calls over links of every temper.
class CallTest : public ::testing::TestWithParam<Link> {
 protected:
  CallTest() : rig_(7) {
    rig_.network.set_link(GetParam().options);
    host_ = &rig_.host("server:1", {}, {.max_receive_bytes = 20 * 1024 * 1024});
    subchannel_ = rig_.subchannel("server:1");
  }

  // Lets everything happen that takes less than `ms`.
  void settle(uint64_t ms = 900) { rig_.sim.advance(ms); }

  void unary(Recorder& recorder, std::string_view message, const CallOptions& options = {}) {
    rig_.unary(*subchannel_, recorder, message, options);
    settle();
  }

  Rig rig_;
  Host* host_;
  std::unique_ptr<Subchannel> subchannel_;
};

TEST_P(CallTest, Unary) {
  Recorder recorder;
  unary(recorder, "hello");
  EXPECT_EQ(recorder.status(), "OK");
  EXPECT_EQ(recorder.messages, std::vector<std::string>({"hello"}));
  EXPECT_EQ(recorder.initial, Metadata());
  EXPECT_EQ(recorder.result->executed, Executed::kYes);
  EXPECT_EQ(subchannel_->state(), ChannelState::kReady);
  EXPECT_EQ(subchannel_->calls_in_flight(), 0u);
  EXPECT_EQ(host_->state.alive, 0);
}

TEST_P(CallTest, ManyUnaryCallsAtOnce) {
  std::vector<Recorder> recorders(300);
  for (size_t i = 0; i < recorders.size(); ++i) {
    rig_.begin(*subchannel_, recorders[i], "/test.Echo/Unary");
    recorders[i].call->send("message " + std::to_string(i));
    recorders[i].call->half_close();
  }
  settle(60'000);
  for (size_t i = 0; i < recorders.size(); ++i) {
    ASSERT_EQ(recorders[i].status(), "OK") << i;
    ASSERT_EQ(recorders[i].messages, std::vector<std::string>({"message " + std::to_string(i)}));
  }
  EXPECT_EQ(subchannel_->connections(), static_cast<size_t>(host_->connections));
}

TEST_P(CallTest, ClientStream) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/test.Echo/Collect");
  for (int i = 0; i < 100; ++i) recorder.call->send(std::string(37, 'x'));
  settle();
  EXPECT_FALSE(recorder.finished());
  recorder.call->half_close();
  settle(5'000);
  EXPECT_EQ(recorder.status(), "OK");
  EXPECT_EQ(recorder.messages, std::vector<std::string>({"100 3700"}));
}

TEST_P(CallTest, ServerStream) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/test.Echo/List");
  recorder.call->send("500 100");
  recorder.call->half_close();
  settle(60'000);
  EXPECT_EQ(recorder.status(), "OK");
  EXPECT_EQ(recorder.messages.size(), 500u);
  EXPECT_EQ(recorder.bytes, 50'000u);
}

TEST_P(CallTest, BidiStream) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/test.Echo/Chat");
  std::vector<std::string> sent;
  for (int i = 0; i < 20; ++i) {
    sent.push_back(std::string(static_cast<size_t>(i * 11), 'c'));
    recorder.call->send(sent.back());
    settle();
    ASSERT_EQ(recorder.messages, sent);
  }
  recorder.call->half_close();
  settle();
  EXPECT_EQ(recorder.status(), "OK");
}

TEST_P(CallTest, MetadataBothWays) {
  Recorder recorder;
  const std::string raw("\0\1\xff%,", 5);
  unary(recorder, "x",
        {.metadata = {{"echo-a", "1"}, {"echo-raw-bin", raw}, {"echo-a", "2"}, {"other", "y"}}});
  const Metadata echoed{{"echo-a", "1"}, {"echo-raw-bin", raw}, {"echo-a", "2"}};
  EXPECT_EQ(recorder.status(), "OK");
  EXPECT_EQ(recorder.initial, echoed);
  EXPECT_EQ(recorder.result->trailing, echoed);
}

TEST_P(CallTest, ErrorsWithAnyText) {
  for (const std::string text : {"plain", "", "100% \n\"umlaut\" \xc3\xa4", "\x01\x7f\xff"}) {
    Recorder recorder;
    unary(recorder, text, {.metadata = {{"status", "9"}, {"echo-t", "v"}}});
    ASSERT_TRUE(recorder.finished());
    EXPECT_EQ(recorder.result->status, Status(StatusCode::kFailedPrecondition, text));
    EXPECT_EQ(recorder.result->trailing, (Metadata{{"echo-t", "v"}}));
    EXPECT_EQ(recorder.result->executed, Executed::kYes);
    EXPECT_FALSE(recorder.initial) << "trailers-only";
    EXPECT_TRUE(recorder.messages.empty());
  }
}

TEST_P(CallTest, UnknownMethod) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/test.Echo/None");
  recorder.call->half_close();
  settle();
  EXPECT_EQ(recorder.status(), "Unimplemented: unknown method None for service test.Echo");
}

// The server answers before the request is complete, and while more of it is under way.
TEST_P(CallTest, AnswerBeforeTheRequestIsComplete) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/no.Such/Method");
  for (int i = 0; i < 20; ++i) recorder.call->send(std::string(10'000, 'x'));
  settle(10'000);
  EXPECT_EQ(recorder.status(), "Unimplemented: unknown service no.Such");
  Recorder after;
  unary(after, "still works");
  EXPECT_EQ(after.status(), "OK");
}

TEST_P(CallTest, TheServerKeepsTheDeadline) {
  Recorder recorder;
  unary(recorder, "x", {.metadata = {{"delay-ms", "600"}}, .deadline_ms = rig_.sim.now_ms() + 500});
  EXPECT_EQ(recorder.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(recorder.result->status.message().substr(0, 25), "context deadline exceeded");
  settle();
  EXPECT_EQ(host_->state.cancelled, 1);
  EXPECT_EQ(host_->state.alive, 0);
}

TEST_P(CallTest, TheClientCancels) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/test.Echo/Hang");
  recorder.call->send("x");
  settle();
  ASSERT_EQ(host_->state.messages, 1u);
  recorder.call.reset();
  settle();
  EXPECT_FALSE(recorder.finished());
  EXPECT_EQ(host_->state.cancelled, 1);
  EXPECT_EQ(host_->state.last_cancel, "Canceled: context canceled");
  EXPECT_EQ(host_->state.alive, 0);
  EXPECT_EQ(subchannel_->calls_in_flight(), 0u);
}

TEST_P(CallTest, TheServerIsKilled) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/test.Echo/Chat");
  recorder.call->send("x");
  settle();
  ASSERT_EQ(recorder.messages.size(), 1u);
  rig_.network.reset_all("server:1");
  settle();
  EXPECT_EQ(recorder.code(), StatusCode::kUnavailable);
  EXPECT_EQ(recorder.result->executed, Executed::kMaybe);
  EXPECT_NE(recorder.status().find("server:1"), std::string::npos) << recorder.status();
  EXPECT_NE(recorder.status().find("connection reset by peer"), std::string::npos);
  EXPECT_EQ(host_->state.alive, 0);
}

TEST_P(CallTest, LargeMessagesUpToTheLimit) {
  // Where each byte or kilobyte is a turn of its own, a smaller one is as telling.
  const net::LinkOptions& link = GetParam().options;
  const size_t size = link.max_chunk_bytes < 10'000 ? 300'000 : 16 * 1024 * 1024;
  const std::string large(size, 'L');
  Recorder recorder;
  unary(recorder, large);
  settle(60'000);
  EXPECT_EQ(recorder.status(), "OK");
  ASSERT_EQ(recorder.messages.size(), 1u);
  EXPECT_TRUE(recorder.messages[0] == large);

  // The client's own limit.
  Recorder limited;
  unary(limited, std::string(5000, 'x'), {.max_receive_bytes = 4999});
  EXPECT_EQ(limited.status(),
            "ResourceExhausted: grpc: received message larger than max (5000 vs. 4999)");
  if (size < 1'000'000) return;
  // The server's.
  Recorder too_large;
  unary(too_large, std::string(20 * 1024 * 1024 + 1, 'x'));
  settle(60'000);
  EXPECT_EQ(too_large.status(),
            "ResourceExhausted: grpc: received message larger than max (20971521 vs. 20971520)");
}

// Nobody reads: what the server holds is bounded, and all comes once it is read.
TEST_P(CallTest, AStalledClientStopsTheServer) {
  Recorder recorder;
  recorder.reading = false;
  rig_.begin(*subchannel_, recorder, "/test.Echo/List");
  recorder.call->send("400 10000");
  recorder.call->half_close();
  settle(60'000);
  EXPECT_EQ(recorder.messages.size(), 1u);
  // The client's stream window (1 MiB), what the server lets wait, and one message.
  const size_t most = 1024 * 1024 + ServerCall::kSendWindow + 2 * 10'005;
  EXPECT_LE(host_->state.listed * 10'005, most);
  EXPECT_GT(host_->state.listed, 100u);

  // Another call of the connection is not held up.
  Recorder other;
  unary(other, "x");
  EXPECT_EQ(other.status(), "OK");

  recorder.reading = true;
  recorder.call->want_message();
  settle(120'000);
  EXPECT_EQ(recorder.status(), "OK");
  EXPECT_EQ(recorder.bytes, 4'000'000u);
}

TEST_P(CallTest, AStalledServerStopsTheClient) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/test.Echo/Sleep");
  settle();
  size_t sent = 0;
  while (sent < 100 && recorder.call->can_send()) {
    recorder.call->send(std::string(10'000, 'x'));
    ++sent;
    settle(2'000);
  }
  // The server's stream window and ours.
  EXPECT_LT(sent * 10'000, 256 * 1024 + ClientCall::kSendWindow + 2 * 10'005);
  EXPECT_GT(sent, 20u);
  EXPECT_EQ(host_->state.messages, 1u);
  EXPECT_FALSE(recorder.call->can_send());
  EXPECT_EQ(recorder.can_send, 0);
}

TEST_P(CallTest, ASlowServerLetsTheClientOnLater) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/test.Echo/Collect");
  while (recorder.call->can_send()) recorder.call->send(std::string(10'000, 'x'));
  EXPECT_EQ(recorder.can_send, 0);
  settle(60'000);
  EXPECT_EQ(recorder.can_send, 1);
  recorder.call->half_close();
  settle(5'000);
  EXPECT_EQ(recorder.status(), "OK");
}

INSTANTIATE_TEST_SUITE_P(
    Links, CallTest,
    ::testing::Values(Link{"Instant", {}}, Link{"OneByte", {.max_chunk_bytes = 1}},
                      Link{"Slow", {.delay_ms = 20, .jitter_ms = 30}},
                      Link{"Narrow", {.max_chunk_bytes = 3000, .window_bytes = 1000}}),
    [](const auto& link) { return std::string(link.param.name); });

// ---- loss

// Connections break at random bytes; whatever happens, each call ends once, with an answer that is
// right or a failure that says what is known, and nothing is left over.
TEST(Loss, EveryCallEndsOnceAndNoneHangs) {
  const uint64_t first_seed = std::random_device{}();
  for (uint64_t seed = first_seed; seed < first_seed + 40; ++seed) {
    SCOPED_TRACE(seed);
    Rig rig(seed);
    std::mt19937_64 random(seed);
    Host& host = rig.host("server:1");
    SubchannelOptions options;
    options.backoff.first_ms = 20;
    options.backoff.max_ms = 100;
    options.fail_fast = false;
    auto subchannel = rig.subchannel("server:1", options);
    std::vector<std::unique_ptr<Recorder>> calls;
    std::vector<std::string> messages;
    for (int i = 0; i < 60; ++i) {
      rig.network.set_link({.delay_ms = random() % 3,
                            .jitter_ms = random() % 5,
                            .max_chunk_bytes = 1 + random() % 2000,
                            .break_after_bytes = 1 + random() % 20'000});
      auto recorder = std::make_unique<Recorder>();
      const bool chat = random() % 3 == 0;
      messages.push_back(std::string(random() % 3000, static_cast<char>('a' + i % 26)));
      rig.begin(*subchannel, *recorder, chat ? "/test.Echo/Chat" : "/test.Echo/Unary",
                {.deadline_ms = rig.sim.now_ms() + 2'000});
      recorder->call->send(messages.back());
      recorder->call->half_close();
      calls.push_back(std::move(recorder));
      rig.sim.advance(random() % 40);
      if (random() % 10 == 0) calls[random() % calls.size()]->call.reset();
    }
    rig.sim.advance(30'000);
    int good = 0;
    for (size_t i = 0; i < calls.size(); ++i) {
      Recorder& recorder = *calls[i];
      if (recorder.call == nullptr) {
        EXPECT_LE(recorder.finishes, 1);
        continue;
      }
      ASSERT_EQ(recorder.finishes, 1) << i;
      if (recorder.result->status.ok()) {
        ++good;
        ASSERT_EQ(recorder.messages, std::vector<std::string>({messages[i]}));
      } else {
        EXPECT_TRUE(recorder.code() == StatusCode::kUnavailable ||
                    recorder.code() == StatusCode::kDeadlineExceeded)
            << recorder.status();
        EXPECT_NE(recorder.result->executed, Executed::kYes);
      }
    }
    EXPECT_GT(good, 5);
    EXPECT_EQ(subchannel->calls_in_flight(), 0u);
    EXPECT_EQ(subchannel->calls_waiting(), 0u);
    calls.clear();
    subchannel.reset();
    rig.sim.advance(30'000);
    EXPECT_EQ(host.state.alive, 0);
  }
}

}  // namespace
}  // namespace gatehouse::rpc
