#include "common/transcode/route_table.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/common/transcode/transcode_testing.h"

namespace gatehouse::transcode {
namespace {

constexpr Streaming kUnary = Streaming::kUnary;
constexpr Streaming kServer = Streaming::kServerStream;
constexpr Streaming kBoth = Streaming::kBidirectional;

// http.md section 7 against api.md: written out by hand, beside the code's own table.
constexpr struct {
  const char* path;
  const char* grpc_path;
  const char* request;
  const char* response;
  Streaming streaming;
} kExpected[] = {
    {"/v3/kv/range", "/etcdserverpb.KV/Range", "RangeRequest", "RangeResponse", kUnary},
    {"/v3/kv/put", "/etcdserverpb.KV/Put", "PutRequest", "PutResponse", kUnary},
    {"/v3/kv/deleterange", "/etcdserverpb.KV/DeleteRange", "DeleteRangeRequest",
     "DeleteRangeResponse", kUnary},
    {"/v3/kv/txn", "/etcdserverpb.KV/Txn", "TxnRequest", "TxnResponse", kUnary},
    {"/v3/kv/compaction", "/etcdserverpb.KV/Compact", "CompactionRequest", "CompactionResponse",
     kUnary},
    {"/v3/watch", "/etcdserverpb.Watch/Watch", "WatchRequest", "WatchResponse", kBoth},
    {"/v3/lease/grant", "/etcdserverpb.Lease/LeaseGrant", "LeaseGrantRequest", "LeaseGrantResponse",
     kUnary},
    {"/v3/lease/revoke", "/etcdserverpb.Lease/LeaseRevoke", "LeaseRevokeRequest",
     "LeaseRevokeResponse", kUnary},
    {"/v3/kv/lease/revoke", "/etcdserverpb.Lease/LeaseRevoke", "LeaseRevokeRequest",
     "LeaseRevokeResponse", kUnary},
    {"/v3/lease/keepalive", "/etcdserverpb.Lease/LeaseKeepAlive", "LeaseKeepAliveRequest",
     "LeaseKeepAliveResponse", kBoth},
    {"/v3/lease/timetolive", "/etcdserverpb.Lease/LeaseTimeToLive", "LeaseTimeToLiveRequest",
     "LeaseTimeToLiveResponse", kUnary},
    {"/v3/kv/lease/timetolive", "/etcdserverpb.Lease/LeaseTimeToLive", "LeaseTimeToLiveRequest",
     "LeaseTimeToLiveResponse", kUnary},
    {"/v3/lease/leases", "/etcdserverpb.Lease/LeaseLeases", "LeaseLeasesRequest",
     "LeaseLeasesResponse", kUnary},
    {"/v3/kv/lease/leases", "/etcdserverpb.Lease/LeaseLeases", "LeaseLeasesRequest",
     "LeaseLeasesResponse", kUnary},
    {"/v3/cluster/member/add", "/etcdserverpb.Cluster/MemberAdd", "MemberAddRequest",
     "MemberAddResponse", kUnary},
    {"/v3/cluster/member/remove", "/etcdserverpb.Cluster/MemberRemove", "MemberRemoveRequest",
     "MemberRemoveResponse", kUnary},
    {"/v3/cluster/member/update", "/etcdserverpb.Cluster/MemberUpdate", "MemberUpdateRequest",
     "MemberUpdateResponse", kUnary},
    {"/v3/cluster/member/list", "/etcdserverpb.Cluster/MemberList", "MemberListRequest",
     "MemberListResponse", kUnary},
    {"/v3/cluster/member/promote", "/etcdserverpb.Cluster/MemberPromote", "MemberPromoteRequest",
     "MemberPromoteResponse", kUnary},
    {"/v3/maintenance/alarm", "/etcdserverpb.Maintenance/Alarm", "AlarmRequest", "AlarmResponse",
     kUnary},
    {"/v3/maintenance/status", "/etcdserverpb.Maintenance/Status", "StatusRequest",
     "StatusResponse", kUnary},
    {"/v3/maintenance/defragment", "/etcdserverpb.Maintenance/Defragment", "DefragmentRequest",
     "DefragmentResponse", kUnary},
    {"/v3/maintenance/hash", "/etcdserverpb.Maintenance/Hash", "HashRequest", "HashResponse",
     kUnary},
    {"/v3/maintenance/hashkv", "/etcdserverpb.Maintenance/HashKV", "HashKVRequest",
     "HashKVResponse", kUnary},
    {"/v3/maintenance/snapshot", "/etcdserverpb.Maintenance/Snapshot", "SnapshotRequest",
     "SnapshotResponse", kServer},
    {"/v3/maintenance/transfer-leadership", "/etcdserverpb.Maintenance/MoveLeader",
     "MoveLeaderRequest", "MoveLeaderResponse", kUnary},
    {"/v3/maintenance/downgrade", "/etcdserverpb.Maintenance/Downgrade", "DowngradeRequest",
     "DowngradeResponse", kUnary},
    {"/v3/auth/enable", "/etcdserverpb.Auth/AuthEnable", "AuthEnableRequest", "AuthEnableResponse",
     kUnary},
    {"/v3/auth/disable", "/etcdserverpb.Auth/AuthDisable", "AuthDisableRequest",
     "AuthDisableResponse", kUnary},
    {"/v3/auth/status", "/etcdserverpb.Auth/AuthStatus", "AuthStatusRequest", "AuthStatusResponse",
     kUnary},
    {"/v3/auth/authenticate", "/etcdserverpb.Auth/Authenticate", "AuthenticateRequest",
     "AuthenticateResponse", kUnary},
    {"/v3/auth/user/add", "/etcdserverpb.Auth/UserAdd", "AuthUserAddRequest", "AuthUserAddResponse",
     kUnary},
    {"/v3/auth/user/get", "/etcdserverpb.Auth/UserGet", "AuthUserGetRequest", "AuthUserGetResponse",
     kUnary},
    {"/v3/auth/user/list", "/etcdserverpb.Auth/UserList", "AuthUserListRequest",
     "AuthUserListResponse", kUnary},
    {"/v3/auth/user/delete", "/etcdserverpb.Auth/UserDelete", "AuthUserDeleteRequest",
     "AuthUserDeleteResponse", kUnary},
    {"/v3/auth/user/changepw", "/etcdserverpb.Auth/UserChangePassword",
     "AuthUserChangePasswordRequest", "AuthUserChangePasswordResponse", kUnary},
    {"/v3/auth/user/grant", "/etcdserverpb.Auth/UserGrantRole", "AuthUserGrantRoleRequest",
     "AuthUserGrantRoleResponse", kUnary},
    {"/v3/auth/user/revoke", "/etcdserverpb.Auth/UserRevokeRole", "AuthUserRevokeRoleRequest",
     "AuthUserRevokeRoleResponse", kUnary},
    {"/v3/auth/role/add", "/etcdserverpb.Auth/RoleAdd", "AuthRoleAddRequest", "AuthRoleAddResponse",
     kUnary},
    {"/v3/auth/role/get", "/etcdserverpb.Auth/RoleGet", "AuthRoleGetRequest", "AuthRoleGetResponse",
     kUnary},
    {"/v3/auth/role/list", "/etcdserverpb.Auth/RoleList", "AuthRoleListRequest",
     "AuthRoleListResponse", kUnary},
    {"/v3/auth/role/delete", "/etcdserverpb.Auth/RoleDelete", "AuthRoleDeleteRequest",
     "AuthRoleDeleteResponse", kUnary},
    {"/v3/auth/role/grant", "/etcdserverpb.Auth/RoleGrantPermission",
     "AuthRoleGrantPermissionRequest", "AuthRoleGrantPermissionResponse", kUnary},
    {"/v3/auth/role/revoke", "/etcdserverpb.Auth/RoleRevokePermission",
     "AuthRoleRevokePermissionRequest", "AuthRoleRevokePermissionResponse", kUnary},
    {"/v3/lock/lock", "/v3lockpb.Lock/Lock", "LockRequest", "LockResponse", kUnary},
    {"/v3/lock/unlock", "/v3lockpb.Lock/Unlock", "UnlockRequest", "UnlockResponse", kUnary},
    {"/v3/election/campaign", "/v3electionpb.Election/Campaign", "CampaignRequest",
     "CampaignResponse", kUnary},
    {"/v3/election/proclaim", "/v3electionpb.Election/Proclaim", "ProclaimRequest",
     "ProclaimResponse", kUnary},
    {"/v3/election/leader", "/v3electionpb.Election/Leader", "LeaderRequest", "LeaderResponse",
     kUnary},
    {"/v3/election/observe", "/v3electionpb.Election/Observe", "LeaderRequest", "LeaderResponse",
     kServer},
    {"/v3/election/resign", "/v3electionpb.Election/Resign", "ResignRequest", "ResignResponse",
     kUnary},
};

const RouteTable& table() { return RouteTable::instance(); }

TEST(RouteTable, EveryRoute) {
  for (const auto& expected : kExpected) {
    const auto found = table().find("POST", expected.path);
    ASSERT_TRUE(found.ok()) << expected.path;
    EXPECT_EQ((*found)->grpc_path, expected.grpc_path);
    EXPECT_EQ((*found)->request->GetDescriptor()->name(), expected.request);
    EXPECT_EQ((*found)->response->GetDescriptor()->name(), expected.response);
    EXPECT_EQ((*found)->streaming, expected.streaming) << expected.path;
  }
}

TEST(RouteTable, NothingButThose) {
  std::set<std::string> expected;
  for (const auto& entry : kExpected) expected.insert(entry.path);
  std::set<std::string> actual;
  for (const Route& route : table().routes()) actual.insert("/v3" + route.path);
  EXPECT_EQ(actual, expected);
  EXPECT_EQ(actual.size(), 48u + 3u);
}

TEST(RouteTable, TheOldPrefixesAreTheSameRoutes) {
  for (const Route& route : table().routes()) {
    for (const char* prefix : {"/v3", "/v3beta", "/v3alpha"}) {
      const auto found = table().find("POST", prefix + route.path);
      ASSERT_TRUE(found.ok()) << prefix << route.path;
      EXPECT_EQ(*found, &route);
    }
  }
}

TEST(RouteTable, AQueryStringIsIgnored) {
  EXPECT_EQ(table().find("POST", "/v3/kv/range?key=/v3/kv/put").value()->path, "/kv/range");
  EXPECT_EQ(table().find("POST", "/v3/kv/range?").value()->path, "/kv/range");
}

TEST(RouteTable, WrongMethodIsNotNotFound) {
  for (const char* method : {"GET", "PUT", "DELETE", "HEAD", "post", ""}) {
    const Status status = table().find(method, "/v3/kv/range").status();
    EXPECT_EQ(status.code(), StatusCode::kUnimplemented) << method;
    EXPECT_EQ(status.message(), "Method Not Allowed");
  }
}

TEST(RouteTable, UnknownPaths) {
  for (const char* path :
       {"", "/", "v3/kv/range", "/v3", "/v3/", "/v3/kv", "/v3/kv/range/", "/v3/kv/Range",
        "/v3//kv/range", "/v2/kv/range", "/v3gamma/kv/range", "/kv/range", "/v3/kv/rangestream",
        "/v3beta", "/v3?x=/kv/range", "/v3/kv/put/../range", "/etcdserverpb.KV/Range"}) {
    for (const char* method : {"POST", "GET"}) {
      const Status status = table().find(method, path).status();
      EXPECT_EQ(status.code(), StatusCode::kNotFound) << path;
      EXPECT_EQ(status.message(), "Not Found");
    }
  }
}

// What strict_json() takes for granted of every message a route can be sent.
TEST(RouteTable, RequestsHoldNoFieldKindThatTheReaderLacks) {
  using google::protobuf::Descriptor;
  using google::protobuf::FieldDescriptor;
  std::set<const Descriptor*> seen;
  std::vector<const Descriptor*> left;
  for (const Route& route : table().routes()) left.push_back(route.request->GetDescriptor());
  while (!left.empty()) {
    const Descriptor* type = left.back();
    left.pop_back();
    if (!seen.insert(type).second) continue;
    EXPECT_LE(type->field_count(), 64) << type->full_name();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      EXPECT_FALSE(field->is_map()) << field->full_name();
      EXPECT_NE(field->cpp_type(), FieldDescriptor::CPPTYPE_DOUBLE) << field->full_name();
      EXPECT_NE(field->cpp_type(), FieldDescriptor::CPPTYPE_FLOAT) << field->full_name();
      if (field->message_type() != nullptr) left.push_back(field->message_type());
    }
  }
  EXPECT_GT(seen.size(), 40u);
}

}  // namespace
}  // namespace gatehouse::transcode
