#include "member/membership/v2.h"

#include <gtest/gtest.h>

namespace gatehouse::membership {
namespace {

Members example() {
  Members members;
  members.by_id.emplace(0xfce4ccdb9802da4a, Member{.id = 0xfce4ccdb9802da4a,
                                                   .peer_urls = {"http://127.0.0.1:22380"},
                                                   .name = "m1",
                                                   .client_urls = {"http://127.0.0.1:22379"}});
  members.by_id.emplace(
      0xab, Member{.id = 0xab, .peer_urls = {"http://a:1", "http://b:1"}, .is_learner = true});
  members.removed = {1, 0xcd};
  members.version = "3.4.0";
  return members;
}

TEST(V2Snapshot, IsTheSmallestTreeThatOldMembersAccept) {
  Members members;
  members.by_id.emplace(0xab, Member{.id = 0xab, .peer_urls = {"http://a:1"}, .name = "m"});
  members.removed = {0xcd};
  members.version = "3.6.0";
  EXPECT_EQ(v2_snapshot(members, 42),
            R"({"Root":{"Path":"/","Children":{"0":{"Path":"/0","Children":{)"
            R"("members":{"Path":"/0/members","Children":{"ab":{"Path":"/0/members/ab","Children":{)"
            R"("attributes":{"Path":"/0/members/ab/attributes","Value":"{\"name\":\"m\"}"},)"
            R"("raftAttributes":{"Path":"/0/members/ab/raftAttributes",)"
            R"("Value":"{\"peerURLs\":[\"http://a:1\"]}"}}}}},)"
            R"("removed_members":{"Path":"/0/removed_members","Children":{)"
            R"("cd":{"Path":"/0/removed_members/cd","Value":""}}},)"
            R"("version":{"Path":"/0/version","Value":"3.6.0"}}},)"
            R"("1":{"Path":"/1","Children":{}}}},"CurrentIndex":42,"CurrentVersion":2})");
}

TEST(V2Snapshot, ReadsWhatItWrites) {
  for (const Members& members : {example(), Members()}) {
    const Result<Members> again = parse_v2_snapshot(v2_snapshot(members, 7));
    ASSERT_TRUE(again.ok()) << again.status().to_string();
    EXPECT_EQ(again.value(), members);
  }
}

// The shape that 3.4 and 3.5 dump: more fields, users' keys, the watchers' history.
TEST(V2Snapshot, ReadsADumpOfTheLiveStore) {
  const Result<Members> members = parse_v2_snapshot(
      R"({"Root":{"Path":"/","CreatedIndex":0,"ModifiedIndex":0,"ExpireTime":"0001-01-01T00:00:00Z",
      "Value":"","Children":{"1":{"Path":"/1","Value":"","Children":{"0":{"Path":"/1/0","Value":"x",
      "Children":null}}},"0":{"Path":"/0","Value":"","Children":{
      "version":{"Path":"/0/version","CreatedIndex":3,"Value":"3.4.0","Children":null},
      "members":{"Path":"/0/members","Children":{"ab":{"Path":"/0/members/ab","Children":{
      "attributes":{"Value":"{\"name\":\"m\",\"clientURLs\":[\"http:\/\/c:1\"]}","Children":null},
      "raftAttributes":{"Value":"{\"peerURLs\":[\"http://a:1\"]}","Children":null}}}}}}}}},
      "WatcherHub":{"EventHistory":{"Queue":{"Events":[null,{"action":"create"}],"Size":1}}},
      "CurrentIndex":5,"Stats":{},"CurrentVersion":2})");
  ASSERT_TRUE(members.ok()) << members.status().to_string();
  ASSERT_NE(members.value().find(0xab), nullptr);
  EXPECT_EQ(*members.value().find(0xab),
            (Member{.id = 0xab,
                    .peer_urls = {"http://a:1"},
                    .name = "m",
                    .client_urls = {"http://c:1"}}));
  EXPECT_EQ(members.value().version, "3.4.0");
}

