#include "common/transcode/envelope.h"

#include <gtest/gtest.h>

#include "proto/rpc.pb.h"
#include "tests/common/transcode/transcode_testing.h"

namespace gatehouse::transcode {
namespace {

// http.md section 9, the column of 3.6 and 3.7.
TEST(HttpStatus, EveryCode) {
  constexpr int kExpected[kStatusCodeCount] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                               400, 409, 400, 501, 500, 503, 500, 401};
  for (int code = 0; code < kStatusCodeCount; ++code) {
    EXPECT_EQ(http_status(static_cast<StatusCode>(code)), kExpected[code]) << code;
  }
}

TEST(ErrorBody, ForReadersOfErrorAndOfMessage) {
  EXPECT_EQ(
      error_body(invalid_argument("etcdserver: key is not provided")),
      R"({"error":"etcdserver: key is not provided","message":"etcdserver: key is not provided","code":3})");
  EXPECT_EQ(
      error_body(Status(StatusCode::kUnknown, R"("leader" field must be provided)")),
      R"({"error":"\"leader\" field must be provided","message":"\"leader\" field must be provided","code":2})");
}

TEST(ErrorBody, RoutingErrors) {
  const auto& table = RouteTable::instance();
  const Status not_found = table.find("POST", "/v3/nope").status();
  EXPECT_EQ(http_status(not_found.code()), 404);
  EXPECT_EQ(error_body(not_found), R"({"error":"Not Found","message":"Not Found","code":5})");
  const Status wrong_method = table.find("GET", "/v3/kv/range").status();
  EXPECT_EQ(http_status(wrong_method.code()), 501);
  EXPECT_EQ(error_body(wrong_method),
            R"({"error":"Method Not Allowed","message":"Method Not Allowed","code":12})");
}

TEST(JsonString, EscapesAndReplaces) {
  const auto quoted = [](std::string_view text) {
    std::string out;
    append_json_string(text, out);
    return out;
  };
  EXPECT_EQ(quoted(""), R"("")");
  EXPECT_EQ(quoted("a\"b\\c/\n\r\t\x01\x1f\x7f"), "\"a\\\"b\\\\c/\\n\\r\\t\\u0001\\u001f\x7f\"");
  EXPECT_EQ(quoted(std::string_view("\0", 1)), R"("\u0000")");
  EXPECT_EQ(quoted("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
  EXPECT_EQ(quoted("a\xff"
                   "b\xc3"),
            R"("a\ufffdb\ufffd")");
}

TEST(JsonString, IsWhatTheReaderReads) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  std::string json = "{\"token\":";
  append_json_string(all, json);
  json += "}";
  const auto bytes =
      transcoder().json_to_proto(etcdserverpb::AuthenticateResponse::default_instance(), json);
  ASSERT_TRUE(bytes.ok()) << bytes.status().to_string();
  etcdserverpb::AuthenticateResponse answer;
  ASSERT_TRUE(answer.ParseFromString(*bytes));
  EXPECT_EQ(answer.token(), all);
}

TEST(Envelope, ResultLine) {
  etcdserverpb::WatchResponse watch;
  watch.mutable_header()->set_revision(2);
  watch.set_created(true);
  std::string out;
  ASSERT_TRUE(
      append_result_line(transcoder(), route("/v3/watch"), watch.SerializeAsString(), out).ok());
  ASSERT_TRUE(append_result_line(transcoder(), route("/v3/watch"), "", out).ok());
  EXPECT_EQ(out,
            "{\"result\":{\"header\":{\"revision\":\"2\"},\"created\":true}}\n{\"result\":{}}\n");
  EXPECT_EQ(append_result_line(transcoder(), route("/v3/watch"), "\xff", out).code(),
            StatusCode::kInternal);
  EXPECT_TRUE(out.ends_with("{\"result\":{}}\n"));
}

TEST(Envelope, ErrorLine) {
  std::string out;
  append_error_line(unavailable("etcdserver: no leader"), out);
  EXPECT_EQ(out, "{\"error\":{\"code\":14,\"message\":\"etcdserver: no leader\"}}\n");
}

}  // namespace
}  // namespace gatehouse::transcode
