// Many random watchers against a model that lists what each must see; sizes and speeds.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include "tests/member/mvcc/watch_rig.h"

namespace gatehouse::mvcc::testing {
namespace {

struct Expected {
  WatchRequest request;
  int64_t from = 0;  // first revision it may see
  bool created = false;
  bool gone = false;
  int64_t last_revision = 0;            // of the last event seen
  std::vector<std::string> events;      // seen
  std::vector<int64_t> revisions;
};

std::string describe(const mvccpb::Event& e) {
  return std::to_string(e.type()) + e.kv().SerializeAsString() + "|" +
         (e.has_prev_kv() ? e.prev_kv().SerializeAsString() : "");
}

// One client with its model.
struct Modelled {
  explicit Modelled(Rig& the_rig) : rig(the_rig), client(*the_rig.group) {}

  void check_frames() {
    for (const auto& frame : client.take()) {
      if (frame.watch_id() == -1) {
        // Progress: no open watcher may see an event at or below later.
        for (auto& [id, w] : watchers) {
          if (!w.gone) w.last_revision = std::max(w.last_revision, frame.header().revision());
        }
        continue;
      }
      Expected& w = watchers.at(frame.watch_id());
      ASSERT_FALSE(w.gone) << "a frame after cancel";
      if (frame.created()) {
        ASSERT_FALSE(w.created);
        w.created = true;
        continue;
      }
      ASSERT_TRUE(w.created);
      if (frame.canceled()) {
        w.gone = true;
        // By compaction: only when it still had to read below.
        if (frame.compact_revision() != 0) {
          ASSERT_EQ(frame.header().revision(), 0);
        }
        check_seen(w, frame.compact_revision() != 0 ? w.last_revision : rig.store.revision(), true);
        continue;
      }
      if (frame.events_size() == 0) {
        w.last_revision = std::max(w.last_revision, frame.header().revision());
        continue;
      }
      // A revision is in one response.
      ASSERT_GT(frame.events(0).kv().mod_revision(), w.last_revision);
      for (const auto& event : frame.events()) {
        w.events.push_back(describe(event));
        w.revisions.push_back(event.kv().mod_revision());
      }
      w.last_revision = w.revisions.back();
      ASSERT_GE(frame.header().revision(), w.last_revision);
    }
  }

  // What it saw is what the log says, up to a revision; `partial`: a beginning of it.
  void check_seen(const Expected& w, int64_t upto, bool partial) {
    struct Want {
      int64_t revision;
      std::string bare;  // without the previous pair
      std::string whole;
    };
    std::vector<Want> want;
    KeyRange range{w.request.key, w.request.end};
    for (const auto& entry : rig.store.log().entries) {
      if (entry->revision.main < w.from || entry->revision.main > upto) continue;
      if (!range.contains(entry->key) || w.request.shape.drops(entry->deleted)) continue;
      mvccpb::Event e;
      e.mutable_kv()->ParseFromString(entry->record);
      if (entry->deleted) {
        e.set_type(mvccpb::Event::DELETE);
        e.mutable_kv()->set_mod_revision(entry->revision.main);
      }
      std::string bare = describe(e);
      const LogEntry* previous = rig.store.log().at(entry->key, entry->revision.main - 1);
      if (w.request.shape.prev_kv && previous != nullptr) {
        e.mutable_prev_kv()->ParseFromString(previous->record);
      }
      want.push_back({entry->revision.main, std::move(bare), describe(e)});
    }
    if (!partial) {
      ASSERT_EQ(w.events.size(), want.size()) << "key " << w.request.key;
    }
    ASSERT_LE(w.events.size(), want.size());
    for (size_t i = 0; i < w.events.size(); ++i) {
      ASSERT_EQ(w.revisions[i], want[i].revision);
      // prev_kv is absent where it was compacted when the event was sent.
      if (w.events[i] == want[i].whole) continue;
      ASSERT_EQ(w.events[i], want[i].bare);
      ASSERT_GT(rig.store.compacted(), w.revisions[i] - 1);
    }
  }

