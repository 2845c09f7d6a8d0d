// Levels, the cost of a line that is off, limits per call site, copies and threads.
#include "common/log/log.h"

#include <gtest/gtest.h>

#include <thread>

#include "common/log/capture.h"

namespace gatehouse::log {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

TEST(Level, HasZapsNames) {
  for (const auto* name : {"debug", "info", "warn", "error", "panic", "fatal"}) {
    const Result<Level> level = parse_level(name);
    ASSERT_TRUE(level.ok());
    EXPECT_EQ(level_name(*level), name);
  }
  EXPECT_EQ(*parse_level("WARN"), Level::kWarn);
  EXPECT_EQ(parse_level("warning").status().message(),
            "unknown log level \"warning\"; known: debug, info, warn, error, panic, fatal");
  EXPECT_FALSE(parse_level("off").ok());
  EXPECT_EQ(*parse_format("console"), Format::kConsole);
  EXPECT_FALSE(parse_format("text").ok());
}

TEST(Logger, WritesItsLevelAndAbove) {
  Capture capture({.level = Level::kWarn});
  const Logger& logger = capture.logger();
  LOG_DEBUG(logger, "1");
  LOG_INFO(logger, "2");
  LOG_WARN(logger, "3");
  LOG_ERROR(logger, "4");
  LOG_PANIC(logger, "5");
  LOG_FATAL(logger, "6");
  EXPECT_EQ(capture.lines().size(), 4U);
  EXPECT_EQ(capture.count("\"level\":\"warn\""), 1U);
  EXPECT_EQ(capture.count("\"level\":\"fatal\""), 1U);
}

TEST(Logger, ChangesItsLevelAtRunTimeForAllCopies) {
  Capture capture({.level = Level::kInfo});
  const Logger copy = capture.logger();
  LOG_DEBUG(copy, "before");
  capture.logger().set_level(Level::kDebug);
  LOG_DEBUG(copy, "after");
  EXPECT_EQ(copy.level(), Level::kDebug);
  capture.logger().set_level(Level::kOff);
  LOG_FATAL(copy, "never");
  ASSERT_EQ(capture.lines().size(), 1U);
  EXPECT_EQ(capture.count("after"), 1U);
}

TEST(Logger, DoesNotEvaluateTheFieldsOfALineThatIsOff) {
  Capture capture({.level = Level::kInfo});
  int evaluated = 0;
  const auto costly = [&] { return ++evaluated; };
  LOG_DEBUG(capture.logger(), "m", {"n", costly()});
  EXPECT_EQ(evaluated, 0);
  LOG_INFO(capture.logger(), "m", {"n", costly()});
  EXPECT_EQ(evaluated, 1);
}

TEST(Logger, MadeByDefaultDiscards) {
  const Logger logger;
  EXPECT_FALSE(logger.enabled(Level::kFatal));
  LOG_FATAL(logger, "m", {"k", 1});
  LOG_WARN_LIMITED(logger, "m");
  logger.write(Level::kFatal, {"f", 1}, "m");
  logger.set_level(Level::kDebug);
  EXPECT_EQ(logger.level(), Level::kOff);
  EXPECT_EQ(logger.dropped_lines(), 0U);
}

TEST(Logger, TakesTheNameOfTheSourceFileFromTheMacro) {
  Capture capture;
  LOG_INFO(capture.logger(), "m");
  EXPECT_EQ(capture.count("\"caller\":\"log/log_test.cc:" + std::to_string(__LINE__ - 1) + "\""),
            1U);
}

TEST(Logger, KeepsLinesOfManyThreadsWhole) {
  Capture capture;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([logger = capture.logger(), t] {
      for (int i = 0; i < 500; ++i) LOG_INFO(logger, "m", {"thread", t}, {"i", i});
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_EQ(capture.lines().size(), 2000U);
  for (const std::string& line : capture.lines()) {
    EXPECT_TRUE(line.starts_with("{\"level\":\"info\"") && line.ends_with("}")) << line;
  }
}

TEST(Capture, ItsLoggersMayOutliveIt) {
  Logger logger;
  {
    Capture capture;
    logger = capture.logger();
  }
  LOG_INFO(logger, "m");
}

TEST(RateLimit, LetsSoManyThroughAndTellsHowManyNot) {
  RateLimit limit(2, seconds(10));
  const steady_clock::time_point start(seconds(1000));
  for (int i = 0; i < 2; ++i) {
    const auto decision = limit.ask(start);
    EXPECT_TRUE(decision.write);
    EXPECT_EQ(decision.suppressed, 0U);
  }
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(limit.ask(start + seconds(9)).write);
  const auto first = limit.ask(start + seconds(10));
  EXPECT_TRUE(first.write);
  EXPECT_EQ(first.suppressed, 7U);
  const auto second = limit.ask(start + seconds(19));
  EXPECT_TRUE(second.write);
  EXPECT_EQ(second.suppressed, 0U);
  EXPECT_FALSE(limit.ask(start + seconds(19)).write);
}

TEST(RateLimit, IsPerCallSiteAndCountsItsFlood) {
  steady_clock::time_point now(seconds(1));
  Capture capture({.level = Level::kInfo, .steady_now = [&] { return now; }});
  const auto flood = [&](int n) {
    for (int i = 0; i < n; ++i) LOG_WARN_LIMITED(capture.logger(), "flood", {"i", i});
  };
  flood(1000);
  EXPECT_EQ(capture.count("\"flood\""), kLimitedLines);
  LOG_WARN_LIMITED(capture.logger(), "elsewhere");  // its own call site
  EXPECT_EQ(capture.count("elsewhere"), 1U);
  now += kLimitedInterval;
  flood(1);
  EXPECT_EQ(capture.count(R"("i":0,"suppressed":)" + std::to_string(1000 - kLimitedLines) + "}"),
            1U);
}

TEST(RateLimit, ALimitedLineThatIsOffDoesNotUseUpTheLimit) {
  Capture capture({.level = Level::kError});
  for (int i = 0; i < 12; ++i) {
    if (i == 10) capture.logger().set_level(Level::kInfo);
    GATEHOUSE_LOG_EVERY(capture.logger(), Level::kInfo, 1, std::chrono::hours(1), "m");
  }
  EXPECT_EQ(capture.lines().size(), 1U);
}

}  // namespace
}  // namespace gatehouse::log
