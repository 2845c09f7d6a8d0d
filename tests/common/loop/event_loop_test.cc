#include "common/loop/event_loop.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "common/loop/loop_threads.h"
#include "common/loop/signals.h"
#include "tests/common/loop/support.h"

namespace gatehouse::loop {
namespace {

class Hook final : public env::TurnEndHook {
 public:
  explicit Hook(UniqueFunction<void()> body) : body_(std::move(body)) {}

 private:
  void on_turn_end() override { body_(); }
  UniqueFunction<void()> body_;
};

TEST(EventLoop, TimerFiresNotBeforeItsTime) {
  EventLoop loop;
  const uint64_t start_us = loop.now_us();
  env::Timer timer(loop, [&] { loop.stop(); });
  timer.arm(30);
  loop.run();
  EXPECT_GE(loop.now_us() - start_us, 29'000u);
}

TEST(EventLoop, TimerArmedLongAfterTheLastTurnIsNotEarly) {
  EventLoop loop;
  usleep(40'000);  // the loop does not run: its clock must not stand still
  const uint64_t start_us = loop.now_us();
  env::Timer timer(loop, [&] { loop.stop(); });
  timer.arm(30);
  loop.run();
  EXPECT_GE(loop.now_us() - start_us, 29'000u);
}

TEST(EventLoop, AnEarlierTimerOvertakesALaterOne) {
  EventLoop loop;
  std::vector<int> order;
  env::Timer late(loop, [&] {
    order.push_back(2);
    loop.stop();
  });
  env::Timer early(loop, [&] { order.push_back(1); });
  late.arm(40);
  loop.post([&] { early.arm(5); });
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(EventLoop, TasksOfATaskRunInALaterTurn) {
  EventLoop loop;
  std::vector<std::string> log;
  Hook hook([&] { log.push_back("turn end"); });
  loop.post([&] {
    log.push_back("outer");
    loop.at_turn_end(hook);
    loop.post([&] {
      log.push_back("inner");
      loop.stop();
    });
  });
  loop.run();
  EXPECT_EQ(log, (std::vector<std::string>{"outer", "turn end", "inner"}));
}

TEST(EventLoop, TurnEndFollowsTimersAndIo) {
  EventLoop loop;
  std::vector<std::string> log;
  Hook hook([&] { log.push_back("turn end"); });
  env::Timer second(loop, [&] {
    log.push_back("second timer");
    loop.stop();
  });
  env::Timer first(loop, [&] {
    log.push_back("first timer");
    loop.at_turn_end(hook);
    second.arm(0);
  });
  first.arm(0);
  loop.run();
  EXPECT_EQ(log, (std::vector<std::string>{"first timer", "turn end", "second timer"}));
}

TEST(EventLoop, StopFinishesTheTurnAndRunMayGoOn) {
  EventLoop loop;
  bool hook_ran = false;
  Hook hook([&] { hook_ran = true; });
  loop.post([&] {
    loop.stop();
    loop.at_turn_end(hook);
  });
  loop.run();
  EXPECT_TRUE(hook_ran);
  bool again = false;
  loop.post([&] {
    again = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(again);
}

TEST(EventLoop, StopBeforeRunIsKept) {
  EventLoop loop;
  loop.stop();
  loop.run();  // returns
}

TEST(EventLoop, DestroysTasksThatNeverRan) {
  auto token = std::make_shared<int>(1);
  {
    EventLoop loop;
    loop.post([&loop, token] { loop.stop(); });
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(EventLoop, TasksOfEachThreadKeepTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 5'000;
  EventLoop loop;
  std::vector<std::vector<int>> seen(kThreads);
  int left = kThreads;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) loop.post([&, t, i] { seen[t].push_back(i); });
      loop.post([&] {
        if (--left == 0) loop.stop();
      });
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<int>& numbers : seen) {
    ASSERT_EQ(numbers.size(), static_cast<size_t>(kTasks));
    for (int i = 0; i < kTasks; ++i) ASSERT_EQ(numbers[i], i);
  }
}

TEST(LoopThreads, RunsNamesAndJoins) {
  LoopThreads threads("a-name-of-some-length", 3);
  std::atomic<int> left{3};
  std::vector<std::string> names(3);
  EventLoop main;
  for (size_t i = 0; i < threads.size(); ++i) {
    threads[i].post([&, i] {
      EXPECT_TRUE(threads[i].runs_here());
      EXPECT_FALSE(main.runs_here());
      char name[16] = {};
      pthread_getname_np(pthread_self(), name, sizeof(name));
      names[i] = name;
      sigset_t blocked;
      pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
      EXPECT_TRUE(sigismember(&blocked, SIGTERM));
      if (--left == 0) main.stop();
    });
  }
  main.run();
  threads.join();
  EXPECT_EQ(names,
            (std::vector<std::string>{"a-name-of-som-0", "a-name-of-som-1", "a-name-of-som-2"}));
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_FALSE(sigismember(&blocked, SIGTERM));
}

// Work bounces between loops: every post is a wake of a loop that is about to block.
TEST(LoopThreads, NoWakeIsLost) {
  LoopThreads threads("bounce", 2);
  EventLoop main;
  struct Ball {
    LoopThreads& threads;
    EventLoop& main;
    int left = 20'000;
    void bounce() {
      if (--left == 0) return main.stop();
      threads[left % 2].post([this] { bounce(); });
    }
  } ball{threads, main};
  threads[0].post([&] { ball.bounce(); });
  main.run();
  EXPECT_EQ(ball.left, 0);
}

TEST(Signals, AreToldOnTheLoop) {
  EventLoop loop;
  std::vector<int> seen;
  auto watcher = std::make_unique<SignalWatcher>(loop, std::vector<int>{SIGTERM, SIGHUP},
                                                 [&](int signal) { seen.push_back(signal); });
  kill(getpid(), SIGHUP);
  ASSERT_TRUE(run_until(loop, [&] { return seen.size() == 1; }));
  kill(getpid(), SIGTERM);
  ASSERT_TRUE(run_until(loop, [&] { return seen.size() == 2; }));
  EXPECT_EQ(seen, (std::vector<int>{SIGHUP, SIGTERM}));
  watcher.reset();
  struct sigaction now {};
  sigaction(SIGTERM, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

TEST(Signals, TheWatcherMayGoInItsCallback) {
  EventLoop loop;
  std::unique_ptr<SignalWatcher> watcher;
  const std::string note(100, 'x');
  std::string seen;
  watcher = std::make_unique<SignalWatcher>(loop, std::vector<int>{SIGHUP}, [&, note](int) {
    watcher.reset();
    seen = note;
    loop.stop();
  });
  kill(getpid(), SIGHUP);
  loop.run();
  EXPECT_EQ(seen, note);
}

}  // namespace
}  // namespace gatehouse::loop
