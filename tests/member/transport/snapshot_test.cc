// Snapshots between two members: whole, in little memory, and reported whatever happens.
#include "member/transport/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/loop/event_loop.h"
#include "member/transport/snapshot_receiver.h"
#include "tests/common/base/heap.h"
#include "tests/common/loop/support.h"
#include "tests/member/transport/rig.h"

namespace gatehouse::transport {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace testing;  // NOLINT: the rig

class SnapshotTest : public ::testing::Test {
 protected:
  SnapshotTest() : one(net, 1), two(net, 2) {
    connect(one, two);
    net.sim.advance(300);
  }
  Net net;
  Member one, two;
};

TEST_F(SnapshotTest, ArrivesWhole) {
  for (const uint64_t bytes : {0, 1, 131072, 777'777}) {
    SCOPED_TRACE(bytes);
    one.database_bytes = bytes;
    one.send(snapshot_to(2, 40 + bytes));
    net.sim.advance(100);
    ASSERT_THAT(one.snapshot_reports, ElementsAre(Pair(2, true)));
    ASSERT_EQ(two.databases.size(), 1u);
    EXPECT_TRUE(two.databases[0]->intact && two.databases[0]->finished);
    EXPECT_EQ(two.databases[0]->bytes, bytes);
    ASSERT_EQ(two.messages.size(), 1u);
    raft::Message expected = snapshot_to(2, 40 + bytes);
    expected.from = 1;
    EXPECT_TRUE(same(two.messages[0], expected));
    one.snapshot_reports.clear();
    two.databases.clear();
    two.messages.clear();
  }
  EXPECT_THAT(one.registry.serialize(),
              HasSubstr("etcd_network_snapshot_send_success{To=\"2\"} 4"));
  EXPECT_THAT(two.registry.serialize(),
              HasSubstr("etcd_network_snapshot_receive_success{From=\"1\"} 4"));
  EXPECT_THAT(two.registry.serialize(),
              HasSubstr("etcd_network_snapshot_receive_inflights_total{From=\"1\"} 0"));
}

// The disk of the receiver is the slowest part: the sender waits, other messages go on, memory
// stays flat.
TEST_F(SnapshotTest, AHundredMegabytesInFlatMemory) {
  constexpr uint64_t kBytes = 100 * 1024 * 1024;
  one.database_bytes = kBytes;
  two.sink_write_ms = 1;
  two.keep_messages = false;
  int heartbeats = 0;
  two.then = [&](const raft::Message& m) {
    if (m.type == raft::MessageType::kHeartbeat) ++heartbeats;
  };
  one.send(snapshot_to(2));
  net.sim.advance(5);
  const size_t before = gatehouse::testing::live_heap_bytes();
  size_t most = before;
  int sent = 0;
  while (one.snapshot_reports.empty()) {
    one.send(message_to(2, raft::MessageType::kHeartbeat));
    ++sent;
    net.sim.advance(1);
    EXPECT_EQ(heartbeats, sent) << "a heartbeat waited behind the snapshot";
    most = std::max(most, gatehouse::testing::live_heap_bytes());
    ASSERT_LT(sent, 10'000);
  }
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, true)));
  EXPECT_TRUE(two.databases[0]->intact && two.databases[0]->finished);
  EXPECT_EQ(two.databases[0]->bytes, kBytes);
  EXPECT_LT(two.databases[0]->largest_write, 2u * 1024 * 1024);
  EXPECT_LT(most - std::min(most, before), 4u * 1024 * 1024);
}

