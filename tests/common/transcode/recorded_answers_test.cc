// Answers recorded from a running etcd 3.4.23 (http.md sections 9 and 10): from the message to the
// text, to the letter.
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "common/transcode/envelope.h"
#include "tests/common/transcode/transcode_testing.h"

namespace gatehouse::transcode {
namespace {

// The JSON of the route's answer, given in protobuf's text form.
std::string answer(std::string_view path, const std::string& text) {
  const Route& r = route(path);
  const std::unique_ptr<google::protobuf::Message> message(r.response->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message.get())) << text;
  std::string out;
  if (r.streaming == Streaming::kUnary) {
    EXPECT_TRUE(transcoder().proto_to_json(r, message->SerializeAsString(), out).ok());
  } else {
    EXPECT_TRUE(append_result_line(transcoder(), r, message->SerializeAsString(), out).ok());
  }
  return out;
}

const std::string kHeader =
    "header { cluster_id: 12141362416698482028 member_id: 8439526027888870300 revision: 2 "
    "raft_term: 2 } ";

TEST(RecordedAnswers, Put) {
  EXPECT_EQ(
      answer("/v3/kv/put", kHeader),
      R"({"header":{"cluster_id":"12141362416698482028","member_id":"8439526027888870300","revision":"2","raft_term":"2"}})");
}

TEST(RecordedAnswers, Range) {
  EXPECT_EQ(
      answer(
          "/v3/kv/range",
          kHeader +
              R"(kvs { key: "foo" create_revision: 2 mod_revision: 2 version: 1 value: "bar" } count: 1)"),
      R"({"header":{"cluster_id":"12141362416698482028","member_id":"8439526027888870300","revision":"2","raft_term":"2"},)"
      R"("kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"2","version":"1","value":"YmFy"}],"count":"1"})");
}

TEST(RecordedAnswers, UnaryErrors) {
  EXPECT_EQ(
      error_body(invalid_argument("etcdserver: key is not provided")),
      R"({"error":"etcdserver: key is not provided","message":"etcdserver: key is not provided","code":3})");
}

TEST(RecordedAnswers, Leases) {
  EXPECT_EQ(answer("/v3/lease/timetolive", "header { } ID: 78 TTL: -1"),
            R"({"header":{},"ID":"78","TTL":"-1"})");
  EXPECT_EQ(answer("/v3/lease/keepalive", "header { revision: 3 } ID: 5"),
            "{\"result\":{\"header\":{\"revision\":\"3\"},\"ID\":\"5\"}}\n");
}

TEST(RecordedAnswers, Maintenance) {
  EXPECT_EQ(answer("/v3/maintenance/alarm", ""), "{}");
  EXPECT_EQ(answer("/v3/maintenance/alarm", "alarms { alarm: NOSPACE }"),
            R"({"alarms":[{"alarm":"NOSPACE"}]})");
  EXPECT_EQ(answer("/v3/maintenance/defragment", ""), "{}");
  EXPECT_EQ(
      answer("/v3/maintenance/status",
             "header { raft_term: 2 } version: '3.4.23' dbSize: 20480 leader: 8439526027888870300 "
             "raftIndex: 12 raftTerm: 2 raftAppliedIndex: 12 dbSizeInUse: 16384"),
      R"({"header":{"raft_term":"2"},"version":"3.4.23","dbSize":"20480","leader":"8439526027888870300","raftIndex":"12",)"
      R"("raftTerm":"2","raftAppliedIndex":"12","dbSizeInUse":"16384"})");
}

TEST(RecordedAnswers, MemberList) {
  EXPECT_EQ(
      answer("/v3/cluster/member/list",
             "header { raft_term: 2 } members { ID: 15263400043098197915 name: 'default' "
             "peerURLs: 'http://127.0.0.1:2380' clientURLs: 'http://127.0.0.1:2379' }"),
      R"({"header":{"raft_term":"2"},"members":[{"ID":"15263400043098197915","name":"default",)"
      R"("peerURLs":["http://127.0.0.1:2380"],"clientURLs":["http://127.0.0.1:2379"]}]})");
}

TEST(RecordedAnswers, Auth) {
  EXPECT_EQ(answer("/v3/auth/role/get", "perm { permType: READWRITE key: 'a' }"),
            R"({"perm":[{"permType":"READWRITE","key":"YQ=="}]})");
}

TEST(RecordedAnswers, NestedTransaction) {
  EXPECT_EQ(answer("/v3/kv/txn",
                   "succeeded: true responses { response_txn { header { } succeeded: true "
                   "responses { response_put { header { revision: 7 } } } } }"),
            R"({"succeeded":true,"responses":[{"response_txn":{"header":{},"succeeded":true,)"
            R"("responses":[{"response_put":{"header":{"revision":"7"}}}]}}]})");
}

TEST(RecordedAnswers, Watch) {
  const auto watch = [](const std::string& text) { return answer("/v3/watch", text); };
  EXPECT_EQ(watch("header { revision: 2 } created: true"),
            "{\"result\":{\"header\":{\"revision\":\"2\"},\"created\":true}}\n");
  EXPECT_EQ(
      watch(
          R"(events { kv { key: "foo" create_revision: 2 mod_revision: 2 version: 1 value: "bar" } })"),
      "{\"result\":{\"events\":[{\"kv\":{\"key\":\"Zm9v\",\"create_revision\":\"2\",\"mod_"
      "revision\":\"2\","
      "\"version\":\"1\",\"value\":\"YmFy\"}}]}}\n");
  EXPECT_EQ(
      watch(R"(events { type: DELETE kv { key: "foo" mod_revision: 6 } prev_kv { key: "foo" } })"),
      "{\"result\":{\"events\":[{\"type\":\"DELETE\",\"kv\":{\"key\":\"Zm9v\",\"mod_revision\":"
      "\"6\"},"
      "\"prev_kv\":{\"key\":\"Zm9v\"}}]}}\n");
  EXPECT_EQ(watch("header { } watch_id: -1"), "{\"result\":{\"header\":{},\"watch_id\":\"-1\"}}\n");
  EXPECT_EQ(watch("header { } watch_id: 1 canceled: true"),
            "{\"result\":{\"header\":{},\"watch_id\":\"1\",\"canceled\":true}}\n");
  EXPECT_EQ(watch("header { raft_term: 2 } canceled: true compact_revision: 3"),
            "{\"result\":{\"header\":{\"raft_term\":\"2\"},\"canceled\":true,\"compact_revision\":"
            "\"3\"}}\n");
}

TEST(RecordedAnswers, Snapshot) {
  EXPECT_EQ(answer("/v3/maintenance/snapshot", "header { } remaining_bytes: 20512 blob: 'abc'"),
            "{\"result\":{\"header\":{},\"remaining_bytes\":\"20512\",\"blob\":\"YWJj\"}}\n");
}

}  // namespace
}  // namespace gatehouse::transcode
