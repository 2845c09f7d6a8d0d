// http.md section 8, the input table, row by row. Where etcd 3.4 is quoted, it was asked the same.
#include <gtest/gtest.h>

#include "proto/rpc.pb.h"
#include "tests/common/transcode/transcode_testing.h"

namespace gatehouse::transcode {
namespace {

using etcdserverpb::AuthRoleGrantPermissionRequest;
using etcdserverpb::Compare;
using etcdserverpb::HashKVResponse;
using etcdserverpb::LeaseGrantRequest;
using etcdserverpb::MemberAddRequest;
using etcdserverpb::RangeRequest;
using etcdserverpb::StatusResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::WatchCreateRequest;

constexpr StatusCode kBad = StatusCode::kInvalidArgument;

std::string range(std::string_view json) { return read<RangeRequest>(json); }

TEST(JsonInput, ProtoNameAndLowerCamelCase) {
  EXPECT_EQ(range(R"({"range_end":"Zm9v"})"), "range_end: \"foo\"");
  EXPECT_EQ(range(R"({"rangeEnd":"Zm9v"})"), "range_end: \"foo\"");
  EXPECT_EQ(range(R"({"minModRevision":"3","max_create_revision":4})"),
            "min_mod_revision: 3 max_create_revision: 4");
  EXPECT_EQ(read<LeaseGrantRequest>(R"({"TTL":5,"ID":7})"), "TTL: 5 ID: 7");
  EXPECT_EQ(read<MemberAddRequest>(R"({"peerURLs":["a"],"isLearner":true})"),
            "peerURLs: \"a\" isLearner: true");
  EXPECT_EQ(read<AuthRoleGrantPermissionRequest>(R"({"perm":{"permType":"READWRITE"}})"),
            "perm { permType: READWRITE }");
}

TEST(JsonInput, NamesAreCaseSensitive) {
  EXPECT_EQ(range(R"({"KEY":"Zm9v","Limit":5,"RangeEnd":"Zm9v","range_End":"Zm9v"})"), "");
  EXPECT_EQ(read<LeaseGrantRequest>(R"({"ttl":5,"iD":7,"tTL":3})"), "");
}

TEST(JsonInput, NamesAndValuesMayBeEscaped) {
  EXPECT_EQ(range(R"({"\u006bey":"\u005am9v"})"), "key: \"foo\"");
  EXPECT_EQ(range(R"({"key":"+\/+\/"})"), R"(key: "\373\377\277")");  // as PHP writes a slash
  EXPECT_EQ(range(R"({"limit":"\u0035"})"), "limit: 5");
  EXPECT_EQ(range(R"({"sort_order":"\u0041SCEND"})"), "sort_order: ASCEND");
}

TEST(JsonInput, TheSameFieldTwiceIsAnError) {
  for (const char* json : {R"({"key":"Zm9v","key":"Zm9v"})", R"({"limit":1,"limit":2})",
                           R"({"range_end":"Zm9v","rangeEnd":"Zm9v"})",
                           R"({"key":null,"key":"Zm9v"})", R"({"key":"Zm9v","\u006bey":"Zm9v"})"}) {
    EXPECT_EQ(read_code<RangeRequest>(json), kBad) << json;
  }
  EXPECT_EQ(range(R"({"key":"Zm9v","limit":1,"key":"Zm9v"})"),
            "InvalidArgument: JSON: field key given twice at offset 30");
  EXPECT_EQ(read_code<TxnRequest>(R"({"success":[],"success":[]})"), kBad);
  EXPECT_EQ(read_code<TxnRequest>(
                R"({"success":[{"request_put":{"key":"YQ=="},"request_put":{"key":"YQ=="}}]})"),
            kBad);
  // unknown fields may be as they like, and each object counts for itself
  EXPECT_EQ(range(R"({"bogus":1,"bogus":2})"), "");
  EXPECT_EQ(read<TxnRequest>(R"({"compare":[{"version":1},{"version":2}]})"),
            "compare { version: 1 } compare { version: 2 }");
}

TEST(JsonInput, SixtyFourBitIntegers) {
  const std::pair<const char*, const char*> good[] = {
      {"5", "5"},
      {"\"5\"", "5"},
      {"-1", "-1"},
      {"\"-1\"", "-1"},
      {"1e3", "1000"},
      {"1E+3", "1000"},
      {"\"1e3\"", "1000"},
      {"5.0", "5"},
      {"\"5.0\"", "5"},
      {"1.50e1", "15"},
      {"50e-1", "5"},
      {"9223372036854775807", "9223372036854775807"},
      {"\"9223372036854775807\"", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"9223372036854775807.0", "9223372036854775807"},
      {"9.223372036854775807e18", "9223372036854775807"},
      {"9007199254740993.0", "9007199254740993"},  // 2^53 + 1: a double would round it
      {"123456789012345678e1", "1234567890123456780"},
  };
  for (const auto& [json, value] : good) {
    EXPECT_EQ(range("{\"limit\":" + std::string(json) + "}"), "limit: " + std::string(value));
  }
  for (const char* zero :
       {"0", "-0", "0.0", "0e99999999999999999999", "-0.0e5", "\"0\"", "\"-0\""}) {
    EXPECT_EQ(range("{\"limit\":" + std::string(zero) + "}"), "") << zero;
  }
  for (const char* bad : {"5.5",
                          "\"5.5\"",
                          "1e-1",
                          "true",
                          "\"\"",
                          "\" 5\"",
                          "\"5 \"",
                          "\"0x5\"",
                          "\"+5\"",
                          "\"05\"",
                          "\"five\"",
                          "\"NaN\"",
                          "\"Infinity\"",
                          "\"-\"",
                          "\"5e\"",
                          "\"5.\"",
                          "\".5\"",
                          "[5]",
                          "{}",
                          "9223372036854775808",
                          "\"9223372036854775808\"",
                          "-9223372036854775809",
                          "1e19",
                          "1e400",
                          "1e99999999999999999999",
                          "1e-99999999999999999999",
                          "18446744073709551616"}) {
    EXPECT_EQ(read_code<RangeRequest>("{\"limit\":" + std::string(bad) + "}"), kBad) << bad;
  }
}

TEST(JsonInput, UnsignedAndThirtyTwoBitIntegers) {
  EXPECT_EQ(read<StatusResponse>(R"({"leader":"18446744073709551615"})"),
            "leader: 18446744073709551615");
  EXPECT_EQ(read<StatusResponse>(R"({"leader":18446744073709551615})"),
            "leader: 18446744073709551615");
  EXPECT_EQ(read_code<StatusResponse>(R"({"leader":18446744073709551616})"), kBad);
  EXPECT_EQ(read_code<StatusResponse>(R"({"leader":-1})"), kBad);
  EXPECT_EQ(read<HashKVResponse>(R"({"hash":4294967295})"), "hash: 4294967295");
  EXPECT_EQ(read<HashKVResponse>(R"({"hash":"42949672.95e2"})"), "hash: 4294967295");
  EXPECT_EQ(read_code<HashKVResponse>(R"({"hash":4294967296})"), kBad);
  EXPECT_EQ(read_code<HashKVResponse>(R"({"hash":-1})"), kBad);
}

TEST(JsonInput, BytesInEitherAlphabetPaddedOrNot) {
  EXPECT_EQ(range(R"({"key":"Zm8="})"), "key: \"fo\"");
  EXPECT_EQ(range(R"({"key":"Zm8"})"), "key: \"fo\"");
  EXPECT_EQ(range(R"({"key":"Zg=="})"), "key: \"f\"");
  EXPECT_EQ(range(R"({"key":"Zg"})"), "key: \"f\"");
  EXPECT_EQ(range(R"({"key":"+/+/"})"), R"(key: "\373\377\277")");
  EXPECT_EQ(range(R"({"key":"-_-_"})"), R"(key: "\373\377\277")");
  EXPECT_EQ(range(R"({"key":"-_8="})"), R"(key: "\373\377")");
  EXPECT_EQ(range(R"({"key":"-_8"})"), R"(key: "\373\377")");
  EXPECT_EQ(range(R"({"key":""})"), "");
  for (const char* bad :
       {"Z", "Zm9vY", "!!!!", "Zm 9v", "-/+_", "Zm9v=", "Zg===", "=", "Zm=8", "\xc3\xa9"}) {
    EXPECT_EQ(read_code<RangeRequest>("{\"key\":\"" + std::string(bad) + "\"}"), kBad) << bad;
  }
  for (const char* bad : {"5", "true", "[]", "{}", R"(["Zm9v"])"}) {
    EXPECT_EQ(read_code<RangeRequest>("{\"key\":" + std::string(bad) + "}"), kBad) << bad;
  }
}

// 3.4 answers for the key "fo" as well: Go's decoder is not strict here.
TEST(JsonInput, BytesWithIdleBitsOrLineEnds) {
  EXPECT_EQ(range(R"({"key":"Zm9="})"), "key: \"fo\"");
  EXPECT_EQ(range(R"({"key":"Zm9"})"), "key: \"fo\"");
  EXPECT_EQ(range(R"({"key":"Zn"})"), "key: \"f\"");
  EXPECT_EQ(range(R"({"key":"-_-"})"), R"(key: "\373\377")");
  EXPECT_EQ(range(R"({"key":"Zm9v\n"})"), "key: \"foo\"");
  EXPECT_EQ(range(R"({"key":"Zm9v\r\nYmFy\r\n"})"), "key: \"foobar\"");
  EXPECT_EQ(range(R"({"key":"Zm9=\n"})"), "key: \"fo\"");
  EXPECT_EQ(read_code<RangeRequest>(R"({"key":"Zm9v\t"})"), kBad);
}

TEST(JsonInput, EnumsByNameOrNumber) {
  EXPECT_EQ(range(R"({"sort_order":"DESCEND","sort_target":"MOD"})"),
            "sort_order: DESCEND sort_target: MOD");
  EXPECT_EQ(range(R"({"sort_order":2})"), "sort_order: DESCEND");
  EXPECT_EQ(range(R"({"sort_order":2.0})"), "sort_order: DESCEND");
  EXPECT_EQ(range(R"({"sort_order":9})"), "sort_order: 9");  // for the member to refuse
  EXPECT_EQ(range(R"({"sort_order":-1})"), "sort_order: -1");
  for (const char* bad : {"1.5", "2147483648", "99999999999", "true", "{}", "[]"}) {
    EXPECT_EQ(read_code<RangeRequest>("{\"sort_order\":" + std::string(bad) + "}"), kBad) << bad;
  }
}

TEST(JsonInput, UnknownEnumNamesAreIgnored) {
  for (const char* name : {"BOGUS", "ascend", "Ascend", "1", "", "ASCEND "}) {
    EXPECT_EQ(range("{\"sort_order\":\"" + std::string(name) + "\",\"limit\":1}"), "limit: 1")
        << name;
  }
  EXPECT_EQ(read<WatchCreateRequest>(R"({"filters":["BOGUS","NODELETE","1",0]})"),
            "filters: NODELETE filters: NOPUT");
}

TEST(JsonInput, NullIsAbsent) {
  EXPECT_EQ(range(R"({"key":null,"limit":null,"sort_order":null,"serializable":null})"), "");
  EXPECT_EQ(read<TxnRequest>(R"({"success":null,"compare":[{"key":null}]})"), "compare { }");
  EXPECT_EQ(read<TxnRequest>(R"({"success":[{"request_put":null}]})"), "success { }");
  EXPECT_EQ(read<Compare>(R"({"version":null,"lease":2})"), "lease: 2");
  // not within a list: 3.4's gateway ends the connection over this one
  EXPECT_EQ(read_code<TxnRequest>(R"({"success":[null]})"), kBad);
  EXPECT_EQ(read_code<MemberAddRequest>(R"({"peerURLs":["a",null]})"), kBad);
  EXPECT_EQ(read_code<WatchCreateRequest>(R"({"filters":[null]})"), kBad);
  EXPECT_EQ(read_code<RangeRequest>("null"), kBad);
}

TEST(JsonInput, UnknownFieldsAreIgnored) {
  EXPECT_EQ(range(R"({"bogus":{"a":[1,2.5e-7,{"b":null}],"c":"\ud83d\ude00"},"limit":1,"x":[]})"),
            "limit: 1");
  EXPECT_EQ(range(R"({"":1,"limit":1,"":{"":[]}})"), "limit: 1");
  EXPECT_EQ(range(R"({"bogus":[],"limit":1.0,"x":{}} )"), "limit: 1");
  // but they have to be JSON
  for (const char* bad :
       {"tru",      "1e",          "01", "-",   "[1,]",        "{\"a\"}",     "{\"a\":}",
        "nul",      "[1 2]",       "\"", "'a'", "\"\\ud800\"", "\"\\udc00\"", "\"\\x\"",
        "\"\x01\"", "\"\\u12g4\"", "+1", ".5",  "NaN",         "{,}"}) {
    EXPECT_EQ(read_code<RangeRequest>("{\"bogus\":" + std::string(bad) + "}"), kBad) << bad;
  }
}

TEST(JsonInput, NothingIsTheEmptyMessage) {
  for (const char* json : {"", " ", " \r\n\t", "{}", " {} "}) EXPECT_EQ(range(json), "") << json;
}

TEST(JsonInput, BytesAfterTheFirstValueAreIgnored) {
  for (const char* json : {R"({"limit":1} x)", R"({"limit":1}{)", R"( {"limit":1}{"limit":2})",
                           "{\"limit\":1}\xff", R"({"limit":1}})", R"({"limit":1.0}])"}) {
    EXPECT_EQ(range(json), "limit: 1") << json;
  }
}

TEST(JsonInput, MalformedJson) {
  for (const char* bad : {"[]",
                          "5",
                          "\"a\"",
                          "true",
                          "{",
                          "}",
                          "{\"key\"",
                          "{\"key\":",
                          "{\"limit\":1",
                          "{\"limit\":1,",
                          "{\"limit\":1,}",
                          "{limit:1}",
                          "{'limit':1}",
                          "{\"limit\":1 \"key\":\"Zm9v\"}",
                          "{\"limit\" 1}",
                          "{\"limit\":05}",
                          "{\"limit\":+5}",
                          "{\"limit\":.5e1}",
                          "{\"limit\":5.}",
                          "{,}",
                          "// c\n{}",
                          "\xef\xbb\xbf{}",
                          "\xff",
                          "{\"key\":\"Zm9v}",
                          "{\"key\":\"Zm9v\\"}) {
    EXPECT_EQ(read_code<RangeRequest>(bad), kBad) << bad;
  }
  EXPECT_EQ(read_code<RangeRequest>(std::string_view("{}\0", 1)), kBad);
  EXPECT_EQ(range(R"({"key":)"), "InvalidArgument: JSON: field key is a string at offset 7");
  EXPECT_EQ(range(R"({"limit":1)"), "InvalidArgument: JSON: unexpected end, no '}' at offset 10");
}

TEST(JsonInput, TextMustBeUtf8) {
  EXPECT_EQ(read<MemberAddRequest>("{\"peerURLs\":[\"\xc3\xa9\"]}"), "peerURLs: \"\\303\\251\"");
  for (const char* bad : {"{\"peerURLs\":[\"\xff\"]}", "{\"peerURLs\":[\"\xc3\"]}",
                          "{\"peerURLs\":[\"\xed\xa0\x80\"]}", "{\"bogus\":\"\xff\"}",
                          "{\"bogus\":[\"\xff\"]}", "{\"\xff\":1}", "{\"bogus\":\"\xc0\x80\"}"}) {
    EXPECT_EQ(read_code<MemberAddRequest>(bad), kBad) << bad;
  }
}

TEST(JsonInput, AOneofSetTwiceIsAnError) {
  EXPECT_EQ(read_code<TxnRequest>(R"({"success":[{"request_put":{},"request_range":{}}]})"), kBad);
  EXPECT_EQ(read_code<Compare>(R"({"version":1,"lease":2})"), kBad);
  EXPECT_EQ(read_code<Compare>(R"({"version":0,"mod_revision":0})"), kBad);
  EXPECT_EQ(read<Compare>(R"({"version":0})"), "version: 0");
  EXPECT_EQ(read<Compare>(R"({"value":""})"), "value: \"\"");
}

TEST(JsonInput, ATransactionOfUnknownOperations) {
  EXPECT_EQ(read<TxnRequest>(R"({"success":[{"bogus":{}}]})"), "success { }");
}

TEST(JsonInput, Shapes) {
  for (const char* bad :
       {R"({"success":{}})", R"({"success":"x"})", R"({"success":[[]]})", R"({"success":[5]})",
        R"({"success":[{"request_put":[]}]})", R"({"success":[{"request_put":5}]})"}) {
    EXPECT_EQ(read_code<TxnRequest>(bad), kBad) << bad;
  }
  for (const char* bad : {R"({"peerURLs":"a"})", R"({"peerURLs":[5]})", R"({"peerURLs":[true]})",
                          R"({"peerURLs":[["a"]]})", R"({"isLearner":"true"})",
                          R"({"isLearner":1})", R"({"isLearner":[]})"}) {
    EXPECT_EQ(read_code<MemberAddRequest>(bad), kBad) << bad;
  }
  EXPECT_EQ(read<MemberAddRequest>(R"({"peerURLs":[],"isLearner":false})"), "");
}

TEST(JsonInput, RecordedTransaction) {
  EXPECT_EQ(
      read<TxnRequest>(
          R"({"compare":[{"result":"EQUAL","target":"CREATE","key":"Zm9v","create_revision":"2"}],
      "success":[{"request_put":{"key":"Zm9v","value":"YmFy"}},{"request_txn":{"success":[{"requestRange":{"key":"Zm9v"}}]}}],
      "failure":[{"request_delete_range":{"key":"Zm9v","prev_kv":true}}]})"),
      "compare { target: CREATE key: \"foo\" create_revision: 2 } "
      "success { request_put { key: \"foo\" value: \"bar\" } } "
      "success { request_txn { success { request_range { key: \"foo\" } } } } "
      "failure { request_delete_range { key: \"foo\" prev_kv: true } }");
}

std::string nested(std::string_view open, std::string_view middle, std::string_view close,
                   int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += open;
  text += middle;
  for (int i = 0; i < times; ++i) text += close;
  return text;
}

TEST(JsonInput, DepthIsBounded) {
  const std::string_view open = R"({"success":[{"request_txn":)";
  EXPECT_EQ(read_code<TxnRequest>(nested(open, "{}", "}]}", 30)), StatusCode::kOk);
  EXPECT_EQ(read_code<TxnRequest>(nested(open, "{}", "}]}", 34)), kBad);
  EXPECT_EQ(read_code<TxnRequest>(nested(open, "{}", "}]}", 20'000)), kBad);

  const auto lists = [](int times) { return "{\"bogus\":" + nested("[", "", "]", times) + "}"; };
  EXPECT_EQ(read_code<RangeRequest>(lists(kMaxJsonDepth - 1)), StatusCode::kOk);
  EXPECT_EQ(read_code<RangeRequest>(lists(kMaxJsonDepth)), kBad);
  EXPECT_EQ(read_code<RangeRequest>(nested("{\"a\":", "1", "}", kMaxJsonDepth)), StatusCode::kOk);
  EXPECT_EQ(read_code<RangeRequest>(nested("{\"a\":", "1", "}", kMaxJsonDepth + 1)), kBad);
  EXPECT_EQ(read_code<RangeRequest>(lists(1'000'000)), kBad);
  EXPECT_EQ(read_code<RangeRequest>(std::string(1'000'000, '[')), kBad);
  EXPECT_EQ(read_code<RangeRequest>("{\"a\":" + std::string(1'000'000, '[')), kBad);
  EXPECT_EQ(read_code<RangeRequest>(nested("{\"a\":", "1", "}", 500'000)), kBad);
}

TEST(JsonInput, SizeIsBounded) {
  const Transcoder small(20);
  const RangeRequest type;
  EXPECT_TRUE(small.json_to_proto(type, R"({"limit":1234567890})").ok());
  const Status status = small.json_to_proto(type, R"({"limit":12345678901})").status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "JSON of 21 bytes, more than 20");
}

}  // namespace
}  // namespace gatehouse::transcode
