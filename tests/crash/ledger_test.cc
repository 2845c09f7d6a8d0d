#include "tests/crash/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::crash {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Write put(int64_t revision, std::string key, std::string value) {
  return {{{std::move(key), std::move(value), false}}, revision};
}
Write remove(int64_t revision, std::string key) { return {{{std::move(key), "", true}}, revision}; }
Event event(int64_t revision, const Write& write) { return {revision, write.changes}; }

TEST(Ledger, AcceptsWhatWasAcknowledged) {
  Ledger ledger;
  ledger.add({put(2, "a", "1"), put(4, "a", "2")});
  ledger.add({put(3, "b", "1"), remove(5, "b")});
  EXPECT_THAT(ledger.check({event(2, put(2, "a", "1")), event(3, put(3, "b", "1")),
                            event(4, put(4, "a", "2")), event(5, remove(5, "b"))},
                           {{"a", {"2", 4, 2}}}, 5),
              IsEmpty());
  EXPECT_EQ(ledger.checked_revision(), 5);
}

TEST(Ledger, SeesALostWrite) {
  Ledger ledger;
  ledger.add({put(2, "a", "1"), put(3, "a", "2")});
  EXPECT_THAT(ledger.check({event(2, put(2, "a", "1"))}, {{"a", {"1", 2, 1}}}, 2),
              HasSubstr("1 acknowledged writes are lost"));
}

TEST(Ledger, SeesAnotherRevisionOrValue) {
  Ledger ledger;
  ledger.add({put(3, "a", "1")});
  EXPECT_THAT(ledger.check({event(2, put(2, "a", "1"))}, {{"a", {"1", 2, 1}}}, 2),
              HasSubstr("nobody wrote"));
  Ledger other;
  other.add({put(2, "a", "1")});
  EXPECT_THAT(other.check({event(2, put(2, "a", "x"))}, {{"a", {"x", 2, 1}}}, 2),
              HasSubstr("acknowledged was"));
}

TEST(Ledger, AnUnansweredWriteMayBeThereOnceOrNot) {
  Ledger with;
  with.add({put(2, "a", "1"), put(0, "a", "2")});
  EXPECT_THAT(
      with.check({event(2, put(2, "a", "1")), event(3, put(0, "a", "2"))}, {{"a", {"2", 3, 2}}}, 3),
      IsEmpty());
  Ledger without;
  without.add({put(2, "a", "1"), put(0, "a", "2")});
  EXPECT_THAT(without.check({event(2, put(2, "a", "1"))}, {{"a", {"1", 2, 1}}}, 2), IsEmpty());
  // What was not there after the crash does not come later.
  EXPECT_THAT(without.check({event(3, put(0, "a", "2"))}, {{"a", {"2", 3, 2}}}, 3),
              HasSubstr("nobody wrote"));
  Ledger twice;
  twice.add({put(0, "a", "2")});
  EXPECT_THAT(twice.check({event(2, put(0, "a", "2")), event(3, put(0, "a", "2"))},
                          {{"a", {"2", 3, 2}}}, 3),
              HasSubstr("nobody wrote"));
}

TEST(Ledger, SeesGapsAndAStateThatIsNotItsHistory) {
  Ledger gap;
  gap.add({put(0, "a", "1")});
  EXPECT_THAT(gap.check({event(3, put(0, "a", "1"))}, {{"a", {"1", 3, 1}}}, 3),
              HasSubstr("comes 3"));
  Ledger stale;
  stale.add({put(2, "a", "1")});
  EXPECT_THAT(stale.check({event(2, put(2, "a", "1"))}, {}, 2), HasSubstr("missing"));
  Ledger version;
  version.add({put(2, "a", "1")});
  EXPECT_THAT(version.check({event(2, put(2, "a", "1"))}, {{"a", {"1", 2, 7}}}, 2),
              HasSubstr("version 7"));
  Ledger behind;
  behind.add({put(2, "a", "1")});
  EXPECT_THAT(behind.check({event(2, put(2, "a", "1"))}, {{"a", {"1", 2, 1}}}, 9),
              HasSubstr("at revision 9"));
}

}  // namespace
}  // namespace gatehouse::crash
