#include "member/apply/request.h"

#include <gtest/gtest.h>

#include <string>

#include "member/apply/cost.h"
#include "member/apply/kv_request.h"
#include "proto/raft_internal.pb.h"

namespace gatehouse::apply {
namespace {

etcdserverpb::InternalRaftRequest internal_request(const raft::Payload& payload) {
  etcdserverpb::InternalRaftRequest message;
  EXPECT_TRUE(message.ParseFromArray(payload.view().data(), static_cast<int>(payload.size())));
  return message;
}

TEST(Request, IsEtcdsMessage) {
  etcdserverpb::PutRequest put;
  put.set_key("a");
  put.set_value("1");
  const std::string body = put.SerializeAsString();
  Request request;
  request.kind = Kind::kPut;
  request.id = 0xda4aa1f852e43f06;
  request.body = body;
  const raft::Payload payload = make_payload(request);
  // As a member of etcd wrote it to its log.
  const std::string captured("\x22\x06\x0a\x01\x61\x12\x01\x31\xa2\x06\x0b\x08\x86\xfe\x90\x97\x85\xbf\xa8\xa5\xda\x01", 22);
  EXPECT_EQ(payload.view(), captured);
  EXPECT_EQ(internal_request(payload).put().key(), "a");
}

TEST(Request, ComesBackAsItWas) {
  for (const Kind kind : {Kind::kPut, Kind::kTxn, Kind::kAlarm, Kind::kAuthEnable,
                          Kind::kClusterVersionSet, Kind::kDowngradeVersionTest}) {
    Request request;
    request.kind = kind;
    request.id = 7;
    request.username = "root";
    request.auth_revision = 3;
    request.body = std::string_view("\x0a\x00", 2);
    const raft::Payload payload = make_payload(request);
    const auto parsed = parse_request(payload.view());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->kind, kind);
    EXPECT_EQ(parsed->id, 7U);
    EXPECT_EQ(parsed->username, "root");
    EXPECT_EQ(parsed->auth_revision, 3U);
    EXPECT_EQ(parsed->body, request.body);
    EXPECT_EQ(internal_request(payload).header().username(), "root");
  }
}

TEST(Request, AnOldIdIsPreferred) {
  etcdserverpb::InternalRaftRequest message;
  message.mutable_header()->set_id(1);
  message.set_id(2);
  message.mutable_lease_revoke()->set_id(5);
  const std::string bytes = message.SerializeAsString();
  const auto parsed = parse_request(bytes);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->id, 2U);
  EXPECT_EQ(parsed->kind, Kind::kLeaseRevoke);
}

TEST(Request, WhatIsNoneIsToldApart) {
  // A bare v2 request has its method as field 2; half a message is no message.
  EXPECT_FALSE(parse_request("\x08\x01\x12\x03PUT").has_value());
  EXPECT_FALSE(parse_request("\x22\x06\x0a").has_value());
  // A kind of a later version is no error: it is known by nobody.
  ASSERT_TRUE(parse_request(std::string("\xba\x3e\x00", 3)).has_value());
  EXPECT_EQ(parse_request(std::string("\xba\x3e\x00", 3))->kind, Kind::kNone);
}

TEST(KvRequest, FieldsAreThoseOfTheMessage) {
  etcdserverpb::PutRequest put;
  put.set_key("key");
  put.set_value("value");
  put.set_lease(-5);
  put.set_prev_kv(true);
  put.set_ignore_lease(true);
  const std::string bytes = put.SerializeAsString();
  PutView view;
  ASSERT_TRUE(parse_put(bytes, view));
  EXPECT_EQ(view.key, "key");
  EXPECT_EQ(view.value, "value");
  EXPECT_EQ(view.lease, -5);
  EXPECT_TRUE(view.prev_kv);
  EXPECT_FALSE(view.ignore_value);
  EXPECT_TRUE(view.ignore_lease);
  EXPECT_FALSE(parse_put(bytes.substr(0, 3), view));
  EXPECT_EQ(put_cost(view), 256 + 3 + 5);
}

TEST(Cost, OfATransactionIsItsDearerBranch) {
  etcdserverpb::TxnRequest txn;
  const auto add = [](auto* ops, const char* key, const char* value) {
    auto* put = ops->Add()->mutable_request_put();
    put->set_key(key);
    put->set_value(value);
  };
  add(txn.mutable_success(), "a", "1");
  add(txn.mutable_failure(), "a", "1");
  add(txn.mutable_failure()->Add()->mutable_request_txn()->mutable_success(), "bb", "22");
  txn.mutable_success()->Add()->mutable_request_range()->set_key("c");
  txn.mutable_success()->Add()->mutable_request_delete_range()->set_key("d");
  EXPECT_EQ(txn_cost(txn), 2 * 256 + 2 + 4);
  EXPECT_EQ(txn_cost(etcdserverpb::TxnRequest()), 0);
}

}  // namespace
}  // namespace gatehouse::apply
