#include "ctl/txn_language.h"

#include <gtest/gtest.h>

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

pb::Compare compare(std::string_view line) {
  pb::Compare parsed;
  const Exit exit = parse_compare(line, parsed);
  EXPECT_TRUE(exit.ok()) << exit.message;
  return parsed;
}

std::string refused(std::string_view line) {
  pb::Compare parsed;
  const Exit exit = parse_compare(line, parsed);
  EXPECT_EQ(exit.code, kExitInvalidInput) << line;
  return exit.message;
}

TEST(ParseCompare, Targets) {
  for (const char* name : {"ver", "version"}) {
    const pb::Compare parsed = compare(std::string(name) + R"(("k") = "5")");
    EXPECT_EQ(parsed.target(), pb::Compare::VERSION);
    EXPECT_EQ(parsed.version(), 5);
  }
  EXPECT_EQ(compare(R"(c("k") = "5")").create_revision(), 5);
  EXPECT_EQ(compare(R"(create("k") = "5")").create_revision(), 5);
  EXPECT_EQ(compare(R"(mod("k") = "-5")").mod_revision(), -5);
  EXPECT_EQ(compare(R"(val("k") = "a b")").value(), "a b");
  EXPECT_EQ(compare(R"(lease("k") = "1f")").lease(), 0x1f);
}

TEST(ParseCompare, Results) {
  EXPECT_EQ(compare(R"(m("k") = "1")").result(), pb::Compare::EQUAL);
  EXPECT_EQ(compare(R"(m("k") != "1")").result(), pb::Compare::NOT_EQUAL);
  EXPECT_EQ(compare(R"(m("k") > "1")").result(), pb::Compare::GREATER);
  EXPECT_EQ(compare(R"(m("k") < "1")").result(), pb::Compare::LESS);
}

TEST(ParseCompare, KeysTakeEscapes) {
  EXPECT_EQ(compare(R"(val("a\"b\x00") = "\n")").key(), std::string("a\"b\0", 4));
}

// The messages are etcdctl's, which scripts match.
TEST(ParseCompare, SaysWhatIsWrong) {
  EXPECT_EQ(refused("nonsense"), "malformed comparison: nonsense");
  EXPECT_EQ(refused(R"(bad("foo") = "1")"),
            R"(malformed comparison: bad("foo") = "1" (unknown target bad))");
  EXPECT_EQ(refused(R"(ver(foo) = "1")"),
            R"(malformed comparison: ver(foo) = "1"; got ver("")  "")");
  EXPECT_EQ(refused(R"(ver("foo") > "1)"),
            R"(malformed comparison: ver("foo") > "1; got ver("foo") > "")");
  EXPECT_EQ(refused(R"(val("x")="5")"), R"(malformed comparison: val("x")="5"; got val("x")  "")");
  EXPECT_EQ(refused(R"(ver("foo") = "x")"), R"(invalid txn compare request: ver("foo") = "x")");
  EXPECT_EQ(refused(R"(ver("foo") == "1")"),
            R"(malformed comparison: ver("foo") == "1" (unknown operation ==))");
}

TEST(ParseRequest, Operations) {
  pb::RequestOp op;
  ASSERT_TRUE(parse_request(R"(put "a key" 'v 1' --lease=1f --prev-kv)", op).ok());
  EXPECT_EQ(op.request_put().key(), "a key");
  EXPECT_EQ(op.request_put().value(), "v 1");
  EXPECT_EQ(op.request_put().lease(), 0x1f);
  EXPECT_TRUE(op.request_put().prev_kv());
  ASSERT_TRUE(parse_request("get a --prefix --limit 3 --order=descend", op).ok());
  EXPECT_EQ(op.request_range().range_end(), "b");
  EXPECT_EQ(op.request_range().limit(), 3);
  EXPECT_EQ(op.request_range().sort_order(), pb::RangeRequest::DESCEND);
  ASSERT_TRUE(parse_request("del a --from-key", op).ok());
  EXPECT_EQ(op.request_delete_range().range_end(), std::string(1, '\0'));
}

TEST(ParseRequest, SaysWhatIsWrong) {
  pb::RequestOp op;
  EXPECT_EQ(parse_request("frob a 1", op).message, "invalid txn request: frob a 1");
  EXPECT_EQ(parse_request("get", op).code, kExitInvalidInput);
  EXPECT_EQ(parse_request("get a --order=z", op).code, kExitBadFeature);
  EXPECT_EQ(parse_request("put a 1 --lease=zz", op).code, kExitBadArguments);
}

}  // namespace
}  // namespace gatehouse::ctl