  Rig& rig;
  Client client;
  std::map<int64_t, Expected> watchers;
  int64_t next_id = 1;
};

void run_seed(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rig rig(seed, 3000);
  env::SeededEntropy random(seed * 77 + 5);
  std::vector<std::unique_ptr<Modelled>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Modelled>(rig));
    clients.back()->client.window = 200 + random.below(2000);
  }
  const auto key = [&] { return std::string(1, static_cast<char>('a' + random.below(4))) +
                                std::to_string(random.below(5)); };
  for (int turn = 0; turn < 600; ++turn) {
    Modelled& m = *clients[random.below(clients.size())];
    const uint64_t dice = random.below(100);
    if (dice < 40) {
      const int batches = 1 + static_cast<int>(random.below(4));
      for (int b = 0; b < batches; ++b) {
        std::map<std::string, FakeStore::Op> ops;
        for (uint64_t n = 1 + random.below(4); n > 0; --n) {
          std::string k = key();
          ops[k] = {random.below(3) == 0, k, std::string(random.below(80), 'v')};
        }
        std::vector<FakeStore::Op> list;
        for (auto& [k, op] : ops) list.push_back(op);
        rig.store.commit(list);
        if (random.below(2) == 0) rig.publish();
      }
      if (random.below(20) == 0) rig.store.publish(), rig.feed.publish({}, rig.store.revision());
      rig.publish();
    } else if (dice < 55) {
      WatchRequest r;
      r.key = key();
      switch (random.below(4)) {
        case 0: break;
        case 1: r.end = std::string(1, '\0'); break;
        default: r.end = r.key + "\xff"; r.key.resize(1); r.end[0] = static_cast<char>(r.key[0] + 1);
      }
      const int64_t now = rig.store.revision();
      const int64_t low = std::max<int64_t>(1, rig.store.compacted() - 2);
      if (random.below(3) > 0) r.start = low + static_cast<int64_t>(random.below(static_cast<uint64_t>(now + 10 - low)));
      r.watch_id = m.next_id++;
      r.shape = {random.below(5) == 0, random.below(5) == 0, random.below(2) == 0};
      r.progress_notify = random.below(2) == 0;
      Expected& w = m.watchers[r.watch_id];
      w.request = r;
      w.from = r.start > 0 ? r.start : now + 1;
      w.last_revision = w.from - 1;
      m.client.stream->create(r);
    } else if (dice < 60) {
      m.client.stream->cancel(static_cast<int64_t>(1 + random.below(static_cast<uint64_t>(m.next_id))));
    } else if (dice < 68) {
      m.client.stalled = true;
    } else if (dice < 76) {
      m.client.stalled = false;
      m.client.read_all();
    } else if (dice < 84) {
      m.client.read_all();
    } else if (dice < 87) {
      const int64_t low = std::max<int64_t>(1, rig.store.compacted());
      rig.store.compact_to(low + static_cast<int64_t>(random.below(static_cast<uint64_t>(rig.store.revision() - low + 1))));
    } else if (dice < 92) {
      m.client.stream->request_progress();
    } else if (dice < 94) {
      rig.sim.advance(random.below(12'000));
    } else {
      rig.run();
    }
    for (auto& c : clients) c->check_frames();
    if (::testing::Test::HasFatalFailure()) return;
  }
  for (auto& c : clients) {
    c->client.stalled = false;
    c->client.read_all();
  }
  rig.run();
  EXPECT_EQ(rig.group->synced_watchers(), rig.group->watchers());
  size_t events = 0;
  for (auto& c : clients) {
    c->check_frames();
    for (auto& [id, w] : c->watchers) {
      EXPECT_TRUE(w.created);
      events += w.events.size();
      if (!w.gone) c->check_seen(w, rig.store.revision(), false);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(events, 100u);
}

TEST(WatchLockstep, EachEventOnceInOrderWithoutGap) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    run_seed(seed);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(WatchIndexLockstep, FindsWhatANaiveListFinds) {
  env::SeededEntropy random(9);
  WatchIndex index;
  std::vector<std::unique_ptr<Watcher>> watchers;
  const auto key = [&] { return std::to_string(random.below(300)); };
  for (int turn = 0; turn < 20'000; ++turn) {
    if (random.below(2) == 0) {
      auto w = std::make_unique<Watcher>();
      std::string a = key();
      std::string b = key();
      if (random.below(4) == 0) b = std::string(1, '\0');
      if (random.below(4) == 0) b.clear();
      if (b > std::string(1, '\0') && b <= a) b = a + "5";
      w->range = std::make_shared<KeyRange>(KeyRange{a, b});
      w->shape.prev_kv = random.below(2) == 0;
      index.add(*w);
      watchers.push_back(std::move(w));
    } else if (!watchers.empty()) {
      std::swap(watchers[random.below(watchers.size())], watchers.back());
      index.remove(*watchers.back());
      watchers.pop_back();
    }
    const std::string k = key();
    size_t found = 0;
    index.for_each_match(k, [&](Interest& interest) {
      for (const auto& shaped : interest.shapes) found += shaped.watchers.size();
    });
    size_t expected = 0;
    for (const auto& w : watchers) expected += w->range->contains(k) ? 1 : 0;
    ASSERT_EQ(found, expected) << "turn " << turn;
  }
}

TEST(WatchHistory, ManyStepsForWatchersThatBeginAtDifferentPlaces) {
  Rig rig;
  for (int i = 0; i < 5'000; ++i) rig.store.put("a" + std::to_string(i % 3), "v");
  rig.publish();
  Client client(*rig.group);
  std::vector<int64_t> starts = {2, 3, 700, 1001, 1002, 1003, 2500, 4990, 5001, 5002};
  for (const int64_t start : starts) client.stream->create({.key = "a", .end = "b", .start = start});
  rig.store.put("a0", "live");
  rig.publish();
  rig.run();
  std::map<int64_t, std::vector<int64_t>> seen;
  for (const auto& frame : client.frames) {
    for (const auto& event : frame.events()) {
      seen[frame.watch_id()].push_back(event.kv().mod_revision());
    }
  }
  for (size_t id = 0; id < starts.size(); ++id) {
    std::vector<int64_t> want;
    for (int64_t r = starts[id]; r <= rig.store.revision(); ++r) want.push_back(r);
    EXPECT_EQ(seen[static_cast<int64_t>(id)], want) << "start " << starts[id];
  }
}

TEST(WatchFeed, WhatIsTooMuchForAHangingLoopIsReadFromTheStore) {
  Rig rig;
  Client client(*rig.group);
  client.stream->create({.key = "a"});
  client.take();
  for (int i = 0; i < 80; ++i) {
    rig.store.put("a", std::string(1024 * 1024, 'v'));
    rig.publish();
  }
  rig.run();
  rig.store.put("a", "last");
  rig.publish();
  rig.run();
  std::vector<int64_t> seen;
  for (const auto& frame : client.frames) {
    for (const auto& event : frame.events()) seen.push_back(event.kv().mod_revision());
  }
  ASSERT_EQ(seen.size(), 81u);
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], static_cast<int64_t>(i) + 2);
}

// What a sink that only counts sees: the cost of the room itself.
struct Counter final : WatchSink {
  bool can_send() const override { return true; }
  void send(std::string_view response) override {
    ++frames;
    bytes += response.size();
  }
  size_t frames = 0;
  size_t bytes = 0;
};

TEST(WatchScale, TenThousandWatchers) {
  for (const bool one_prefix : {true, false}) {
    Rig rig;
    Counter sink;
    WatchStream stream(*rig.group, sink);
    for (int i = 0; i < 10'000; ++i) {
      WatchRequest r;
      r.key = one_prefix ? "k/" : "k/" + std::to_string(i);
      if (one_prefix) r.end = "k0";
      stream.create(std::move(r));
    }
    sink.frames = 0;
    const auto begun = std::chrono::steady_clock::now();
    const int writes = one_prefix ? 100 : 10'000;
    for (int i = 0; i < writes; ++i) {
      rig.store.put("k/" + std::to_string(i), std::string(256, 'v'));
      rig.publish();
      rig.run();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::printf("%s: %zu events in %.3f s\n", one_prefix ? "one prefix" : "keys", sink.frames,
                took.count());
    EXPECT_EQ(sink.frames, one_prefix ? 1'000'000u : 10'000u);
    EXPECT_LT(took.count(), 20);
  }
}

TEST(WatchMemory, AStalledClientHoldsItsWindowAndOnePassAndNobodyElse) {
  Rig rig;
  Client slow(*rig.group);
  Counter quick_sink;
  WatchStream quick(*rig.group, quick_sink);
  for (int i = 0; i < 10; ++i) slow.stream->create({.key = "a", .end = "b"});
  quick.create({.key = "a", .end = "b"});
  slow.stalled = true;
  for (int i = 0; i < 5'000; ++i) {
    rig.store.put("a" + std::to_string(i % 7), std::string(4096, 'v'));
    rig.publish();
    if (i % 3 == 0) rig.run();
  }
  rig.run();
  EXPECT_GT(quick_sink.bytes, 5'000u * 4096);
  EXPECT_LT(slow.most_unread, slow.window + WatchGroup::kPassBytes + 16 * 1024);
  EXPECT_EQ(slow.stream->parked_watchers(), 10u);
  slow.take();
  std::map<int64_t, int64_t> next;
  for (int round = 0; round < 3'000 && rig.group->synced_watchers() < rig.group->watchers(); ++round) {
    slow.read_all();
    rig.run();
  }
  slow.read_all();
  rig.run();
  EXPECT_EQ(rig.group->synced_watchers(), 11u);
  EXPECT_LT(slow.most_unread, slow.window + WatchGroup::kPassBytes + 16 * 1024);
}

}  // namespace
}  // namespace gatehouse::mvcc::testing
