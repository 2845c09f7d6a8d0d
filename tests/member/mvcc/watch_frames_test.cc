// Each kind of frame, its fields and its place among the others.
#include <gtest/gtest.h>

#include <string>

#include "tests/member/mvcc/watch_rig.h"

namespace gatehouse::mvcc::testing {
namespace {

std::string text(const etcdserverpb::WatchResponse& frame) {
  std::string out = "rev=" + std::to_string(frame.header().revision()) +
                    " id=" + std::to_string(frame.watch_id());
  if (frame.created()) out += " created";
  if (frame.canceled()) out += " canceled";
  if (frame.fragment()) out += " fragment";
  if (frame.compact_revision() != 0) out += " compact=" + std::to_string(frame.compact_revision());
  if (!frame.cancel_reason().empty()) out += " '" + frame.cancel_reason() + "'";
  for (const auto& event : frame.events()) {
    out += event.type() == mvccpb::Event::DELETE ? " -" : " +";
    out += event.kv().key() + "=" + event.kv().value() + "@" +
           std::to_string(event.kv().mod_revision());
    if (event.has_prev_kv()) out += "(" + event.prev_kv().value() + ")";
  }
  return out;
}

struct Frames : ::testing::Test {
  std::vector<std::string> seen() {
    rig.run();
    std::vector<std::string> lines;
    for (const auto& frame : client.take()) {
      EXPECT_EQ(frame.header().cluster_id(), 11u);
      EXPECT_EQ(frame.header().member_id(), 22u);
      EXPECT_EQ(frame.header().raft_term(), 3u);
      lines.push_back(text(frame));
    }
    return lines;
  }
  using Lines = std::vector<std::string>;

