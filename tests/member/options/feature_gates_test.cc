#include "member/feature_gates.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::member {
namespace {

FeatureGates gates(std::string_view text) {
  FeatureGates result;
  EXPECT_TRUE(parse_feature_gates(text, &result).ok()) << text;
  return result;
}

TEST(FeatureGates, AreSetByName) {
  EXPECT_EQ(gates(""), FeatureGates());
  EXPECT_EQ(gates(",,"), FeatureGates());
  for (const FeatureGate& gate : feature_gate_table()) {
    for (const bool value : {true, false}) {
      FeatureGates expected;
      expected.*gate.field = value;
      EXPECT_EQ(gates(std::string(gate.name) + (value ? "=T" : "=0")), expected) << gate.name;
    }
  }
  EXPECT_TRUE(gates(" LeaseCheckpoint = true , InitialCorruptCheck=1").lease_checkpoint);
  EXPECT_FALSE(gates("LeaseCheckpoint=true,LeaseCheckpoint=false").lease_checkpoint);
}

TEST(FeatureGates, DefaultByTheirStage) {
  for (const FeatureGate& gate : feature_gate_table()) {
    EXPECT_EQ(FeatureGates().*gate.field, !gate.alpha) << gate.name;
    EXPECT_EQ(gates("AllAlpha=true,AllBeta=false").*gate.field, gate.alpha) << gate.name;
  }
}

TEST(FeatureGates, ANameBeatsItsGroupWhereverItStands) {
  EXPECT_FALSE(gates("LeaseCheckpoint=false,AllAlpha=true").lease_checkpoint);
  EXPECT_TRUE(gates("LeaseCheckpoint=false,AllAlpha=true").priority_request);
  EXPECT_TRUE(names_feature_gate("a=1, LeaseCheckpoint =x", "LeaseCheckpoint"));
  EXPECT_FALSE(names_feature_gate("AllAlpha=true", "LeaseCheckpoint"));
}

TEST(FeatureGates, AreAsTheyWereAfterAnError) {
  FeatureGates result;
  EXPECT_FALSE(parse_feature_gates("LeaseCheckpoint=true,Foo=true", &result).ok());
  EXPECT_EQ(result, FeatureGates());
}

}  // namespace
}  // namespace gatehouse::member
