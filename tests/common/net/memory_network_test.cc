#include "common/net/memory_network.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <vector>

#include "common/env/sim_executor.h"
#include "common/loop/loop_threads.h"
#include "tests/common/loop/support.h"

namespace gatehouse::net {
namespace {

using loop::NotingSink;

struct Ends {
  env::SimExecutor sim;
  NotingSink sink_a, sink_b;
  std::unique_ptr<env::ByteStream> a, b;

  explicit Ends(const LinkOptions& options = {}, uint64_t seed = 1) {
    StreamPair pair = make_memory_pair(sim, sim, options, seed);
    a = std::move(pair.first);
    b = std::move(pair.second);
    a->start(sink_a);
    b->start(sink_b);
  }
};

TEST(MemoryPair, CarriesBytesAndEnds) {
  Ends ends;
  EXPECT_EQ(ends.a->peer().address, "memory:b");
  ends.a->write("one ");
  ends.a->write("two");
  EXPECT_EQ(ends.sink_b.bytes, "") << "told from inside write()";
  ends.b->write("back");
  ends.a->finish_writing();
  ends.sim.run_until_idle();
  EXPECT_EQ(ends.sink_b.bytes, "one two");
  EXPECT_TRUE(ends.sink_b.ended);
  EXPECT_EQ(ends.sink_a.bytes, "back");
  EXPECT_FALSE(ends.sink_a.ended) << "only one direction is finished";
  ends.b->write("half-closed");
  ends.sim.run_until_idle();
  EXPECT_EQ(ends.sink_a.bytes, "backhalf-closed");
}

TEST(MemoryPair, DelayIsKept) {
  Ends ends({.delay_ms = 20});
  ends.a->write("x");
  ends.sim.advance(19);
  EXPECT_EQ(ends.sink_b.bytes, "");
  ends.sim.advance(1);
  EXPECT_EQ(ends.sink_b.bytes, "x");
}

TEST(MemoryPair, JitterNeverReorders) {
  const uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  Ends ends({.delay_ms = 5, .jitter_ms = 50}, seed);
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const std::string piece = std::to_string(i) + ",";
    ends.a->write(piece);
    all += piece;
    ends.sim.advance(1);
  }
  ends.sim.advance(100);
  EXPECT_EQ(ends.sink_b.bytes, all);
}

TEST(MemoryPair, OneByteAtATime) {
  Ends ends({.max_chunk_bytes = 1});
  size_t pieces = 0;
  ends.sink_b.then = [&] { ++pieces; };
  ends.a->write("twelve bytes");
  ends.sim.run_until_idle();
  EXPECT_EQ(ends.sink_b.bytes, "twelve bytes");
  EXPECT_EQ(pieces, 12u);
}

TEST(MemoryPair, SameSeedSameBoundaries) {
  const auto boundaries = [](uint64_t seed) {
    Ends ends({.max_chunk_bytes = 10}, seed);
    std::vector<size_t> at;
    ends.sink_b.then = [&] { at.push_back(ends.sink_b.bytes.size()); };
    ends.a->write(std::string(500, 'x'));
    ends.sim.run_until_idle();
    EXPECT_EQ(ends.sink_b.bytes.size(), 500u);
    return at;
  };
  EXPECT_EQ(boundaries(3), boundaries(3));
  EXPECT_NE(boundaries(3), boundaries(4));
}

TEST(MemoryPair, AWindowAndPausesHoldTheSenderBack) {
  Ends ends({.max_chunk_bytes = 100, .window_bytes = 1'000});
  ends.b->pause_reading();
  ends.a->write(std::string(1'500, 'x'));
  EXPECT_EQ(ends.a->unsent(), 500u);
  ends.sim.run_until_idle();
  EXPECT_EQ(ends.sink_b.bytes.size(), 0u);
  EXPECT_EQ(ends.a->unsent(), 500u);
  EXPECT_EQ(ends.sink_a.drained, 0);
  ends.b->resume_reading();
  ends.sim.run_until_idle();
  EXPECT_EQ(ends.sink_b.bytes.size(), 1'500u);
  EXPECT_EQ(ends.a->unsent(), 0u);
  EXPECT_EQ(ends.sink_a.drained, 1);
}

TEST(MemoryPair, BreaksAtTheByte) {
  Ends ends({.break_after_bytes = 7});
  ends.a->write("0123456789");
  ends.sim.run_until_idle();
  EXPECT_EQ(ends.sink_b.bytes, "0123456");
  ASSERT_TRUE(ends.sink_a.broken && ends.sink_b.broken);
  EXPECT_EQ(*ends.sink_a.broken, unavailable("connection reset by peer"));
  ends.a->write("dropped");
  ends.sim.run_until_idle();
}

TEST(MemoryPair, DestructionEndsOrResets) {
  {
    Ends ends;
    ends.a->write("last words");
    ends.a.reset();
    ends.sim.run_until_idle();
    EXPECT_EQ(ends.sink_b.bytes, "last words");
    EXPECT_TRUE(ends.sink_b.ended);
    // As TCP: a write to who is gone is answered by a reset.
    ends.b->write("anybody?");
    ends.sim.run_until_idle();
    EXPECT_TRUE(ends.sink_b.broken);
  }
  {
    Ends ends;
    ends.a->pause_reading();
    ends.b->write("unread");
    ends.sim.run_until_idle();
    ends.a.reset();
    ends.sim.run_until_idle();
    EXPECT_TRUE(ends.sink_b.broken) << "closing with unread bytes is a reset";
  }
}

TEST(MemoryPair, BetweenThreads) {
  loop::LoopThreads threads("pair", 2);
  loop::EventLoop main;
  StreamPair pair = make_memory_pair(threads[0], threads[1], {.max_chunk_bytes = 1'000});
  struct Echo final : env::ByteStream::Sink {
    std::unique_ptr<env::ByteStream> stream;
    void on_bytes(std::string_view bytes) override { stream->write(bytes); }
    void on_end() override { stream->finish_writing(); }
    void on_drained() override {}
    void on_broken(const Status&) override {}
  } echo;
  echo.stream = std::move(pair.second);
  NotingSink sink;
  std::unique_ptr<env::ByteStream> client = std::move(pair.first);
  const std::string all(1'000'000, 'x');
  sink.then = [&] {
    if (sink.ended) main.stop();
  };
  threads[1].post([&] { echo.stream->start(echo); });
  threads[0].post([&] {
    client->start(sink);
    client->write(all);
    client->finish_writing();
  });
  main.run();
  threads.join();
  EXPECT_TRUE(sink.bytes == all);
}

struct Net {
  env::SimExecutor sim;
  MemoryNetwork network{7};
  std::vector<std::unique_ptr<env::ByteStream>> accepted;
  std::vector<std::unique_ptr<NotingSink>> sinks;

  void listen(const std::string& address) {
    network.listen(address, sim, [this](std::unique_ptr<env::ByteStream> stream) {
      sinks.push_back(std::make_unique<NotingSink>());
      stream->start(*sinks.back());
      accepted.push_back(std::move(stream));
    });
  }
};

TEST(MemoryNetwork, DialsAndRefuses) {
  Net net;
  net.network.set_link({.delay_ms = 10});
  net.listen("server:1");
  auto dialer = net.network.dialer("client", net.sim);
  std::optional<Result<std::unique_ptr<env::ByteStream>>> good, bad;
  auto dial = dialer->dial("server:1", [&](auto result) { good = std::move(result); });
  auto refused = dialer->dial("server:2", [&](auto result) { bad = std::move(result); });
  net.sim.advance(19);
  EXPECT_FALSE(good || bad) << "a round trip";
  net.sim.advance(1);
  ASSERT_TRUE(good && good->ok());
  EXPECT_EQ(net.accepted.size(), 1u);
  EXPECT_EQ(net.accepted[0]->peer().address, "client");
  ASSERT_TRUE(bad && !bad->ok());
  EXPECT_EQ(bad->status(), unavailable("dial server:2: connection refused"));
  EXPECT_EQ(net.network.open_connections("server:1"), 1u);
  net.network.close("server:1");
  bad.reset();
  refused = dialer->dial("server:1", [&](auto result) { bad = std::move(result); });
  net.sim.advance(20);
  EXPECT_TRUE(bad && !bad->ok());
}

TEST(MemoryNetwork, APartitionIsACablePulled) {
  Net net;
  net.listen("server:1");
  auto dialer = net.network.dialer("client", net.sim, 3'000);
  std::unique_ptr<env::ByteStream> stream;
  NotingSink sink;
  auto dial = dialer->dial("server:1", [&](auto result) { stream = *std::move(result); });
  net.sim.run_until_idle();
  stream->start(sink);
  net.network.partition("client", "server:1");
  stream->write("into the dark");
  net.sim.advance(60'000);
  EXPECT_EQ(net.sinks[0]->bytes, "");
  EXPECT_FALSE(sink.broken) << "nothing tells a half-open peer";

  std::optional<Result<std::unique_ptr<env::ByteStream>>> late;
  dial = dialer->dial("server:1", [&](auto result) { late = std::move(result); });
  net.sim.advance(2'999);
  EXPECT_FALSE(late);
  net.sim.advance(1);
  ASSERT_TRUE(late && !late->ok());
  EXPECT_EQ(late->status(), unavailable("dial server:1: i/o timeout"));

  net.network.heal("client", "server:1");
  net.sim.run_until_idle();
  EXPECT_EQ(net.sinks[0]->bytes, "into the dark");
}

TEST(MemoryNetwork, ResetAllBreaksBothEnds) {
  Net net;
  net.listen("server:1");
  auto dialer = net.network.dialer("client", net.sim);
  std::unique_ptr<env::ByteStream> stream;
  NotingSink sink;
  auto dial = dialer->dial("server:1", [&](auto result) { stream = *std::move(result); });
  net.sim.run_until_idle();
  stream->start(sink);
  net.network.reset_all("server:1");
  net.sim.run_until_idle();
  EXPECT_TRUE(sink.broken);
  EXPECT_TRUE(net.sinks[0]->broken);
}

TEST(MemoryNetwork, DestroyingADialGivesItUp) {
  Net net;
  net.listen("server:1");
  auto dialer = net.network.dialer("client", net.sim);
  auto dial = dialer->dial("server:1", [](auto) { FAIL(); });
  dial.reset();
  net.sim.advance(10'000);
  EXPECT_TRUE(net.accepted.empty());
}

}  // namespace
}  // namespace gatehouse::net
