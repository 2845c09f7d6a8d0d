#include "member/corruption_check.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "common/env/sim_executor.h"

namespace gatehouse::member {
namespace {

using Answers = std::vector<Result<mvcc::HashResult>>;

mvcc::HashResult hash(uint32_t value, int64_t compacted = -1, int64_t revision = 5) {
  return {value, compacted, revision};
}

class CorruptionCheckTest : public ::testing::Test {
 protected:
  Result<mvcc::HashResult> next(int64_t revision) {
    asked_.push_back(revision);
    return answers_.at(asked_.size() - 1);
  }
  void start() {
    CorruptionCheck::Hooks hooks;
    hooks.hash = [this](int64_t revision) { return next(revision); };
    hooks.run_aside = [this](std::function<void()> work, std::function<void()> then) {
      work();
      then_ = std::move(then);
    };
    hooks.is_leader = [this] { return leader_; };
    hooks.raise_corrupt = [this] { ++raised_; };
    check_ = std::make_unique<CorruptionCheck>(executor_, 1000, std::move(hooks), log::Logger());
  }
  void finish() { std::exchange(then_, nullptr)(); }

  env::SimExecutor executor_;
  Answers answers_;
  std::vector<int64_t> asked_;
  std::function<void()> then_;
  bool leader_ = true;
  int raised_ = 0;
  std::unique_ptr<CorruptionCheck> check_;
};

TEST_F(CorruptionCheckTest, AtStartTheStateIsReadTwiceAtOneRevision) {
  const auto at_start = [this](Answers answers) {
    answers_ = std::move(answers);
    asked_.clear();
    return CorruptionCheck::at_start([this](int64_t revision) { return next(revision); },
                                     log::Logger());
  };
  EXPECT_TRUE(at_start({hash(7), hash(7)}).ok());
  EXPECT_EQ(asked_, (std::vector<int64_t>{0, 5}));
  EXPECT_EQ(at_start({hash(7), hash(8)}).code(), StatusCode::kDataLoss);
  EXPECT_TRUE(at_start({hash(7, 1), hash(8, 2)}).ok()) << "a compaction came in between";
  EXPECT_TRUE(at_start({hash(7), mvcc::compacted_error()}).ok());
  EXPECT_EQ(at_start({internal_error("no")}).code(), StatusCode::kInternal);
}

TEST_F(CorruptionCheckTest, ALeaderChecksEveryIntervalAndOneAtATime) {
  answers_ = {hash(7), hash(7), hash(7), hash(8)};
  leader_ = false;
  start();
  executor_.advance(1000);
  EXPECT_TRUE(asked_.empty());
  leader_ = true;
  executor_.advance(1000);
  EXPECT_EQ(asked_.size(), 2U);
  executor_.advance(5000);
  EXPECT_EQ(asked_.size(), 2U) << "the first is under way";
  finish();
  EXPECT_EQ(raised_, 0);
  executor_.advance(1000);
  EXPECT_EQ(asked_.size(), 4U);
  finish();
  EXPECT_EQ(raised_, 1);
}

TEST_F(CorruptionCheckTest, MayEndWhileOneIsUnderWay) {
  answers_ = {hash(7), hash(8)};
  start();
  executor_.advance(1000);
  check_.reset();
  finish();
  EXPECT_EQ(raised_, 0);
}

}  // namespace
}  // namespace gatehouse::member
