// Watchers beside a list of all events: each gets those of its range and shape from its start on,
// once, in order, whatever its client takes and when.
#include "proxy/mirror/watch_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/env/sim_executor.h"
#include "proto/rpc.pb.h"

namespace gatehouse::mirror {
namespace {

using etcdserverpb::WatchResponse;

EntryRef pair_of(const std::string& key, const std::string& value, int64_t created,
                 int64_t revision) {
  mvccpb::KeyValue pair;
  pair.set_key(key);
  pair.set_value(value);
  pair.set_create_revision(created);
  pair.set_mod_revision(revision);
  pair.set_version(1);
  return EntryRef::parse(pair.SerializeAsString());
}

class Client final : public WatchOwner {
 public:
  bool can_send() const override { return open; }
  void send(std::string_view bytes) override {
    WatchResponse response;
    ASSERT_TRUE(response.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    ASSERT_GT(response.events_size(), 0);
    for (const mvccpb::Event& event : response.events()) {
      got[response.watch_id()].push_back(event.ShortDebugString());
      ASSERT_LE(event.kv().mod_revision(), response.header().revision());
    }
    // A revision is split by fragments only.
    const int64_t first = response.events(0).kv().mod_revision();
    if (!std::exchange(in_fragments, response.fragment())) {
      ASSERT_GT(first, last[response.watch_id()]);
    }
    if (response.fragment()) ++fragments;
    largest = std::max(largest, bytes.size());
    last[response.watch_id()] = response.events(response.events_size() - 1).kv().mod_revision();
  }
  void on_out_of_window(Watcher& watcher, int64_t oldest) override {
    EXPECT_LE(watcher.next, oldest);
    out.push_back(watcher.id);
  }

  bool open = true;
  std::map<int64_t, std::vector<std::string>> got;
  std::map<int64_t, int64_t> last;
  std::vector<int64_t> out;
  bool in_fragments = false;
  int fragments = 0;
  size_t largest = 0;
};

struct Told {
  int64_t revision;
  bool deleted;
  std::string key;
  std::string with_previous;
  std::string without;
};

class WatchGroupTest : public testing::Test {
 protected:
  WatchGroupTest() { mirror.store.reset(Tree(), 1); }

  void put(const std::string& key) {
    const int64_t revision = next_;
    const auto found = living_.find(key);
    const int64_t created = found == living_.end() ? revision : found->second->revisions().created;
    change(false, key, pair_of(key, std::to_string(revision), created, revision));
  }
  void erase(const std::string& key) {
    if (living_.contains(key)) change(true, key, make_tombstone(key, next_));
  }
  void publish() {
    mirror.store.publish(next_);
    ++next_;
    group.on_changed();
  }

  void change(bool deleted, const std::string& key, EntryRef entry) {
    mvccpb::Event event;
    if (deleted) event.set_type(mvccpb::Event::DELETE);
    event.mutable_kv()->ParseFromString(std::string(entry->record()));
    Told told{next_, deleted, key, "", event.ShortDebugString()};
    if (const auto before = living_.find(key); before != living_.end()) {
      event.mutable_prev_kv()->ParseFromString(std::string(before->second->record()));
    }
    told.with_previous = event.ShortDebugString();
    all.push_back(std::move(told));
    if (deleted) {
      living_.erase(key);
      mirror.store.erase(next_, std::move(entry));
    } else {
      living_[key] = entry;
      mirror.store.put(next_, std::move(entry));
    }
  }

  std::vector<std::string> expected(const Watcher& watcher, int64_t from) const {
    std::vector<std::string> events;
    for (const Told& told : all) {
      if (told.revision < from || watcher.shape.drops(told.deleted)) continue;
      if (!watcher.range().contains(told.key)) continue;
      events.push_back(watcher.shape.prev_kv ? told.with_previous : told.without);
    }
    return events;
  }

  env::SimExecutor executor;
  metrics::Registry registry;
  Metrics metrics{registry};
  Mirror mirror{""};
  WatchGroup group{executor, mirror, metrics};
  std::vector<Told> all;
  int64_t next_ = 2;

