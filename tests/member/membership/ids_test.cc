// The numbers in these tests were captured from running members of etcd.
#include "member/membership/ids.h"

#include <gtest/gtest.h>

#include "member/membership/version.h"

namespace gatehouse::membership {
namespace {

TEST(Ids, OfAClusterOfOne) {
  EXPECT_EQ(member_id({"http://127.0.0.1:22380"}, "tok1"), 0xfce4ccdb9802da4a);
  EXPECT_EQ(cluster_id({0xfce4ccdb9802da4a}), 0xd0a9ed06df5d1f3e);
}

TEST(Ids, OfAClusterOfThree) {
  const std::vector<uint64_t> ids = {member_id({"http://127.0.0.1:22390"}, "tok2"),
                                     member_id({"http://127.0.0.1:22490"}, "tok2"),
                                     member_id({"http://127.0.0.1:22590"}, "tok2")};
  EXPECT_EQ(ids, (std::vector<uint64_t>{0x3db55aea2aac61ba, 0xb6f7d57197dcc9a5,
                                        0xe44645d23d911f39}));
  EXPECT_EQ(cluster_id(ids), 0xf6154626a831dc52);
  EXPECT_EQ(cluster_id({ids[2], ids[0], ids[1]}), 0xf6154626a831dc52);
}

TEST(Ids, OfAMemberAddedLater) {
  EXPECT_EQ(member_id({"http://127.0.0.1:22680"}, "", 1795168146), 0xd7d67ca5aa4df170);
}

TEST(Ids, DoNotDependOnTheOrderOfUrls) {
  EXPECT_EQ(member_id({"http://a:1", "http://b:2"}, "t"), member_id({"http://b:2", "http://a:1"}, "t"));
}

TEST(RequestIds, AreThoseOfEtcd) {
  // Of the milliseconds at which that member started, the low 40 bits count.
  RequestIds captured(0xfce4ccdb9802da4a, 0x1a1f852e43f);
  EXPECT_EQ(captured.next(), 0xda4aa1f852e43f01);
  EXPECT_EQ(captured.next(), 0xda4aa1f852e43f02);
  EXPECT_EQ(captured.next_lease(), 0x5a4aa1f852e43f03);
}

TEST(RequestIds, CarryIntoTheTimeButNotIntoTheMember) {
  RequestIds ids(1, 0xffffffffff);
  for (int i = 0; i < 255; ++i) ids.next();
  EXPECT_EQ(ids.next(), 0x0001000000000000);
  EXPECT_EQ(ids.next(), 0x0001000000000001);
}

TEST(Version, IsThreeNumbers) {
  for (const char* text : {"3.7.0", "0.0.0", "10.20.30", "3.8.0-alpha.0", "3.4.23+git"}) {
    EXPECT_TRUE(is_version(text)) << text;
  }
  for (const char* text : {"", "3", "3.7", "3.7.", "3.7.x", "3.07.0", "-3.7.0", "3.-7.0", "3.7.0x",
                           "v3.7.0", "3.7.0.0", " 3.7.0", "99999999999999999999.0.0"}) {
    EXPECT_FALSE(is_version(text)) << text;
  }
}

}  // namespace
}  // namespace gatehouse::membership