TEST_F(SnapshotTest, EveryFailureIsReportedOnce) {
  // To nobody we know.
  one.send(snapshot_to(77));
  net.sim.run_until_idle();
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(77, false)));
  one.snapshot_reports.clear();
  // The database cannot be read.
  one.database_fails_after = 200'000;
  one.send(snapshot_to(2));
  net.sim.advance(100);
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, false)));
  ASSERT_EQ(two.databases.size(), 1u);
  EXPECT_TRUE(two.databases[0]->dropped) << "half a database must not stay";
  EXPECT_THAT(two.messages, IsEmpty());
  one.snapshot_reports.clear();
  one.database_fails_after = UINT64_MAX;
  // The connection breaks.
  net.network.set_link({.break_after_bytes = 100'000});
  one.send(snapshot_to(2));
  net.sim.advance(100);
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, false)));
  EXPECT_TRUE(two.databases.back()->dropped);
  one.snapshot_reports.clear();
  net.network.set_link({});
  net.sim.advance(1'000);
  // The receiver refuses, then the sender cannot make one.
  two.refuse_snapshot = internal_error("no space left on device");
  one.send(snapshot_to(2));
  net.sim.advance(100);
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, false)));
  one.snapshot_reports.clear();
  one.refuse_snapshot = internal_error("no snapshot");
  one.send(snapshot_to(2));
  net.sim.advance(100);
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, false)));
  one.snapshot_reports.clear();
  one.refuse_snapshot.reset();
  two.refuse_snapshot.reset();
  // A second while the first is under way.
  one.database_bytes = 3'000'000;
  two.sink_write_ms = 20;
  one.send(snapshot_to(2));
  one.send(snapshot_to(2));
  net.sim.advance(5);
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, false)));
  net.sim.advance(10'000);
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, false), Pair(2, true)));
  EXPECT_EQ(two.messages.size(), 1u);
}

// The sender's host goes silent in the middle: the receiver gives up after the I/O timeout.
TEST_F(SnapshotTest, AStalledSenderIsGivenUp) {
  one.database_bytes = 50'000'000;
  two.sink_write_ms = 1;
  one.send(snapshot_to(2));
  net.sim.advance(50);
  ASSERT_EQ(two.databases.size(), 1u);
  ASSERT_GT(two.databases[0]->bytes, 0u);
  net.network.partition("m1", url_of(2));
  net.sim.advance(12'000);
  EXPECT_TRUE(two.databases[0]->dropped);
  EXPECT_THAT(two.messages, IsEmpty());
  net.sim.advance(40'000);
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, false)));
}

// A slow disk is no stalled sender.
TEST_F(SnapshotTest, AWriteMayTakeLongerThanTheTimeout) {
  one.database_bytes = 2'000'000;
  two.sink_write_ms = 9'000;
  one.send(snapshot_to(2));
  net.sim.advance(200'000);
  EXPECT_THAT(one.snapshot_reports, ElementsAre(Pair(2, true)));
}

TEST_F(SnapshotTest, StopsInTheMiddle) {
  one.database_bytes = 50'000'000;
  one.send(snapshot_to(2));
  two.sink_write_ms = 1;
  net.sim.advance(20);
  one.transport->remove_peer(2);
  net.sim.advance(10'000);
  EXPECT_THAT(one.snapshot_reports, IsEmpty());
  EXPECT_TRUE(two.databases[0]->dropped);
}

TEST(ThreadedSource, PiecesComeInOrderFromAnotherThread) {
  loop::EventLoop loop;
  const std::thread::id here = std::this_thread::get_id();
  int made = 0;
  auto source = read_on_thread(loop, [&]() -> SnapshotSource::Piece {
    EXPECT_NE(std::this_thread::get_id(), here);
    return made == 20 ? std::string() : "piece " + std::to_string(made++);
  });
  std::vector<std::string> pieces;
  bool ended = false;
  std::function<void()> next = [&] {
    source->read([&](SnapshotSource::Piece piece) {
      ASSERT_TRUE(piece.ok());
      ended = piece->empty();
      if (ended) return;
      pieces.push_back(*piece);
      next();
    });
  };
  next();
  ASSERT_TRUE(loop::run_until(loop, [&] { return ended; }));
  ASSERT_EQ(pieces.size(), 20u);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(pieces[i], "piece " + std::to_string(i));
}

TEST(ThreadedSource, GoesWhileAReadIsUnderWay) {
  loop::EventLoop loop;
  for (int i = 0; i < 50; ++i) {
    auto source = read_on_thread(loop, []() -> SnapshotSource::Piece { return std::string("x"); });
    source->read([](SnapshotSource::Piece) { ADD_FAILURE() << "a callback after the end"; });
    source.reset();
  }
  bool later = false;
  loop.post([&] { later = true; });
  ASSERT_TRUE(loop::run_until(loop, [&] { return later; }));
}

}  // namespace
}  // namespace gatehouse::transport
