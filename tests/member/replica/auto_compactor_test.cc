#include "member/replica/auto_compactor.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "common/env/sim_executor.h"

namespace gatehouse::replica {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr uint64_t kMinuteMs = 60'000;

class AutoCompactorTest : public ::testing::Test {
 protected:
  void start(const AutoCompactor::Options& options) {
    AutoCompactor::Hooks hooks;
    hooks.revision = [this] { return revision_; };
    hooks.is_leader = [this] { return leader_; };
    hooks.compact = [this](int64_t revision, std::function<void(const Status&)> done) {
      compacted_.push_back({executor_.now_ms() - start_ms_, revision});
      done(answer_);
    };
    compactor_ = std::make_unique<AutoCompactor>(executor_, options, std::move(hooks),
                                                 log::Logger());
  }
  void start_periodic(milliseconds period) {
    start({.mode = AutoCompactor::Mode::kPeriodic, .period = period, .revisions = 0});
  }

  // The store gets one revision a minute: its revision says how many minutes passed.
  void let_pass(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      executor_.advance(kMinuteMs);
      ++revision_;
    }
  }

  struct Compaction {
    uint64_t at_ms;
    int64_t revision;
    bool operator==(const Compaction&) const = default;
  };
  friend void PrintTo(const Compaction& c, std::ostream* out) {
    *out << c.revision << " at " << c.at_ms;
  }

  env::SimExecutor executor_;
  const uint64_t start_ms_ = executor_.now_ms();
  int64_t revision_ = 0;
  bool leader_ = true;
  Status answer_;
  std::vector<Compaction> compacted_;
  std::unique_ptr<AutoCompactor> compactor_;
};

TEST_F(AutoCompactorTest, PeriodicBeginsAfterThePeriodAndKeepsIt) {
  revision_ = 1;
  start_periodic(minutes(10));
  let_pass(9);
  EXPECT_TRUE(compacted_.empty());
  let_pass(1);
  // Of ten minutes ago: the first sample.
  EXPECT_EQ(compacted_, (std::vector<Compaction>{{10 * kMinuteMs, 1}}));
  let_pass(10);
  ASSERT_EQ(compacted_.size(), 2U);
  EXPECT_EQ(compacted_[1].at_ms, 20 * kMinuteMs);
  EXPECT_EQ(compacted_[1].revision, 10) << "what there was at the tenth minute";
}

TEST_F(AutoCompactorTest, APeriodOfHoursIsKeptAndCompactsEveryHour) {
  revision_ = 1;
  start_periodic(hours(3));
  let_pass(3 * 60 - 1);
  EXPECT_TRUE(compacted_.empty());
  let_pass(61);
  ASSERT_EQ(compacted_.size(), 2U);
  EXPECT_EQ(compacted_[0], (Compaction{180 * kMinuteMs, 1}));
  EXPECT_EQ(compacted_[1].at_ms, 240 * kMinuteMs);
  EXPECT_NEAR(static_cast<double>(compacted_[1].revision), 60, 1) << "of three hours ago";
}

TEST_F(AutoCompactorTest, AFollowerSamplesAndDoesNotCompact) {
  revision_ = 1;
  leader_ = false;
  start_periodic(minutes(10));
  let_pass(30);
  EXPECT_TRUE(compacted_.empty());
  leader_ = true;
  let_pass(1);
  // It goes on where the old leader was: ten minutes before the thirty-first.
  ASSERT_EQ(compacted_.size(), 1U);
  EXPECT_EQ(compacted_[0].at_ms, 31 * kMinuteMs);
  EXPECT_NEAR(static_cast<double>(compacted_[0].revision), 21, 1);
}

TEST_F(AutoCompactorTest, AFailedCompactionIsTriedAgainAtTheNextSample) {
  revision_ = 1;
  answer_ = unavailable("etcdserver: request timed out");
  start_periodic(minutes(10));
  let_pass(11);
  ASSERT_EQ(compacted_.size(), 2U);
  answer_ = Status();
  let_pass(1);
  ASSERT_EQ(compacted_.size(), 3U);
  let_pass(9);
  EXPECT_EQ(compacted_.size(), 3U) << "done, and the next is due ten minutes later";
}

TEST_F(AutoCompactorTest, ThatAnotherOneWasQuickerIsAsGood) {
  revision_ = 1;
  answer_ = Status(StatusCode::kOutOfRange, "etcdserver: mvcc: required revision has been compacted");
  start_periodic(minutes(10));
  let_pass(19);
  EXPECT_EQ(compacted_.size(), 1U);
}

TEST_F(AutoCompactorTest, RevisionModeKeepsSoManyEveryFiveMinutes) {
  start({.mode = AutoCompactor::Mode::kRevision, .period = milliseconds(0), .revisions = 100});
  revision_ = 100;
  executor_.advance(5 * kMinuteMs);
  EXPECT_TRUE(compacted_.empty()) << "there is nothing beyond what is kept";
  revision_ = 150;
  executor_.advance(5 * kMinuteMs - 1);
  EXPECT_TRUE(compacted_.empty());
  executor_.advance(1);
  EXPECT_EQ(compacted_, (std::vector<Compaction>{{10 * kMinuteMs, 50}}));
  executor_.advance(10 * kMinuteMs);
  EXPECT_EQ(compacted_.size(), 1U) << "nothing was written since";
  revision_ = 151;
  executor_.advance(5 * kMinuteMs);
  EXPECT_EQ(compacted_.back(), (Compaction{25 * kMinuteMs, 51}));
}

}  // namespace
}  // namespace gatehouse::replica
