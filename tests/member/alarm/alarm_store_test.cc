#include "member/alarm/alarm_store.h"

#include <gmock/gmock.h>

#include "common/env/entropy.h"
#include "common/env/sim_file_system.h"

namespace gatehouse::alarm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AlarmStoreTest : public testing::Test {
 protected:
  AlarmStoreTest() { open(); }

  void open() {
    backend::Options options;
    options.batch_interval = std::chrono::hours(1);
    options.initial_map_bytes = 1 << 20;
    backend_.reset();
    backend_ = std::move(*backend::Backend::open(disk_, "db", options));
  }
  bool activate(const Alarm& alarm) {
    const bool done = store_.activate(backend_->writer(), alarm);
    backend_->writer().end();
    return done;
  }
  bool deactivate(const Alarm& alarm) {
    const bool done = store_.deactivate(backend_->writer(), alarm);
    backend_->writer().end();
    return done;
  }
  std::vector<std::string> rows() const {
    std::vector<std::string> keys;
    backend_->read()->scan(backend::Bucket::kAlarm, {}, {},
                           [&keys](std::string_view key, std::string_view value) {
                             EXPECT_EQ(value, "");
                             keys.emplace_back(key);
                             return true;
                           });
    return keys;
  }

  env::SimFileSystem disk_{64 << 20};
  std::unique_ptr<backend::Backend> backend_;
  AlarmStore store_;
};

TEST_F(AlarmStoreTest, KeepsAlarmsByMemberAndType) {
  EXPECT_FALSE(store_.any(kNoSpace));
  EXPECT_TRUE(activate({2, kNoSpace}));
  EXPECT_TRUE(activate({1, kNoSpace}));
  EXPECT_FALSE(activate({1, kNoSpace})) << "was on";
  EXPECT_TRUE(activate({1, kCorrupt}));
  EXPECT_TRUE(store_.any(kNoSpace) && store_.any(kCorrupt));
  EXPECT_THAT(store_.list(), ElementsAre(Alarm{1, kNoSpace}, Alarm{1, kCorrupt}, Alarm{2, kNoSpace}));
  EXPECT_THAT(store_.list(kNoSpace), ElementsAre(Alarm{1, kNoSpace}, Alarm{2, kNoSpace}));
  EXPECT_THAT(store_.list(kNone, 1), ElementsAre(Alarm{1, kNoSpace}, Alarm{1, kCorrupt}));
  EXPECT_THAT(store_.list(kCorrupt, 2), IsEmpty());
  EXPECT_TRUE(deactivate({1, kNoSpace}));
  EXPECT_TRUE(store_.any(kNoSpace)) << "member 2 has it";
  EXPECT_TRUE(deactivate({2, kNoSpace}));
  EXPECT_FALSE(deactivate({2, kNoSpace})) << "was off";
  EXPECT_FALSE(store_.any(kNoSpace));
  EXPECT_TRUE(store_.any(kCorrupt));
}

TEST_F(AlarmStoreTest, WritesTheRowsThatEtcdWrites) {
  ASSERT_TRUE(activate({0xfce4ccdb9802da4a, kNoSpace}));
  EXPECT_THAT(rows(), ElementsAre("\x08\xca\xb4\x8b\xc0\xb9\x9b\xb3\xf2\xfc\x01\x10\x01"));
  ASSERT_TRUE(deactivate({0xfce4ccdb9802da4a, kNoSpace}));
  EXPECT_THAT(rows(), IsEmpty());
}

TEST_F(AlarmStoreTest, ComesBackFromItsRows) {
  const std::vector<Alarm> alarms = {{1, kNone}, {7, kNoSpace}, {7, kCorrupt}, {8, 40}, {9, -1}};
  for (const Alarm& alarm : alarms) ASSERT_TRUE(activate(alarm));
  const std::vector<Alarm> before = store_.list();
  ASSERT_TRUE(backend_->commit().ok());
  open();
  AlarmStore again;
  ASSERT_TRUE(again.restore(*backend_->read()).ok());
  EXPECT_EQ(again.list(), before);
  EXPECT_EQ(before.size(), alarms.size());
  EXPECT_TRUE(again.any(kNoSpace) && again.any(40) && again.any(-1));
  EXPECT_FALSE(again.any(3) || again.any(41));
}

TEST_F(AlarmStoreTest, TheAlarmThatNoRowCanHoldIsNeverOn) {
  EXPECT_FALSE(activate({0, kNone}));
  EXPECT_FALSE(deactivate({0, kNone}));
  EXPECT_THAT(store_.list(), IsEmpty());
}

TEST_F(AlarmStoreTest, RefusesRowsThatAreNoAlarms) {
  for (const char* key : {"x", "\x08", "\x08\x01\x10", "\x10\x01\x08\x01", "\x08\x01\x08\x01"}) {
    backend_->writer().put(backend::Bucket::kAlarm, key, "");
    backend_->writer().end();
    EXPECT_EQ(store_.restore(*backend_->read()).code(), StatusCode::kDataLoss) << key;
    backend_->writer().remove(backend::Bucket::kAlarm, key);
    backend_->writer().end();
  }
  EXPECT_TRUE(store_.restore(*backend_->read()).ok());
}

}  // namespace
}  // namespace gatehouse::alarm