  Rig rig;
  Client client{*rig.group};
};

TEST_F(Frames, CreatedThenEventsThenCanceled) {
  client.stream->create({.key = "a", .end = "b"});
  client.stream->create({.key = "a"});
  rig.store.put("a", "1");
  rig.publish();
  EXPECT_EQ(seen(), (Lines{"rev=1 id=0 created", "rev=1 id=1 created", "rev=2 id=1 +a=1@2",
                           "rev=2 id=0 +a=1@2"}));
  client.stream->cancel(0);
  client.stream->cancel(0);
  client.stream->cancel(77);
  rig.store.del("a");
  rig.publish();
  EXPECT_EQ(seen(), (Lines{"rev=2 id=0 canceled", "rev=3 id=1 -a=@3"}));
}

TEST_F(Frames, Refusals) {
  client.stream->create({.key = "a", .start = -1});
  client.stream->create({.key = "b", .end = "b"});
  client.stream->create({.key = "b", .end = "a"});
  client.stream->create({.key = "b", .end = std::string(1, '\0'), .watch_id = 5});
  client.stream->create({.key = "b", .watch_id = 5});
  client.stream->refuse("rpc error: code = PermissionDenied desc = etcdserver: permission denied");
  EXPECT_EQ(
      seen(),
      (Lines{"rev=1 id=-1 created canceled 'etcdserver: mvcc: required revision has been compacted'",
             "rev=1 id=-1 created canceled 'mvcc: watcher range is empty'",
             "rev=1 id=-1 created canceled 'mvcc: watcher range is empty'", "rev=1 id=5 created",
             "rev=1 id=-1 created canceled 'mvcc: duplicate watch ID provided on the WatchStream'",
             "rev=1 id=-1 created canceled 'rpc error: code = PermissionDenied desc = etcdserver: "
             "permission denied'"}));
}

TEST_F(Frames, ChosenIdsAreSkippedAndReusable) {
  client.stream->create({.key = "a", .watch_id = 1});
  client.stream->create({.key = "a"});
  client.stream->create({.key = "a"});
  client.stream->cancel(1);
  client.stream->create({.key = "a", .watch_id = 1});
  EXPECT_EQ(seen(), (Lines{"rev=1 id=1 created", "rev=1 id=0 created", "rev=1 id=2 created",
                           "rev=1 id=1 canceled", "rev=1 id=1 created"}));
}

TEST_F(Frames, CompactedStart) {
  for (int i = 0; i < 5; ++i) rig.store.put("a", std::to_string(i));
  rig.publish();
  rig.store.compact_to(4);
  client.stream->create({.key = "a", .start = 3});
  client.stream->create({.key = "a", .start = 4});
  EXPECT_EQ(seen(), (Lines{"rev=6 id=0 created", "rev=6 id=1 created", "rev=0 id=0 canceled compact=4",
                           "rev=6 id=1 +a=2@4 +a=3@5 +a=4@6"}));
  client.stream->cancel(0);
  client.stream->request_progress();
  EXPECT_EQ(seen(), (Lines{"rev=6 id=-1"}));
}

TEST_F(Frames, FutureStartIsSilentUntilThen) {
  client.stream->create({.key = "a", .start = 4, .progress_notify = true});
  rig.store.put("a", "2");
  rig.store.put("a", "3");
  rig.publish();
  client.stream->request_progress();
  rig.run();
  rig.sim.advance(25'000);
  EXPECT_EQ(seen(), (Lines{"rev=1 id=0 created"}));
  rig.store.put("a", "4");
  rig.publish();
  EXPECT_EQ(seen(), (Lines{"rev=4 id=0 +a=4@4"}));
}

TEST_F(Frames, PreviousPairsAndFilters) {
  client.stream->create({.key = "a", .shape = {.prev_kv = true}});
  client.stream->create({.key = "a", .shape = {.no_put = true}});
  client.stream->create({.key = "a", .shape = {.no_delete = true}});
  seen();
  rig.store.put("a", "x");
  rig.publish();
  EXPECT_EQ(seen(), (Lines{"rev=2 id=0 +a=x@2", "rev=2 id=2 +a=x@2"}));
  rig.store.put("a", "y");
  rig.store.del("a");
  rig.publish();
  EXPECT_EQ(seen(), (Lines{"rev=4 id=0 +a=y@3(x) -a=@4(y)", "rev=4 id=1 -a=@4", "rev=3 id=2 +a=y@3"}));
  rig.store.compact_to(4);
  client.stream->create({.key = "a", .start = 4, .shape = {.prev_kv = true}});
  EXPECT_EQ(seen(), (Lines{"rev=4 id=3 created", "rev=4 id=3 -a=@4"}));
}

TEST_F(Frames, PeriodicProgress) {
  client.stream->create({.key = "a", .progress_notify = true});
  client.stream->create({.key = "a"});
  seen();
  rig.sim.advance(9'999);
  EXPECT_EQ(seen(), Lines{});
  rig.sim.advance(1'001);
  EXPECT_EQ(seen(), (Lines{"rev=1 id=0"}));
  rig.store.put("a", "1");
  rig.publish();
  seen();
  rig.sim.advance(11'000);
  EXPECT_EQ(seen(), Lines{});  // it was told of events meanwhile
  rig.sim.advance(11'000);
  EXPECT_EQ(seen(), (Lines{"rev=2 id=0"}));
}

TEST_F(Frames, ManualProgressComesAfterWhatItAnnounces) {
  client.stream->request_progress();
  EXPECT_EQ(seen(), Lines{});  // no watcher
  client.stream->create({.key = "a"});
  rig.store.put("a", "1");
  rig.publish();
  client.stream->request_progress();  // the batch is on its way
  EXPECT_EQ(seen(), (Lines{"rev=1 id=0 created", "rev=2 id=0 +a=1@2", "rev=2 id=-1"}));
  client.stream->create({.key = "a", .start = 2});
  client.stream->request_progress();  // the new one is behind
  EXPECT_EQ(seen(), (Lines{"rev=2 id=1 created", "rev=2 id=1 +a=1@2"}));
}

TEST_F(Frames, ARestoredStoreIsReadWhereTheWatcherStood) {
  client.stream->create({.key = "a"});
  rig.store.put("a", "1");
  rig.publish();
  rig.store.put("a", "2");
  rig.store.put("a", "3");
  rig.store.publish();                            // the changes are lost to the feed
  rig.feed.publish({}, rig.store.revision());     // restored
  rig.store.put("a", "4");
  rig.publish();
  EXPECT_EQ(seen(), (Lines{"rev=1 id=0 created", "rev=2 id=0 +a=1@2", "rev=5 id=0 +a=2@3 +a=3@4 +a=4@5"}));
}

TEST(WatchFragments, AreBelowTheLimitAndOnlyTheLastIsUnmarked) {
  Rig rig(1, 1000);
  Client client(*rig.group);
  client.stream->create({.key = "a", .end = "b", .fragment = true});
  client.stream->create({.key = "a", .end = "b"});
  client.take();
  std::vector<FakeStore::Op> ops;
  for (int i = 0; i < 9; ++i) ops.push_back({false, "a" + std::to_string(i), std::string(300, 'v')});
  ops.push_back({false, "a9", std::string(3000, 'v')});
  rig.store.commit(ops);
  rig.publish();
  rig.run();
  int events = 0;
  std::vector<bool> marks;
  int whole = 0;
  for (const auto& frame : client.frames) {
    if (frame.watch_id() == 1) {
      ++whole;
      EXPECT_EQ(frame.events_size(), 10);
      continue;
    }
    if (frame.events_size() > 1) {
      EXPECT_LT(frame.ByteSizeLong(), 1000u);
    }
    events += frame.events_size();
    marks.push_back(frame.fragment());
  }
  EXPECT_EQ(events, 10);
  EXPECT_EQ(whole, 1);
  EXPECT_EQ(marks, (std::vector<bool>{true, true, true, false}));
}

}  // namespace
}  // namespace gatehouse::mvcc::testing
