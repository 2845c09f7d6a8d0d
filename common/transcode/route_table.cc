#include "common/transcode/route_table.h"

#include <google/protobuf/descriptor.h>

#include "common/base/check.h"
#include "proto/rpc.pb.h"
#include "proto/v3election.pb.h"
#include "proto/v3lock.pb.h"

namespace gatehouse::transcode {
namespace {

struct PathOfMethod {
  const char* path;
  const char* method;
};

constexpr PathOfMethod kPaths[] = {
    {"/kv/range", "etcdserverpb.KV.Range"},
    {"/kv/put", "etcdserverpb.KV.Put"},
    {"/kv/deleterange", "etcdserverpb.KV.DeleteRange"},
    {"/kv/txn", "etcdserverpb.KV.Txn"},
    {"/kv/compaction", "etcdserverpb.KV.Compact"},
    {"/watch", "etcdserverpb.Watch.Watch"},
    {"/lease/grant", "etcdserverpb.Lease.LeaseGrant"},
    {"/lease/revoke", "etcdserverpb.Lease.LeaseRevoke"},
    {"/kv/lease/revoke", "etcdserverpb.Lease.LeaseRevoke"},
    {"/lease/keepalive", "etcdserverpb.Lease.LeaseKeepAlive"},
    {"/lease/timetolive", "etcdserverpb.Lease.LeaseTimeToLive"},
    {"/kv/lease/timetolive", "etcdserverpb.Lease.LeaseTimeToLive"},
    {"/lease/leases", "etcdserverpb.Lease.LeaseLeases"},
    {"/kv/lease/leases", "etcdserverpb.Lease.LeaseLeases"},
    {"/cluster/member/add", "etcdserverpb.Cluster.MemberAdd"},
    {"/cluster/member/remove", "etcdserverpb.Cluster.MemberRemove"},
    {"/cluster/member/update", "etcdserverpb.Cluster.MemberUpdate"},
    {"/cluster/member/list", "etcdserverpb.Cluster.MemberList"},
    {"/cluster/member/promote", "etcdserverpb.Cluster.MemberPromote"},
    {"/maintenance/alarm", "etcdserverpb.Maintenance.Alarm"},
    {"/maintenance/status", "etcdserverpb.Maintenance.Status"},
    {"/maintenance/defragment", "etcdserverpb.Maintenance.Defragment"},
    {"/maintenance/hash", "etcdserverpb.Maintenance.Hash"},
    {"/maintenance/hashkv", "etcdserverpb.Maintenance.HashKV"},
    {"/maintenance/snapshot", "etcdserverpb.Maintenance.Snapshot"},
    {"/maintenance/transfer-leadership", "etcdserverpb.Maintenance.MoveLeader"},
    {"/maintenance/downgrade", "etcdserverpb.Maintenance.Downgrade"},
    {"/auth/enable", "etcdserverpb.Auth.AuthEnable"},
    {"/auth/disable", "etcdserverpb.Auth.AuthDisable"},
    {"/auth/status", "etcdserverpb.Auth.AuthStatus"},
    {"/auth/authenticate", "etcdserverpb.Auth.Authenticate"},
    {"/auth/user/add", "etcdserverpb.Auth.UserAdd"},
    {"/auth/user/get", "etcdserverpb.Auth.UserGet"},
    {"/auth/user/list", "etcdserverpb.Auth.UserList"},
    {"/auth/user/delete", "etcdserverpb.Auth.UserDelete"},
    {"/auth/user/changepw", "etcdserverpb.Auth.UserChangePassword"},
    {"/auth/user/grant", "etcdserverpb.Auth.UserGrantRole"},
    {"/auth/user/revoke", "etcdserverpb.Auth.UserRevokeRole"},
    {"/auth/role/add", "etcdserverpb.Auth.RoleAdd"},
    {"/auth/role/get", "etcdserverpb.Auth.RoleGet"},
    {"/auth/role/list", "etcdserverpb.Auth.RoleList"},
    {"/auth/role/delete", "etcdserverpb.Auth.RoleDelete"},
    {"/auth/role/grant", "etcdserverpb.Auth.RoleGrantPermission"},
    {"/auth/role/revoke", "etcdserverpb.Auth.RoleRevokePermission"},
    {"/lock/lock", "v3lockpb.Lock.Lock"},
    {"/lock/unlock", "v3lockpb.Lock.Unlock"},
    {"/election/campaign", "v3electionpb.Election.Campaign"},
    {"/election/proclaim", "v3electionpb.Election.Proclaim"},
    {"/election/leader", "v3electionpb.Election.Leader"},
    {"/election/observe", "v3electionpb.Election.Observe"},
    {"/election/resign", "v3electionpb.Election.Resign"},
};

constexpr std::string_view kPrefixes[] = {"/v3", "/v3beta", "/v3alpha"};

Route make_route(const PathOfMethod& entry, const google::protobuf::DescriptorPool& pool) {
  const google::protobuf::MethodDescriptor* method = pool.FindMethodByName(entry.method);
  CHECK_MSG(method != nullptr, entry.method);
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  Route route;
  route.path = entry.path;
  route.grpc_path = "/" + method->service()->full_name() + "/" + method->name();
  route.streaming = method->client_streaming()   ? Streaming::kBidirectional
                    : method->server_streaming() ? Streaming::kServerStream
                                                 : Streaming::kUnary;
  route.request = factory->GetPrototype(method->input_type());
  route.response = factory->GetPrototype(method->output_type());
  CHECK(route.request != nullptr && route.response != nullptr);
  return route;
}

}  // namespace

const RouteTable& RouteTable::instance() {
  static const RouteTable table;
  return table;
}

RouteTable::RouteTable() {
  // A static library's files are linked, and their descriptors registered, only where a symbol of
  // them is used: ask each file for one.
  const google::protobuf::DescriptorPool* pool =
      etcdserverpb::RangeRequest::descriptor()->file()->pool();
  CHECK(v3lockpb::LockRequest::descriptor()->file()->pool() == pool);
  CHECK(v3electionpb::LeaderRequest::descriptor()->file()->pool() == pool);

  routes_.reserve(std::size(kPaths));
  for (const PathOfMethod& entry : kPaths) routes_.push_back(make_route(entry, *pool));
  for (const Route& route : routes_) CHECK(by_path_.emplace(route.path, &route).second);
}

Result<const Route*> RouteTable::find(std::string_view http_method, std::string_view path) const {
  path = path.substr(0, path.find('?'));
  const size_t end_of_prefix = path.find('/', 1);
  if (end_of_prefix != std::string_view::npos) {
    const std::string_view prefix = path.substr(0, end_of_prefix);
    for (const std::string_view known : kPrefixes) {
      if (prefix != known) continue;
      const auto found = by_path_.find(path.substr(end_of_prefix));
      if (found == by_path_.end()) break;
      if (http_method != "POST") return Status(StatusCode::kUnimplemented, "Method Not Allowed");
      return found->second;
    }
  }
  return not_found("Not Found");
}

}  // namespace gatehouse::transcode
