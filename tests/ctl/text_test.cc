// Text as Go and its libraries write it.
#include <gtest/gtest.h>

#include "ctl/go_text.h"
#include "ctl/json.h"
#include "ctl/kv.h"
#include "ctl/output.h"
#include "ctl/progress.h"
#include "ctl/statistics.h"

namespace gatehouse::ctl {
namespace {

TEST(GoQuote, EscapesWhatIsNotPrintable) {
  EXPECT_EQ(go_quote("plain text"), R"("plain text")");
  EXPECT_EQ(go_quote("a\"b\\c\n\t\a"), R"("a\"b\\c\n\t\a")");
  EXPECT_EQ(go_quote(std::string("\0\x7f", 2)), R"("\x00\x7f")");
  EXPECT_EQ(go_quote("\xff\xc3"), R"("\xff\xc3")");
  EXPECT_EQ(go_quote("\xd0\xba\xe2\x98\x83"), "\"\xd0\xba\xe2\x98\x83\"");
  EXPECT_EQ(go_quote("\xc2\xa0"), R"("\u00a0")");
}

TEST(GoUnquote, UndoesGoQuote) {
  for (const std::string& text : {std::string("a\"b\\\n\x01"), std::string("\xff\xfe\0", 3),
                                  std::string("\xd0\xba"), std::string()}) {
    const std::string quoted = go_quote(text);
    size_t end = 0;
    EXPECT_EQ(go_unquote(std::string_view(quoted).substr(1), end), text);
    EXPECT_EQ(end, quoted.size() - 1);
  }
}

TEST(HexEscapes, EveryByte) {
  EXPECT_EQ(hex_escapes(std::string("f\0\xff", 3)), R"(\x66\x00\xff)");
  EXPECT_EQ(hex_escapes(""), "");
}

TEST(JsonQuote, AsEncodingJson) {
  EXPECT_EQ(json_quote("<a & \"b\">"), R"("\u003ca \u0026 \"b\"\u003e")");
  EXPECT_EQ(json_quote("\x01\n\xff"), "\"\\u0001\\n\\ufffd\"");
}

TEST(HumanizeBytes, PowersOfTen) {
  EXPECT_EQ(humanize_bytes(0), "0 B");
  EXPECT_EQ(humanize_bytes(999), "999 B");
  EXPECT_EQ(humanize_bytes(20480), "20 kB");
  EXPECT_EQ(humanize_bytes(24576), "25 kB");
  EXPECT_EQ(humanize_bytes(2147483648), "2.1 GB");
  EXPECT_EQ(humanize_bytes(6'200'000), "6.2 MB");
}

TEST(Hex, Widths) {
  EXPECT_EQ(hex(0x45), "45");
  EXPECT_EQ(hex16(0x45), "0000000000000045");
  EXPECT_EQ(hex_padded(0x45), "              45");
}

TEST(Json, NamesNumbersAndBytes) {
  etcdserverpb::RangeResponse response;
  response.mutable_header()->set_cluster_id(UINT64_MAX);
  response.mutable_header()->set_revision(-1);
  mvccpb::KeyValue& pair = *response.add_kvs();
  pair.set_key("foo");
  pair.set_lease(7);
  response.set_more(true);
  EXPECT_EQ(to_json(response), R"({"header":{"cluster_id":18446744073709551615,"revision":-1},)"
                               R"("kvs":[{"key":"Zm9v","lease":7}],"more":true})");
}

TEST(Json, OneofsHaveAWrapper) {
  etcdserverpb::TxnResponse response;
  response.add_responses()->mutable_response_put()->mutable_header()->set_revision(3);
  EXPECT_EQ(to_json(response),
            R"({"responses":[{"Response":{"response_put":{"header":{"revision":3}}}}]})");
}

TEST(Json, HexIds) {
  etcdserverpb::MemberListResponse response;
  response.mutable_header()->set_cluster_id(0xabc);
  response.mutable_header()->set_raft_term(12);
  response.add_members()->set_id(0xff);
  EXPECT_EQ(to_json(response, true),
            R"({"header":{"cluster_id":"abc","raft_term":12},"members":[{"ID":"ff"}]})");
}

TEST(Json, MembersOfAnotherObject) {
  EXPECT_EQ(JsonObject().members_of("{}").number("a", 1).members_of(R"({"b":2})").finish(),
            R"({"a":1,"b":2})");
}

TEST(DrawTable, HeadersCentredCellsToTheRight) {
  EXPECT_EQ(draw_table({"ID", "Is Learner"}, {{"80a6", "false"}, {"1", ""}}),
            "┌──────┬────────────┐\n"
            "│  ID  │ IS LEARNER │\n"
            "├──────┼────────────┤\n"
            "│ 80a6 │      false │\n"
            "│    1 │            │\n"
            "└──────┴────────────┘\n");
}

TEST(PrefixEnd, Carries) {
  EXPECT_EQ(prefix_end("a"), "b");
  EXPECT_EQ(prefix_end("a\xff"), "b");
  EXPECT_EQ(prefix_end("\xff\xff"), std::string(1, '\0'));
  EXPECT_EQ(prefix_end(""), std::string(1, '\0'));
}

TEST(BarText, ShowsShareAndTime) {
  EXPECT_EQ(bar_text("copying", 15, 30, "keys", std::chrono::seconds(2)),
            "copying  [###############               ]  50%  15 / 30 keys  2 s");
  EXPECT_EQ(bar_text("waiting", 0, 0, "", std::chrono::seconds(2)), "waiting  2 s");
}

TEST(Statistics, NearestRank) {
  Statistics times;
  for (int i = 100; i >= 1; --i) times.add(std::chrono::seconds(i));
  EXPECT_EQ(times.percentile(50), 50);
  EXPECT_EQ(times.percentile(99), 99);
  EXPECT_EQ(times.percentile(99.9), 100);
  EXPECT_EQ(times.slowest(), 100);
  EXPECT_EQ(times.average(), 50.5);
  EXPECT_NEAR(times.deviation(), 28.866, 0.001);
  EXPECT_EQ(Statistics().percentile(99), 0);
}

}  // namespace
}  // namespace gatehouse::ctl
