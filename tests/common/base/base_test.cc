#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/status.h"
#include "common/base/unique_function.h"

namespace gatehouse {
namespace {

TEST(Status, NamesMatchGoAndPrometheus) {
  EXPECT_EQ(status_code_name(StatusCode::kOk), "OK");
  EXPECT_EQ(status_code_name(StatusCode::kCanceled), "Canceled");
  EXPECT_EQ(status_code_name(StatusCode::kUnauthenticated), "Unauthenticated");
}

TEST(Status, NumbersOfPeersOutsideTheEnumAreUnknown) {
  EXPECT_EQ(status_code_from_int(14), StatusCode::kUnavailable);
  EXPECT_EQ(status_code_from_int(17), StatusCode::kUnknown);
  EXPECT_EQ(status_code_from_int(-1), StatusCode::kUnknown);
}

TEST(Status, ContextPrefixesErrorsAndLeavesOkAlone) {
  EXPECT_EQ(not_found("no such file").with_context("a.yaml").to_string(),
            "NotFound: a.yaml: no such file");
  EXPECT_TRUE(Status().with_context("a.yaml").ok());
}

Result<int> half(int number) {
  if (number % 2 != 0) return invalid_argument("odd");
  return number / 2;
}

TEST(Result, CarriesAValueOrTheReason) {
  EXPECT_EQ(*half(8), 4);
  EXPECT_EQ(half(7).status(), invalid_argument("odd"));
}

TEST(ResultDeathTest, ValueOfAnErrorEndsTheProcessWithItsMessage) {
  EXPECT_DEATH((void)half(7).value(), "odd");
}

TEST(UniqueFunction, OwnsMoveOnlyCapturesSmallAndLarge) {
  auto small = std::make_unique<int>(7);
  UniqueFunction<int()> f = [small = std::move(small)] { return *small; };
  UniqueFunction<int()> g = std::move(f);
  EXPECT_FALSE(f);
  EXPECT_EQ(g(), 7);

  std::array<long, 16> large{};
  large[15] = 9;
  UniqueFunction<long()> h = [large] { return large[15]; };
  UniqueFunction<long()> i;
  i = std::move(h);
  EXPECT_EQ(i(), 9);
}

TEST(UniqueFunction, DestroysItsCaptureOnce) {
  auto counter = std::make_shared<int>(0);
  {
    UniqueFunction<void()> f = [counter] {};
    UniqueFunction<void()> g = std::move(f);
    g = nullptr;
    EXPECT_EQ(counter.use_count(), 1);
  }
  EXPECT_EQ(counter.use_count(), 1);
}

}  // namespace
}  // namespace gatehouse