TEST(V2Snapshot, RefusesATreeInWhichAMemberWouldBeMissing) {
  const auto tree = [](const std::string& children) {
    return "{\"Root\":{\"Children\":{\"0\":{\"Children\":{" + children + "}}}}}";
  };
  const std::pair<std::string, std::string> cases[] = {
      {"", "v2 store: "},
      {"{\"Root\":{}", "v2 store: "},
      {"{}x", "v2 store: "},
      {tree(R"("members":{"Children":{"ab":{"Children":{}},"cd":{"Children":{"attributes":)"
            R"({"Value":"{}"}}}}})"),
       "v2 store: member cd has no peer URLs"},
      {tree(R"("members":{"Children":{"ab":{"Children":{"raftAttributes":{"Value":"{"}}}}})"),
       "v2 store: /0/members/ab/raftAttributes: member: "},
      {tree(R"("members":{"Children":{"xy":{"Children":{"raftAttributes":{"Value":"{}"}}}}})"),
       "v2 store: /0/members/xy/raftAttributes: is no member's id"},
      {tree(R"("removed_members":{"Children":{"xy":{"Value":""}}})"),
       "v2 store: /0/removed_members/xy: is no member's id"},
      {tree(R"("version":{"Value":"three"})"), "v2 store: /0/version: is no version"},
  };
  for (const auto& [json, error] : cases) {
    const Result<Members> members = parse_v2_snapshot(json);
    ASSERT_FALSE(members.ok()) << json;
    EXPECT_TRUE(members.status().message().starts_with(error)) << members.status().message();
  }
}

TEST(V2Snapshot, BoundsItsDepth) {
  std::string json = "{\"Root\":";
  for (int i = 0; i < 100'000; ++i) json += "{\"Children\":{\"0\":";
  EXPECT_FALSE(parse_v2_snapshot(json).ok());
}

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

// Zero scalars that 3.4 writes behind the value.
const std::string kTail = bytes({0x28, 0, 0x32, 0, 0x38, 0, 0x48, 0, 0x50, 0, 0x58, 0, 0x60, 0, 0x68,
                                 0, 0x70, 0, 0x78, 0, 0x80, 1, 0});

std::string request(const std::string& method, const std::string& path, const std::string& value) {
  const auto field = [](char tag, const std::string& text) {
    return std::string(1, tag) + static_cast<char>(text.size()) + text;
  };
  return "\x08\x2a" + field(0x12, method) + field(0x1a, path) + field(0x22, value) + kTail;
}

TEST(V2Request, ReadsTheVersionEntryOfARunningMember) {
  const std::string captured =
      bytes({0x08, 0x84, 0xfe, 0x90, 0x97, 0x85, 0xbf, 0xa8, 0xa5, 0xda, 0x01, 0x12, 0x03}) + "PUT" +
      "\x1a\x0a/0/version\x22\x05"
      "3.4.0" +
      kTail;
  const std::optional<V2Put> put = parse_v2_request(captured);
  ASSERT_TRUE(put);
  EXPECT_EQ(put->kind, V2Put::Kind::kVersion);
  EXPECT_EQ(put->version, "3.4.0");
  EXPECT_EQ(put->request_id, 0xda4aa1f852e43f04);
}

TEST(V2Request, ReadsAPublish) {
  const std::optional<V2Put> put = parse_v2_request(
      request("PUT", "/0/members/ab/attributes", R"({"name":"m","clientURLs":["http://c:1"]})"));
  ASSERT_TRUE(put);
  EXPECT_EQ(put->kind, V2Put::Kind::kPublish);
  EXPECT_EQ(put->member, (Member{.id = 0xab, .name = "m", .client_urls = {"http://c:1"}}));
  EXPECT_EQ(put->request_id, 42u);
}

TEST(V2Request, LeavesTheRestAlone) {
  for (const std::string& data :
       {request("SYNC", "", ""), request("PUT", "/1/users/key", "v"), request("PUT", "/0/version", "x"),
        request("DELETE", "/0/version", "3.4.0"), request("PUT", "/0/members/attributes", "{}"),
        request("PUT", "/0/members/xy/attributes", "{}"),
        request("PUT", "/0/members/ab/attributes", "{"), request("QGET", "/0/version", "")}) {
    const std::optional<V2Put> put = parse_v2_request(data);
    ASSERT_TRUE(put);
    EXPECT_EQ(put->kind, V2Put::Kind::kOther);
  }
}

TEST(V2Request, IsNotAnInternalRaftRequest) {
  // put a=1, as captured.
  EXPECT_FALSE(parse_v2_request("\x22\x06\x0a\x01\x61\x12\x01\x31\xa2\x06\x0b\x08\x86\xfe\x90\x97\x85"
                                "\xbf\xa8\xa5\xda\x01"));
  EXPECT_FALSE(parse_v2_request(""));
  EXPECT_FALSE(parse_v2_request("\x12\x05PUT"));
  EXPECT_FALSE(parse_v2_request("\xff"));
}

}  // namespace
}  // namespace gatehouse::membership
