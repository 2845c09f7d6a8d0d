// A store, a feed, one group on virtual time, and clients that take as many frames as they are let.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/env/entropy.h"
#include "common/env/sim_executor.h"
#include "member/mvcc/watch_feed.h"
#include "member/mvcc/watch_group.h"
#include "member/mvcc/watch_stream.h"
#include "proto/rpc.pb.h"
#include "tests/member/mvcc/watch_fake_store.h"

namespace gatehouse::mvcc::testing {

struct Client final : WatchSink {
  explicit Client(WatchGroup& group) : stream(std::make_unique<WatchStream>(group, *this)) {}

  bool can_send() const override { return unread <= window; }
  void send(std::string_view response) override {
    etcdserverpb::WatchResponse frame;
    ASSERT_TRUE(frame.ParseFromArray(response.data(), static_cast<int>(response.size())));
    frames.push_back(std::move(frame));
    bytes += response.size();
    if (stalled) {
      unread += response.size();
      most_unread = std::max(most_unread, unread);
    }
  }
  void read_all() {
    const bool told = !can_send();
    unread = 0;
    if (told) stream->on_can_send();
  }
  std::vector<etcdserverpb::WatchResponse> take() { return std::exchange(frames, {}); }

  size_t window = 256 * 1024;
  bool stalled = false;
  size_t unread = 0;
  size_t most_unread = 0;
  size_t bytes = 0;
  std::vector<etcdserverpb::WatchResponse> frames;
  std::unique_ptr<WatchStream> stream;
};

struct Rig {
  explicit Rig(uint64_t seed = 1, size_t fragment_bytes = 2 * 1024 * 1024) : entropy(seed) {
    WatchGroupOptions options;
    options.identity = {11, 22};
    options.term = [] { return 3; };
    options.fragment_bytes = fragment_bytes;
    options.progress_interval_ms = 10'000;
    options.entropy = &entropy;
    group = std::make_unique<WatchGroup>(sim, feed, store, std::move(options));
  }
  void publish() {
    std::vector<Change> changes = store.publish();
    feed.publish(std::move(changes), store.revision());
  }
  void run() { sim.run_until_idle(); }

  env::SimExecutor sim;
  env::SeededEntropy entropy;
  FakeStore store;
  WatchFeed feed{1};
  std::unique_ptr<WatchGroup> group;
};

}  // namespace gatehouse::mvcc::testing
