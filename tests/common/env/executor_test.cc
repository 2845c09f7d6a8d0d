#include "common/env/executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/env/sim_executor.h"

namespace gatehouse::env {
namespace {

class Hook final : public TurnEndHook {
 public:
  explicit Hook(UniqueFunction<void()> body) : body_(std::move(body)) {}

 private:
  void on_turn_end() override { body_(); }
  UniqueFunction<void()> body_;
};

struct NoteOnDestruction {
  std::vector<std::string>& log;
  std::string name;
  ~NoteOnDestruction() { log.push_back(name); }
};

TEST(Timer, FiresOnceNotBeforeItsTime) {
  SimExecutor sim;
  int fired = 0;
  Timer timer(sim, [&] { ++fired; });
  timer.arm(10);
  EXPECT_TRUE(timer.armed());
  sim.advance(9);
  EXPECT_EQ(fired, 0);
  sim.advance(1);
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer.armed());
  sim.advance(100);
  EXPECT_EQ(fired, 1);
}

TEST(Timer, ZeroDelayWaitsForTheNextTurn) {
  SimExecutor sim;
  std::vector<std::string> log;
  Timer inner(sim, [&] { log.push_back("inner"); });
  Hook hook([&] { log.push_back("turn end"); });
  Timer outer(sim, [&] {
    log.push_back("outer");
    inner.arm(0);
    sim.at_turn_end(hook);
  });
  outer.arm(0);
  EXPECT_EQ(sim.run_until_idle(), 2u);
  EXPECT_EQ(log, (std::vector<std::string>{"outer", "turn end", "inner"}));
}

TEST(Timer, TiesFireInArmingOrderAndRearmingCounts) {
  SimExecutor sim;
  std::vector<int> log;
  Timer a(sim, [&] { log.push_back(1); }), b(sim, [&] { log.push_back(2); }),
      c(sim, [&] { log.push_back(3); });
  a.arm(5);
  b.arm(5);
  c.arm(5);
  a.arm(5);
  sim.advance(5);
  EXPECT_EQ(log, (std::vector<int>{2, 3, 1}));
}

TEST(Timer, CallbackMayRearmItself) {
  SimExecutor sim;
  std::vector<uint64_t> times;
  Timer* self = nullptr;
  Timer timer(sim, [&] {
    times.push_back(sim.now_ms());
    if (times.size() < 3) self->arm(10);
  });
  self = &timer;
  timer.arm(10);
  sim.advance(100);
  EXPECT_EQ(times, (std::vector<uint64_t>{1'010, 1'020, 1'030}));
}

TEST(Timer, CallbackMayDestroyItsTimerAndOthers) {
  SimExecutor sim;
  // The captured string is heap memory: a callable freed while it runs shows under asan.
  std::string note(100, 'x');
  std::string seen;
  std::unique_ptr<Timer> other = std::make_unique<Timer>(sim, [] { FAIL() << "was destroyed"; });
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(sim, [&, note] {
    timer.reset();
    other.reset();
    seen = note;
  });
  timer->arm(1);
  other->arm(1);
  sim.advance(5);
  EXPECT_EQ(seen, note);
}

TEST(Timer, HugeDelaysDoNotWrap) {
  SimExecutor sim;
  Timer timer(sim, [] { FAIL(); });
  timer.arm(UINT64_MAX);
  sim.advance(1'000'000'000);
  EXPECT_TRUE(timer.armed());
  timer.cancel();
  EXPECT_EQ(sim.next_due_ms(), UINT64_MAX);
}

// Arm, re-arm, cancel and fire in random order, beside a model that is a plain sorted list.
TEST(Timer, HeapAgreesWithAModel) {
  const uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  SimExecutor sim;
  constexpr int kTimers = 50;
  std::vector<int> fired, expected;
  std::vector<std::unique_ptr<Timer>> timers;
  struct Entry {
    uint64_t due;
    uint64_t sequence;
    int id;
  };
  std::vector<Entry> model;
  uint64_t sequence = 0;
  for (int i = 0; i < kTimers; ++i) {
    timers.push_back(std::make_unique<Timer>(sim, [&fired, i] { fired.push_back(i); }));
  }
  for (int step = 0; step < 20'000; ++step) {
    const int id = static_cast<int>(random() % kTimers);
    const auto of_id = [id](const Entry& e) { return e.id == id; };
    switch (random() % 4) {
      case 0:
      case 1: {
        const uint64_t delay = random() % 40;
        timers[id]->arm(delay);
        std::erase_if(model, of_id);
        model.push_back({sim.now_ms() + delay, sequence++, id});
        break;
      }
      case 2:
        timers[id]->cancel();
        std::erase_if(model, of_id);
        break;
      default: {
        const uint64_t end = sim.now_ms() + random() % 10;
        std::sort(model.begin(), model.end(), [](const Entry& a, const Entry& b) {
          return a.due != b.due ? a.due < b.due : a.sequence < b.sequence;
        });
        while (!model.empty() && model.front().due <= end) {
          expected.push_back(model.front().id);
          model.erase(model.begin());
        }
        sim.advance(end - sim.now_ms());
        ASSERT_EQ(fired, expected) << "at step " << step;
      }
    }
    ASSERT_EQ(timers[id]->armed(), std::any_of(model.begin(), model.end(), of_id));
  }
  EXPECT_GT(fired.size(), 1'000u);
}

TEST(TurnEnd, HookRunsOncePerTurnAndHooksMayScheduleHooks) {
  SimExecutor sim;
  std::vector<std::string> log;
  Hook second([&] { log.push_back("second"); });
  Hook first([&] {
    log.push_back("first");
    sim.at_turn_end(second);
  });
  sim.post([&] {
    sim.at_turn_end(first);
    sim.at_turn_end(first);
    log.push_back("task");
  });
  EXPECT_EQ(sim.run_until_idle(), 1u);
  EXPECT_EQ(log, (std::vector<std::string>{"task", "first", "second"}));
}

TEST(TurnEnd, DestroyedHookDoesNotRun) {
  SimExecutor sim;
  auto doomed = std::make_unique<Hook>([] { FAIL(); });
  Hook killer([&] { doomed.reset(); });
  sim.at_turn_end(killer);
  sim.at_turn_end(*doomed);
  sim.run_until_idle();
  EXPECT_EQ(doomed, nullptr);
}

TEST(TurnEnd, DestroyLaterComesAfterHooksAndMayCascade) {
  SimExecutor sim;
  std::vector<std::string> log;
  struct Parent {
    SimExecutor& sim;
    std::vector<std::string>& log;
    ~Parent() {
      log.push_back("parent");
      sim.destroy_later(std::make_unique<NoteOnDestruction>(log, "child"));
    }
  };
  Hook hook([&] { log.push_back("hook"); });
  sim.post([&] {
    sim.destroy_later(std::make_unique<Parent>(sim, log));
    sim.destroy_later(std::make_unique<NoteOnDestruction>(log, "second"));
    sim.destroy_later(std::unique_ptr<NoteOnDestruction>());
    sim.at_turn_end(hook);
    log.push_back("task");
  });
  sim.run_until_idle();
  EXPECT_EQ(log, (std::vector<std::string>{"task", "hook", "parent", "second", "child"}));
}

TEST(SimExecutor, TasksRunInOrderAndNotInTheSameTurn) {
  SimExecutor sim;
  std::vector<int> log;
  sim.post([&] {
    log.push_back(1);
    sim.post([&] { log.push_back(3); });
  });
  sim.post([&] { log.push_back(2); });
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(sim.run_until_idle(), 2u);
  EXPECT_EQ(log, (std::vector<int>{1, 2, 3}));
}

TEST(SimExecutor, AdvanceToNextTimerSkipsTheWait) {
  SimExecutor sim(0);
  Timer timer(sim, [] {});
  timer.arm(86'400'000);
  EXPECT_TRUE(sim.advance_to_next_timer());
  EXPECT_EQ(sim.now_ms(), 86'400'000u);
  EXPECT_EQ(sim.now_us(), 86'400'000'000u);
  EXPECT_FALSE(sim.advance_to_next_timer());
}

TEST(SimExecutor, WhatIsSkippedRunsLateAndAtOnce) {
  SimExecutor sim(0);
  std::vector<uint64_t> fired;
  Timer first(sim, [&] { fired.push_back(sim.now_ms()); });
  Timer second(sim, [&] { fired.push_back(sim.now_ms()); });
  first.arm(10);
  second.arm(20);
  sim.skip(50);
  EXPECT_TRUE(fired.empty());
  sim.run_until_idle();
  EXPECT_EQ(fired, (std::vector<uint64_t>{50, 50}));
}

TEST(SimExecutor, TakesTasksFromThreads) {
  SimExecutor sim;
  int ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) sim.post([&] { ++ran; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  sim.run_until_idle();
  EXPECT_EQ(ran, 400);
}

TEST(SimExecutor, DestroysTasksThatNeverRan) {
  std::vector<std::string> log;
  {
    SimExecutor sim;
    sim.post([&sim, owned = std::make_unique<NoteOnDestruction>(log, "task")]() mutable {
      sim.destroy_later(std::move(owned));
    });
    sim.destroy_later(std::make_unique<NoteOnDestruction>(log, "object"));
  }
  std::sort(log.begin(), log.end());
  EXPECT_EQ(log, (std::vector<std::string>{"object", "task"}));
}

TEST(Timer, AnUnarmedOneMayOutliveItsExecutor) {
  auto sim = std::make_unique<SimExecutor>();
  int fired = 0;
  Timer timer(*sim, [&] { ++fired; });
  timer.arm(1);
  sim->advance(1);
  sim.reset();
  EXPECT_EQ(fired, 1);
}

TEST(ExecutorDeathTest, TimerMustNotOutliveItsExecutor) {
  EXPECT_DEATH(
      {
        auto sim = std::make_unique<SimExecutor>();
        Timer timer(*sim, [] {});
        timer.arm(1);
        sim.reset();
      },
      "a timer outlives its executor");
}

}  // namespace
}  // namespace gatehouse::env