 private:
  std::map<std::string, EntryRef> living_;
};

TEST_F(WatchGroupTest, EachWatcherGetsWhatIsItsOwn) {
  constexpr uint32_t kSeed = 20261125;
  std::mt19937 random(kSeed);
  const auto below = [&](uint32_t n) { return random() % n; };
  const auto key = [&] { return "k" + std::to_string(below(30)); };
  Client clients[4];
  std::vector<std::unique_ptr<Watcher>> watchers;
  std::vector<int64_t> from;
  for (int round = 0; round < 3000; ++round) {
    const uint32_t what = below(20);
    if (what < 3 && watchers.size() < 120) {
      auto watcher = std::make_unique<Watcher>();
      watcher->owner = &clients[below(4)];
      watcher->id = static_cast<int64_t>(watchers.size());
      watcher->key = key();
      const uint32_t shape = below(4);
      if (shape == 0) watcher->end = std::string(1, '\0');
      if (shape == 1) watcher->end = watcher->key + "~";
      if (shape == 2) watcher->end = "l";
      watcher->shape = {below(5) == 0, below(5) == 0, below(2) == 0};
      const int64_t now = mirror.store.revision();
      if (below(2) == 0) watcher->start = 2 + below(static_cast<uint32_t>(now) + 20);
      ASSERT_TRUE(group.reaches(watcher->start));
      ASSERT_EQ(group.add(*watcher), now);
      from.push_back(watcher->start > 0 ? watcher->start : now + 1);
      watchers.push_back(std::move(watcher));
    } else if (what < 5) {
      Client& client = clients[below(4)];
      client.open = !client.open;
      for (auto& watcher : watchers) {
        if (client.open && watcher->owner == &client && watcher->parked) group.unpark(*watcher);
      }
    } else if (what < 8) {
      executor.advance(1);
    } else {
      std::vector<std::string> touched;
      for (uint32_t n = 1 + below(3); n > 0; --n) {
        const std::string k = key();
        if (std::find(touched.begin(), touched.end(), k) != touched.end()) continue;
        touched.push_back(k);
        below(4) == 0 ? erase(k) : put(k);
      }
      publish();
    }
  }
  for (Client& client : clients) client.open = true;
  for (auto& watcher : watchers) {
    if (watcher->parked) group.unpark(*watcher);
  }
  executor.advance(1000);
  for (size_t i = 0; i < watchers.size(); ++i) {
    auto* client = static_cast<Client*>(watchers[i]->owner);
    EXPECT_TRUE(group.synced(*watchers[i])) << i;
    ASSERT_EQ(client->got[watchers[i]->id], expected(*watchers[i], from[i])) << "watcher " << i;
    group.remove(*watchers[i]);
  }
}

TEST_F(WatchGroupTest, WhoHasFallenOutOfTheWindowIsToldWhenItReadsAgain) {
  Client client;
  Watcher watcher;
  watcher.owner = &client;
  watcher.key = "k";
  group.add(watcher);
  client.open = false;
  for (size_t i = 0; i < Store::kMaxSteps + 10; ++i) {
    put("k");
    publish();
  }
  executor.advance(10);
  EXPECT_TRUE(client.out.empty());
  client.open = true;
  group.unpark(watcher);
  executor.advance(10);
  EXPECT_EQ(client.out, std::vector<int64_t>{0});
  EXPECT_TRUE(client.got.empty());
}

TEST_F(WatchGroupTest, WhatWasBeforeIsAsOfTheRevisionBeforeAndNotOfACompactedOne) {
  Client client;
  Watcher watcher;
  watcher.owner = &client;
  watcher.key = "k";
  watcher.shape.prev_kv = true;
  group.add(watcher);
  put("k");  // at 2
  publish();
  client.open = false;
  for (int i = 0; i < 3; ++i) {
    put("k");  // at 3, 4, 5
    publish();
  }
  mirror.store.compact(3);
  EXPECT_FALSE(group.reaches(3));
  EXPECT_TRUE(group.reaches(4));
  client.open = true;
  group.unpark(watcher);
  executor.advance(10);
  // At 3 the pair of 2 is gone; at 4 that of 3 can still be read.
  EXPECT_EQ(client.got[0], (std::vector<std::string>{all[0].with_previous, all[1].without,
                                                     all[2].with_previous, all[3].with_previous}));
  group.remove(watcher);
}

TEST_F(WatchGroupTest, AListMadeAnewEndsThoseWhoMissedSomething) {
  Client client;
  Watcher now;
  now.owner = &client;
  now.id = 1;
  now.key = "k";
  Watcher later = {};
  later.owner = &client;
  later.id = 2;
  later.key = "k";
  later.start = 1000;
  group.add(now);
  group.add(later);
  mirror.store.reset(Tree(), 500);
  group.on_changed();
  executor.advance(10);
  EXPECT_EQ(client.out, std::vector<int64_t>{1});
  EXPECT_TRUE(group.synced(later));
  group.remove(later);
}

TEST_F(WatchGroupTest, LargeResponsesComeInFragmentsWhereAskedFor) {
  Client client;
  Watcher whole;
  whole.owner = &client;
  whole.id = 1;
  whole.key = "a";
  whole.end = "z";
  group.add(whole);
  const std::string value(700'000, 'v');
  for (const char* key : {"b", "c", "d", "e"}) {
    change(false, key, pair_of(key, value, next_, next_));
  }
  publish();
  EXPECT_EQ(client.got[1].size(), 4u);
  EXPECT_EQ(client.fragments, 0);
  EXPECT_GT(client.largest, WatchGroup::kFragmentBytes);
  group.remove(whole);

  Client other;
  whole.owner = &other;
  whole.fragment = true;
  whole.start = 2;
  group.add(whole);
  executor.advance(10);
  EXPECT_EQ(other.got[1], client.got[1]);
  EXPECT_EQ(other.fragments, 1);
  EXPECT_LT(other.largest, WatchGroup::kFragmentBytes);
  group.remove(whole);
}

}  // namespace
}  // namespace gatehouse::mirror
