#include "member/schema/member_json.h"

#include <gtest/gtest.h>

#include "proto/raft.pb.h"

namespace gatehouse::schema {
namespace {

const Member kCaptured = {.id = 18222915235768097354u,
                          .peer_urls = {"http://127.0.0.1:22380"},
                          .name = "m1",
                          .client_urls = {"http://127.0.0.1:22379"}};

TEST(MemberJson, IsTheRowThatEtcdWrites) {
  EXPECT_EQ(member_json(kCaptured),
            R"({"id":18222915235768097354,"peerURLs":["http://127.0.0.1:22380"],"name":"m1",)"
            R"("clientURLs":["http://127.0.0.1:22379"]})");
  EXPECT_EQ(id_text(kCaptured.id), "fce4ccdb9802da4a");
  EXPECT_EQ(id_text(0xa), "a");
}

TEST(MemberJson, LeavesOutWhatIsEmptyButThePeerUrls) {
  EXPECT_EQ(member_json({.id = 1}), R"({"id":1,"peerURLs":null})");
  EXPECT_EQ(member_json({.id = 1, .peer_urls = {"http://a:1", "http://b:2"}, .is_learner = true}),
            R"({"id":1,"peerURLs":["http://a:1","http://b:2"],"isLearner":true})");
  EXPECT_EQ(promotion_json(7), R"({"id":7,"peerURLs":null,"isPromote":true})");
  EXPECT_EQ(attributes_json({}), "{}");
  EXPECT_EQ(attributes_json({.name = "n"}), R"({"name":"n"})");
  EXPECT_EQ(attributes_json({.client_urls = {"http://c:3"}}), R"({"clientURLs":["http://c:3"]})");
  EXPECT_EQ(raft_attributes_json({.peer_urls = {"http://a:1"}, .is_learner = true}),
            R"({"peerURLs":["http://a:1"],"isLearner":true})");
}

TEST(MemberJson, EscapesAsGoDoes) {
  std::string out;
  append_json_string(out, std::string_view("\0\x1f\"\\/<>&\n\r\t\b\f\x7f\u00e9\u2028\u2029\xff\xc3", 24));
  EXPECT_EQ(out,
            "\"\\u0000\\u001f\\\"\\\\/\\u003c\\u003e\\u0026\\n\\r\\t\\b\\f\x7f\u00e9\\u2028\\u2029"
            "\\ufffd\\ufffd\"");
}

TEST(MemberJson, ReadsWhatItWrites) {
  Member odd = kCaptured;
  odd.name = "<\"\\\n\u2028\U0001F600&>";
  odd.is_learner = true;
  for (const Member& member : {kCaptured, odd, Member{.id = UINT64_MAX}}) {
    const Result<ParsedMember> parsed = parse_member(member_json(member));
    ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
    EXPECT_EQ(parsed.value().member, member);
    EXPECT_FALSE(parsed.value().is_promote);
  }
  EXPECT_TRUE(parse_member(promotion_json(7))->is_promote);
}

TEST(MemberJson, ReadsAsGoDoes) {
  const Result<ParsedMember> parsed = parse_member(
      " { \"ID\" : 3 , \"unknown\":{\"a\":[1,null,\"x\"]}, \"PEERurls\":[\"http:\\/\\/a:1\",null],"
      "\"name\":\"first\",\"name\":\"second\",\"clientURLs\":null,\"isLearner\":null} \n");
  ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
  EXPECT_EQ(parsed.value().member,
            (Member{.id = 3, .peer_urls = {"http://a:1", ""}, .name = "second"}));
  EXPECT_EQ(parse_member("{\"name\":\"\xff\"}")->member.name, "\uFFFD");
}

TEST(MemberJson, RefusesWhatIsNoMember) {
  for (const char* text :
       {"", "null", "[]", "{", "{}{}", "{\"id\":-1}", "{\"id\":1.5}", "{\"id\":1e3}",
        "{\"id\":\"1\"}", "{\"id\":18446744073709551616}", "{\"peerURLs\":\"x\"}",
        "{\"peerURLs\":[1]}", "{\"isLearner\":1}", "{\"name\":{}}", "{\"name\":\"a}", "{'id':1}",
        "{\"id\":1,}", "{\"x\":[1}"}) {
    const Result<ParsedMember> parsed = parse_member(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_TRUE(parsed.status().message().starts_with("member: ")) << parsed.status().message();
  }
  EXPECT_FALSE(parse_member("{\"x\":" + std::string(100'000, '[')).ok());
}

TEST(MemberJson, ListOfMembers) {
  Member voter;
  voter.id = 18222915235768097354u;
  voter.peer_urls = {"http://127.0.0.1:2380"};
  voter.name = "m1";
  Member learner;
  learner.id = 7;
  learner.peer_urls = {"http://127.0.0.1:2480"};
  learner.is_learner = true;
  const std::string both =
      std::string("[").append(member_json(voter)).append(", ").append(member_json(learner));
  EXPECT_EQ(parse_members(both + "]\n").value(), (std::vector<Member>{voter, learner}));
  EXPECT_TRUE(parse_members("[]")->empty());
  for (const std::string& text : {std::string(), std::string("{}"), both, both + ",]", both + "][",
                                  std::string("[3]"), std::string("[{\"id\":-1}]")}) {
    EXPECT_EQ(parse_members(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(MemberJson, OtherRows) {
  EXPECT_EQ(downgrade_json({true, "3.6.0"}), R"({"target-version":"3.6.0","enabled":true})");
  EXPECT_EQ(downgrade_json({}), R"({"target-version":"","enabled":false})");
  EXPECT_EQ(parse_downgrade(downgrade_json({true, "3.6.0"})).value(), (Downgrade{true, "3.6.0"}));
  EXPECT_FALSE(parse_downgrade("{\"enabled\":3}").ok());

  raftpb::ConfState state;
  EXPECT_EQ(conf_state_json(state), R"({"auto_leave":false})");
  state.add_voters(1);
  state.add_voters(18222915235768097354u);
  state.add_learners(3);
  state.add_voters_outgoing(4);
  state.add_learners_next(5);
  state.set_auto_leave(true);
  EXPECT_EQ(conf_state_json(state),
            R"({"voters":[1,18222915235768097354],"learners":[3],"voters_outgoing":[4],)"
            R"("learners_next":[5],"auto_leave":true})");
}

TEST(MemberJson, Ids) {
  EXPECT_EQ(parse_id("fce4ccdb9802da4a"), 0xfce4ccdb9802da4a);
  EXPECT_EQ(parse_id("FF"), 255u);
  for (const char* text : {"", "-1", "0x1", "g", "1 ", "10000000000000000"}) {
    EXPECT_FALSE(parse_id(text)) << text;
  }
}

}  // namespace
}  // namespace gatehouse::schema
