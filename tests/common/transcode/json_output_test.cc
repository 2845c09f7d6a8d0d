// http.md section 8, the output table, row by row.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "proto/rpc.pb.h"
#include "tests/common/transcode/transcode_testing.h"

namespace gatehouse::transcode {
namespace {

using etcdserverpb::AuthenticateResponse;

TEST(JsonOutput, NamesAreTheProtoNames) {
  etcdserverpb::StatusResponse status;
  status.set_dbsize(1);
  status.set_raftappliedindex(2);
  status.mutable_downgradeinfo()->set_targetversion("3.6.0");
  status.set_storageversion("3.7.0");
  EXPECT_EQ(
      print(status),
      R"({"dbSize":"1","raftAppliedIndex":"2","storageVersion":"3.7.0","downgradeInfo":{"targetVersion":"3.6.0"}})");
  etcdserverpb::LeaseTimeToLiveResponse lease;
  lease.set_id(1);
  lease.set_ttl(-1);
  lease.set_grantedttl(3);
  EXPECT_EQ(print(lease), R"({"ID":"1","TTL":"-1","grantedTTL":"3"})");
  etcdserverpb::RangeRequest range;
  range.set_range_end("z");
  EXPECT_EQ(print(range), R"({"range_end":"eg=="})");
}

TEST(JsonOutput, SixtyFourBitIntegersAreStringsThirtyTwoBitOnesNumbers) {
  etcdserverpb::HashKVResponse hash;
  hash.mutable_header()->set_cluster_id(UINT64_MAX);
  hash.set_hash(UINT32_MAX);
  hash.set_compact_revision(INT64_MIN);
  EXPECT_EQ(
      print(hash),
      R"({"header":{"cluster_id":"18446744073709551615"},"hash":4294967295,"compact_revision":"-9223372036854775808"})");
}

TEST(JsonOutput, BytesAreStandardBase64WithPadding) {
  mvccpb::KeyValue kv;
  kv.set_key("\xfb\xff\xbf");
  kv.set_value("f");
  EXPECT_EQ(print(kv), R"({"key":"+/+/","value":"Zg=="})");
}

TEST(JsonOutput, EnumsAreNamesAndUnknownOnesNumbers) {
  etcdserverpb::WatchResponse watch;
  watch.add_events()->set_type(mvccpb::Event::DELETE);
  watch.add_events()->set_type(static_cast<mvccpb::Event::EventType>(7));
  watch.add_events()->set_type(static_cast<mvccpb::Event::EventType>(-7));
  EXPECT_EQ(print(watch), R"({"events":[{"type":"DELETE"},{"type":7},{"type":-7}]})");
  etcdserverpb::AlarmResponse alarm;
  alarm.add_alarms()->set_alarm(etcdserverpb::NOSPACE);
  EXPECT_EQ(print(alarm), R"({"alarms":[{"alarm":"NOSPACE"}]})");
}

TEST(JsonOutput, DefaultsAreLeftOut) {
  etcdserverpb::WatchResponse watch;
  watch.set_created(false);
  watch.set_watch_id(0);
  watch.set_cancel_reason("");
  watch.add_events()->set_type(mvccpb::Event::PUT);
  EXPECT_EQ(print(watch), R"({"events":[{}]})");
  EXPECT_EQ(print(etcdserverpb::RangeResponse()), "{}");
  // even where the sender wrote the zero: field 4, count
  std::string json;
  EXPECT_TRUE(transcoder()
                  .proto_to_json(etcdserverpb::RangeResponse(), std::string("\x20\x00", 2), json)
                  .ok());
  EXPECT_EQ(json, "{}");
}

TEST(JsonOutput, PresentMessagesArePrintedEmptyOnesToo) {
  etcdserverpb::TxnResponse txn;
  txn.add_responses()->mutable_response_put();
  txn.add_responses()->mutable_response_put()->mutable_header();
  txn.add_responses();
  EXPECT_EQ(print(txn), R"({"responses":[{"response_put":{}},{"response_put":{"header":{}}},{}]})");
}

TEST(JsonOutput, AOneofIsPrintedEvenWithItsDefault) {
  etcdserverpb::Compare compare;
  compare.set_version(0);
  EXPECT_EQ(print(compare), R"({"version":"0"})");
  compare.set_value("");
  EXPECT_EQ(print(compare), R"({"value":""})");
}

TEST(JsonOutput, StringsAreEscapedAndKeepTheirUtf8) {
  AuthenticateResponse answer;
  answer.set_token("\"\\/\n\t\x01 \xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(print(answer), "{\"token\":\"\\\"\\\\/\\n\\t\\u0001 \xc3\xa9\xf0\x9f\x98\x80\"}");
  answer.set_token("a<b>&");
  EXPECT_EQ(print(answer), R"({"token":"a\u003cb\u003e&"})");
}

TEST(JsonOutput, AppendsAndOnAnErrorLeavesWhatWasThere) {
  std::string out = "before ";
  EXPECT_TRUE(transcoder().proto_to_json(AuthenticateResponse(), "\x12\x01t", out).ok());
  EXPECT_EQ(out, "before {\"token\":\"t\"}");
  out = "before ";
  EXPECT_FALSE(transcoder().proto_to_json(AuthenticateResponse(), "\x12\x05t", out).ok());
  EXPECT_EQ(out, "before ");
}

TEST(JsonOutput, InvalidUtf8InAStringIsInternal) {
  testing::internal::CaptureStderr();
  for (const std::string_view bytes :
       {"\x12\x02\xff\xfe", "\x12\x01\xc3", "\x12\x03\xed\xa0\x80"}) {
    std::string out;
    const Status status = transcoder().proto_to_json(AuthenticateResponse(), bytes, out);
    EXPECT_EQ(status.code(), StatusCode::kInternal);
    EXPECT_NE(status.message().find("UTF-8"), std::string::npos) << status.message();
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");  // protobuf's own complaint is held back
}

TEST(JsonOutput, TornMessagesAreInternal) {
  etcdserverpb::RangeResponse range;
  range.mutable_header()->set_revision(5);
  range.add_kvs()->set_key("foo");
  range.set_count(1);
  const std::string bytes = range.SerializeAsString();
  int failed = 0;
  for (size_t size = 1; size < bytes.size(); ++size) {
    std::string out;
    const Status status =
        transcoder().proto_to_json(range, std::string_view(bytes).substr(0, size), out);
    // a cut between two fields leaves a shorter message
    etcdserverpb::RangeResponse shorter;
    if (shorter.ParseFromString(bytes.substr(0, size))) continue;
    ++failed;
    EXPECT_EQ(status.code(), StatusCode::kInternal);
  }
  EXPECT_GT(failed, 3);
}

TEST(JsonOutput, UnknownFieldsAreNotPrintedAndSplitOnesAreMerged) {
  std::string out;
  // field 127, then the token twice: the last counts
  EXPECT_TRUE(transcoder()
                  .proto_to_json(AuthenticateResponse(),
                                 std::string("\xf8\x07\x05\x12\x01"
                                             "a\x12\x01"
                                             "b"),
                                 out)
                  .ok());
  EXPECT_EQ(out, R"({"token":"b"})");
  out.clear();
  // the header in two parts
  EXPECT_TRUE(transcoder()
                  .proto_to_json(etcdserverpb::PutResponse(),
                                 std::string("\x0a\x02\x08\x01\x0a\x02\x10\x02"), out)
                  .ok());
  EXPECT_EQ(out, R"({"header":{"cluster_id":"1","member_id":"2"}})");
}

TEST(JsonOutput, ALargeAnswer) {
  etcdserverpb::RangeResponse range;
  for (int i = 0; i < 1000; ++i) {
    auto* kv = range.add_kvs();
    kv->set_key("key" + std::to_string(i));
    kv->set_value(std::string(256, 'v'));
  }
  const std::string json = print(range);
  const auto back = transcoder().json_to_proto(range, json);
  ASSERT_TRUE(back.ok()) << back.status().to_string();
  EXPECT_EQ(*back, range.SerializeAsString());
}

TEST(JsonOutput, OneTranscoderServesManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&right] {
      for (int n = 0; n < 200; ++n) {
        const Route& range = route("/v3/kv/range");
        std::string json;
        const bool ok = transcoder().json_to_proto(range, R"({"key":"Zm9v","limit":5.0})").ok() &&
                        transcoder().proto_to_json(range, "\x20\x07", json).ok();
        if (ok && json == R"({"count":"7"})") ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4 * 200);
}

}  // namespace
}  // namespace gatehouse::transcode
