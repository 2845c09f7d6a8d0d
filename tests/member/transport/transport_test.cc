// Transports in one network: everything gets there, and what breaks is mended, reported, and kept
// from the others.
#include "member/transport/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "member/transport/prober.h"
#include "tests/member/transport/rig.h"

namespace gatehouse::transport {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace testing;  // NOLINT: the rig

using raft::MessageType;

TEST(Transport, ThreeMembersExchangeEverything) {
  Net net(11);
  net.network.set_link({.delay_ms = 1, .jitter_ms = 3, .max_chunk_bytes = 700});
  Member one(net, 1), two(net, 2), three(net, 3);
  Member* const members[] = {&one, &two, &three};
  connect(one, two);
  connect(one, three);
  connect(two, three);
  net.sim.advance(300);
  MessageMaker random(12);
  std::map<std::pair<uint64_t, uint64_t>, std::vector<raft::Message>> sent;
  for (int i = 0; i < 600; ++i) {
    Member& from = *members[random.below(3)];
    raft::Message m = random.below(3) == 0 ? random.append(from.id, 0) : random.message();
    if (m.type == MessageType::kSnapshot) continue;
    do m.to = 1 + random.below(3);
    while (m.to == from.id);
    m.from = from.id;
    sent[{m.from, m.to}].push_back(m);
    from.send(m);
    if (random.below(10) == 0) net.sim.advance(random.below(20));
  }
  net.sim.advance(1'000);
  for (Member* to : members) {
    EXPECT_THAT(to->unreachable, IsEmpty());
    for (Member* from : members) {
      if (from == to) continue;
      // Each stream keeps its order; the two are not ordered with each other.
      for (const bool appends : {false, true}) {
        std::vector<raft::Message> expected, got;
        for (const raft::Message& m : sent[{from->id, to->id}]) {
          if ((m.type == MessageType::kAppend) == appends) expected.push_back(m);
        }
        for (const raft::Message& m : to->messages) {
          if (m.from == from->id && (m.type == MessageType::kAppend) == appends) got.push_back(m);
        }
        ASSERT_EQ(got.size(), expected.size());
        for (size_t i = 0; i < got.size(); ++i) ASSERT_TRUE(same(got[i], expected[i])) << i;
      }
    }
    EXPECT_TRUE(to->transport->active_since(to->id == 1 ? 2 : 1).has_value());
  }
}

TEST(Transport, MessagesGoByPostUntilTheStreamsAreUp) {
  Net net;
  Member one(net, 1), two(net, 2);
  // Two does not know one: it opens no stream, and answers one as a remote.
  one.transport->add_peer(2, {url_of(2)});
  one.send(message_to(2, MessageType::kVote));
  net.sim.advance(50);
  ASSERT_EQ(two.messages.size(), 1u);
  two.send(message_to(1, MessageType::kVoteResponse));
  net.sim.advance(50);
  ASSERT_EQ(one.messages.size(), 1u);
  EXPECT_FALSE(two.transport->has_peer(1));
}

TEST(Transport, SurvivesCutConnections) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Net net(seed);
    Member one(net, 1), two(net, 2);
    connect(one, two);
    MessageMaker random(seed);
    uint64_t number = 0;
    for (int round = 0; round < 30; ++round) {
      net.network.set_link({.delay_ms = 1, .break_after_bytes = 200 + random.below(20'000)});
      net.network.reset_all(url_of(1));
      net.network.reset_all(url_of(2));
      for (int i = 0; i < 30; ++i) {
        raft::Message append = random.append(1, 2);
        append.commit = ++number;
        one.send(append);
        net.sim.advance(10);
      }
    }
    EXPECT_FALSE(one.unreachable.empty());
    // What arrived is in order and whole, whatever is missing; and all is well once the links are.
    uint64_t before = 0;
    for (const raft::Message& m : two.messages) {
      if (m.type != MessageType::kAppend) continue;
      EXPECT_NE(m.commit, before);
      before = m.commit;
    }
    EXPECT_GT(two.messages.size(), 100u);
    net.network.set_link({});
    net.network.reset_all(url_of(1));
    net.network.reset_all(url_of(2));
    net.sim.advance(1'000);
    two.messages.clear();
    one.unreachable.clear();
    for (int i = 0; i < 100; ++i) one.send(message_to(2, MessageType::kHeartbeat, 5));
    net.sim.advance(100);
    EXPECT_EQ(two.messages.size(), 100u);
    EXPECT_THAT(one.unreachable, IsEmpty());
  }
}

// Links that stay open say something three times in the I/O timeout, and are given up without.
TEST(Transport, NoticesASilentPeerAndComesBack) {
  Net net;
  Member one(net, 1), two(net, 2);
  connect(one, two);
  net.sim.advance(60'000);
  ASSERT_TRUE(one.transport->active_since(2).has_value());
  const uint64_t since = *one.transport->active_since(2);
  EXPECT_LT(since, 3'000u) << "an idle link is alive all the time";
  net.network.partition("m1", url_of(2));
  net.network.partition("m2", url_of(1));
  net.sim.advance(12'000);
  EXPECT_FALSE(one.transport->active_since(2).has_value());
  EXPECT_FALSE(two.transport->active_since(1).has_value());
  net.network.heal("m1", url_of(2));
  net.network.heal("m2", url_of(1));
  net.sim.advance(3'000);
  ASSERT_TRUE(one.transport->active_since(2).has_value());
  EXPECT_GT(*one.transport->active_since(2), 60'000u);
  const std::string metrics = one.registry.serialize();
  EXPECT_THAT(metrics, HasSubstr("etcd_network_active_peers{Local=\"1\",Remote=\"2\"} 1"));
  EXPECT_THAT(metrics,
              HasSubstr("etcd_network_disconnected_peers_total{Local=\"1\",Remote=\"2\"} 1"));
}

TEST(Transport, ADeadPeerIsReportedAndDelaysNobody) {
  Net net;
  Member one(net, 1), two(net, 2);
  connect(one, two);
  one.transport->add_peer(9, {"http://m9:2380"});  // nobody listens
  net.sim.advance(200);
  for (int i = 0; i < 10'000; ++i) one.send(message_to(9, MessageType::kHeartbeat));
  one.send(message_to(2, MessageType::kHeartbeat));
  net.sim.run_until_idle();
  EXPECT_EQ(two.messages.size(), 1u);
  EXPECT_THAT(one.unreachable, Contains(9u));
  EXPECT_THAT(one.unreachable, Not(Contains(2u)));
  EXPECT_EQ(one.transport->active_since(9), std::nullopt);
}

TEST(Transport, APeerWhoseProcessEndsIsToldToBeGone) {
  Net net;
  Member one(net, 1), two(net, 2);
  connect(one, two);
  net.sim.advance(5'000);
  net.network.reset_all(url_of(2));
  net.sim.advance(1'000);
  EXPECT_TRUE(one.gone.empty()) << "a connection broke, and the next one stands";
  two.stop();
  net.sim.advance(10);
  EXPECT_EQ(one.gone, std::vector<raft::NodeId>{2});
  net.sim.advance(10'000);
  EXPECT_EQ(one.gone.size(), 1u) << "told once";
  two.start();
  connect(one, two);
  net.sim.advance(5'000);
  two.stop();
  net.sim.advance(10);
  EXPECT_EQ(one.gone.size(), 2u) << "and again the next time";
}

TEST(Transport, ASilentPeerIsNotGone) {
  Net net;
  Member one(net, 1), two(net, 2);
  connect(one, two);
  net.sim.advance(5'000);
  net.network.partition("m1", url_of(2));
  net.network.partition("m2", url_of(1));
  net.sim.advance(60'000);
  EXPECT_FALSE(one.transport->active_since(2).has_value());
  EXPECT_TRUE(one.gone.empty());
}

// A peer whose host swallows what is sent: the queue is bounded, the rest dropped and reported.
TEST(Transport, ASlowPeerFillsOnlyItsOwnQueue) {
  Net net;
  Member one(net, 1), two(net, 2), three(net, 3);
  connect(one, two);
  connect(one, three);
  net.sim.advance(300);
  net.network.partition("m2", url_of(1));  // what one writes to two's streams goes nowhere
  raft::Message append = message_to(2, MessageType::kAppend);
  append.entries.resize(1);
  append.entries[0].data = raft::Payload(std::string(100'000, 'x'));
  for (int i = 0; i < 6'000; ++i) {
    append.to = 2;
    one.send(append);
    if (i % 60 == 0) {
      append.to = 3;
      one.send(append);
      net.sim.advance(1);
    }
  }
  net.sim.advance(100);
  EXPECT_EQ(three.messages.size(), 100u);
  EXPECT_THAT(two.messages, IsEmpty());
  EXPECT_THAT(one.unreachable, Contains(2u));
  EXPECT_GT(net.log.count("dropped a message"), 0u);
  EXPECT_LT(net.log.count("dropped a message"), 10u) << "the log is no place for a flood";
  // The write timeout ends it.
  net.sim.advance(10'000);
  EXPECT_FALSE(one.transport->active_since(2).has_value());
}

TEST(Transport, TriesTheNextUrl) {
  Net net;
  Member one(net, 1), two(net, 2, kCluster, "3.7.1", {"http://m2-other:2380"});
  one.transport->add_peer(2, {"http://nobody:1", "http://m2-other:2380"});
  two.transport->add_peer(1, {url_of(1)});
  net.sim.advance(500);
  one.send(message_to(2, MessageType::kVote));
  two.send(message_to(1, MessageType::kVote));
  net.sim.advance(100);
  EXPECT_EQ(one.messages.size(), 1u);
  EXPECT_EQ(two.messages.size(), 1u);
  // And the owner's word: the peer has moved.
  net.network.close("http://m2-other:2380");
  net.network.reset_all("http://m2-other:2380");
  one.transport->update_peer(2, {url_of(2)});
  net.sim.advance(500);
  two.send(message_to(1, MessageType::kVote));
  net.sim.advance(100);
  EXPECT_EQ(one.messages.size(), 2u);
}

TEST(Transport, ARemovedMemberIsTold) {
  Net net;
  Member one(net, 1), two(net, 2);
  connect(one, two);
  net.sim.advance(300);
  one.removed.insert(2);
  one.transport->remove_peer(2);
  EXPECT_FALSE(one.transport->has_peer(2));
  net.sim.advance(300);
  ASSERT_FALSE(two.removals.empty());
  EXPECT_THAT(two.removals[0], HasSubstr("permanently removed"));
  one.messages.clear();
  two.send(message_to(1, MessageType::kVote));
  net.sim.advance(300);
  EXPECT_THAT(one.messages, IsEmpty());
  EXPECT_THAT(one.removals, IsEmpty());
}

// By POST, where no stream tells it: 403.
TEST(Transport, ARemovedMemberIsToldByPost) {
  Net net;
  Member one(net, 1), two(net, 2);
  one.removed.insert(2);
  two.transport->add_peer(1, {url_of(1)});
  two.send(message_to(1, MessageType::kVote));
  net.sim.run_until_idle();
  EXPECT_FALSE(two.removals.empty());
  EXPECT_THAT(one.messages, IsEmpty());
}

TEST(Transport, AnotherClusterIsRefused) {
  Net net;
  Member one(net, 1), two(net, 2, kCluster + 1);
  connect(one, two);
  for (int i = 0; i < 20; ++i) {
    one.send(message_to(2, MessageType::kVote));
    two.send(message_to(1, MessageType::kVote));
    net.sim.advance(500);
  }
  EXPECT_THAT(one.messages, IsEmpty());
  EXPECT_THAT(two.messages, IsEmpty());
  EXPECT_THAT(one.removals, IsEmpty());
  EXPECT_FALSE(one.transport->active_since(2).has_value());
  for (const char* line : {"refused a request of a peer", "a peer refused a stream"}) {
    EXPECT_GT(net.log.count(line), 0u) << line;
    EXPECT_LT(net.log.count(line), 20u) << "the log is no place for a flood";
  }
}

// The owner may take a peer out, or stop everything, inside any callback.
TEST(Transport, PeersMayGoInsideCallbacks) {
  Net net;
  Member one(net, 1), two(net, 2), three(net, 3);
  connect(one, two);
  connect(one, three);
  net.sim.advance(300);
  one.then = [&](const raft::Message& m) {
    if (m.term == 7) one.transport->remove_peer(m.from);
    if (m.term == 8) one.transport->stop();
  };
  for (int i = 0; i < 5; ++i) two.send(message_to(1, MessageType::kVote, 7));
  net.sim.advance(50);
  EXPECT_EQ(one.messages.size(), 1u) << "no message of a peer that is gone";
  for (int i = 0; i < 5; ++i) three.send(message_to(1, MessageType::kVote, 8));
  net.sim.advance(50);
  EXPECT_EQ(one.messages.size(), 2u);
  one.send(message_to(3, MessageType::kVote));
  net.sim.advance(10'000);
  EXPECT_EQ(one.messages.size(), 2u);
  EXPECT_THAT(three.messages, IsEmpty());
}

TEST(Transport, RefusesMessagesThatAreNotForIt) {
  Net net;
  Member one(net, 1), two(net, 2);
  connect(one, two);
  net.sim.advance(300);
  // On a stream nobody answers: dropped, the stream goes on.
  raft::Message stray = message_to(77, MessageType::kVote);
  stray.from = 1;
  one.transport->update_peer(2, {url_of(2)});
  std::vector<raft::Message> none;
  none.push_back(stray);
  one.transport->send(std::move(none));  // to nobody
  net.sim.advance(50);
  EXPECT_THAT(two.messages, IsEmpty());
  two.removed.insert(1);
  one.send(message_to(2, MessageType::kVote));
  net.sim.advance(50);
  EXPECT_THAT(two.messages, IsEmpty());
  EXPECT_EQ(net.log.count("its sender was removed"), 1u);
}

TEST(Transport, ProbesMeasureRoundTripAndClocks) {
  Net net;
  net.network.set_link({.delay_ms = 5});
  Member one(net, 1), two(net, 2);
  connect(one, two);
  two.clock_skew_ms = -5'000;
  net.sim.advance(20'500);
  const std::string metrics = one.registry.serialize();
  EXPECT_THAT(metrics, HasSubstr("etcd_network_peer_round_trip_time_seconds_count{To=\"2\"} 5"));
  EXPECT_THAT(metrics, HasSubstr("etcd_network_peer_round_trip_time_seconds_bucket{To=\"2\","
                                 "le=\"0.0064\"} 0"));
  EXPECT_GT(net.log.count("prober found high clock drift"), 0u);
  net.log.clear();
  two.clock_skew_ms = 900;
  net.sim.advance(20'000);
  EXPECT_EQ(net.log.count("prober found high clock drift"), 0u);
}

TEST(Probe, TimesAsGoWritesThem) {
  using std::chrono::milliseconds;
  using std::chrono::system_clock;
  const system_clock::time_point now{milliseconds(1'795'168'146'123)};
  EXPECT_EQ(probe_answer(now), "{\"OK\":true,\"Now\":\"2026-11-20T09:49:06.123000000Z\"}\n");
  EXPECT_EQ(time_in_probe_answer(probe_answer(now)), now);
  EXPECT_EQ(time_in_probe_answer(R"({"OK":true,"Now":"2026-11-20T11:49:06.123+02:00"})"), now);
  EXPECT_EQ(time_in_probe_answer(R"({"OK":true,"Now":"2026-11-20T04:19:06.123-05:30"})"), now);
  for (const char* bad : {"", "{}", R"({"OK":true,"Now":""})", R"({"OK":true,"Now":"2026-11-20"})",
                          R"({"OK":true,"Now":"2026-11-20T09:49:06"})",
                          R"({"OK":true,"Now":"9999-99-99T99:99:99.9999999999999999999999Z"})"}) {
    EXPECT_FALSE(time_in_probe_answer(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace gatehouse::transport
