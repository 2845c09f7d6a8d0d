#include "member/apply/describe.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/membership.pb.h"

namespace gatehouse::apply {
namespace {

// What etcd 3.7.1 wrote for the same requests.
TEST(Describe, PutsTellTheSizeOfTheirValue) {
  etcdserverpb::PutRequest put;
  put.set_key("a");
  put.set_value("secret");
  EXPECT_EQ(describe(put), R"(key:"a" value_size:6 )");
  put.set_lease(4342492673254213132);
  EXPECT_EQ(describe(put), R"(key:"a" value_size:6 lease:4342492673254213132 )");
}

TEST(Describe, TransactionsDoSoAtEveryDepth) {
  etcdserverpb::TxnRequest txn;
  auto* compare = txn.add_compare();
  compare->set_target(etcdserverpb::Compare::VALUE);
  compare->set_key("a");
  compare->set_value("b");
  txn.add_success()->mutable_request_range()->set_key("a");
  auto* put = txn.add_failure()->mutable_request_put();
  put->set_key("a");
  put->set_value("c");
  EXPECT_EQ(describe(txn),
            R"(compare:<target:VALUE key:"a" value_size:1 > success:<request_range:{key:"a"}> )"
            R"(failure:<request_put:<key:"a" value_size:1 >>)");
  etcdserverpb::TxnRequest outer;
  *outer.add_success()->mutable_request_txn() = txn;
  EXPECT_EQ(describe(outer),
            "compare:<> success:<request_txn:<" + describe(txn) + ">> failure:<>");
}

TEST(Describe, RequestsOfTheLog) {
  const auto text = [](Kind kind, const google::protobuf::MessageLite& message) {
    const std::string body = message.SerializeAsString();
    Request request;
    request.kind = kind;
    request.id = 9;
    request.body = body;
    return describe(request);
  };
  etcdserverpb::DeleteRangeRequest del;
  del.set_key("a");
  EXPECT_EQ(text(Kind::kDeleteRange, del), R"(header:{ID:9} delete_range:{key:"a"})");
  etcdserverpb::LeaseGrantRequest grant;
  grant.set_ttl(100);
  grant.set_id(0x3c43a2142d0dc60c);
  EXPECT_EQ(text(Kind::kLeaseGrant, grant),
            "header:<ID:9> lease_grant:<ttl:100-second id:3c43a2142d0dc60c>");
  EXPECT_EQ(text(Kind::kAlarm, etcdserverpb::AlarmRequest()), "header:{ID:9} alarm:{}");
  membershippb::ClusterVersionSetRequest version;
  version.set_ver("3.7.0");
  EXPECT_EQ(text(Kind::kClusterVersionSet, version),
            R"(header:{ID:9} cluster_version_set:{ver:"3.7.0"})");
  etcdserverpb::AuthUserAddRequest user;
  user.set_name("u");
  user.set_password("secret");
  EXPECT_EQ(text(Kind::kAuthUserAdd, user).find("secret"), std::string::npos);
}

TEST(Describe, KeysOfAnyBytesStayOnOneLine) {
  etcdserverpb::RangeRequest range;
  range.set_key(std::string("\0\"\n {: }", 8));
  range.set_serializable(true);
  EXPECT_EQ(compact_text(range), R"(key:"\000\"\n {: }" serializable:true)");
}

TEST(Describe, KindsHaveEtcdsNames) {
  EXPECT_EQ(kind_name(Kind::kPut), "Put");
  EXPECT_EQ(kind_name(Kind::kCompaction), "Compaction");
  EXPECT_EQ(kind_name(Kind::kClusterMemberAttrSet), "ClusterMemberAttrSet");
  EXPECT_EQ(kind_name(Kind::kAuthenticate), "Authenticate");
  EXPECT_EQ(kind_name(static_cast<Kind>(77)), "unknown");
}

}  // namespace
}  // namespace gatehouse::apply
