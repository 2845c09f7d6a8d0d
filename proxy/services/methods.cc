#include "proxy/services/methods.h"

namespace gatehouse::services {

namespace {

using rpc::MethodKind;
using upstream::Repeat;

constexpr std::string_view kKv = "etcdserverpb.KV";
constexpr std::string_view kWatch = "etcdserverpb.Watch";
constexpr std::string_view kLease = "etcdserverpb.Lease";
constexpr std::string_view kCluster = "etcdserverpb.Cluster";
constexpr std::string_view kMaintenance = "etcdserverpb.Maintenance";
constexpr std::string_view kAuth = "etcdserverpb.Auth";
constexpr std::string_view kLock = "v3lockpb.Lock";
constexpr std::string_view kElection = "v3electionpb.Election";

constexpr auto kUnary = MethodKind::kUnary;
constexpr auto kServerStream = MethodKind::kServerStream;
constexpr auto kBidiStream = MethodKind::kBidiStream;
constexpr auto kNever = Repeat::kNever;
constexpr auto kUntilAnswered = Repeat::kUntilAnswered;

constexpr Rpc kRpcs[] = {
    {kKv, "Range", kUnary, kUntilAnswered},
    {kKv, "RangeStream", kServerStream, kUntilAnswered},
    {kKv, "Put", kUnary, kNever},
    {kKv, "DeleteRange", kUnary, kNever},
    {kKv, "Txn", kUnary, kNever},
    {kKv, "Compact", kUnary, kNever},
    {kWatch, "Watch", kBidiStream, kUntilAnswered},
    {kLease, "LeaseGrant", kUnary, kNever},
    {kLease, "LeaseRevoke", kUnary, kNever},
    {kLease, "LeaseKeepAlive", kBidiStream, kUntilAnswered},
    {kLease, "LeaseTimeToLive", kUnary, kUntilAnswered},
    {kLease, "LeaseLeases", kUnary, kUntilAnswered},
    {kCluster, "MemberAdd", kUnary, kNever},
    {kCluster, "MemberRemove", kUnary, kNever},
    {kCluster, "MemberUpdate", kUnary, kNever},
    {kCluster, "MemberList", kUnary, kUntilAnswered},
    {kCluster, "MemberPromote", kUnary, kNever},
    // One RPC for asking, raising and disarming.
    {kMaintenance, "Alarm", kUnary, kNever},
    {kMaintenance, "Status", kUnary, kUntilAnswered},
    {kMaintenance, "Defragment", kUnary, kNever},
    {kMaintenance, "Hash", kUnary, kUntilAnswered},
    {kMaintenance, "HashKV", kUnary, kUntilAnswered},
    {kMaintenance, "Snapshot", kServerStream, kUntilAnswered},
    {kMaintenance, "MoveLeader", kUnary, kNever},
    {kMaintenance, "Downgrade", kUnary, kNever},
    {kAuth, "AuthEnable", kUnary, kNever},
    {kAuth, "AuthDisable", kUnary, kNever},
    {kAuth, "AuthStatus", kUnary, kUntilAnswered},
    // A second token does no harm.
    {kAuth, "Authenticate", kUnary, kUntilAnswered},
    {kAuth, "UserAdd", kUnary, kNever},
    {kAuth, "UserGet", kUnary, kUntilAnswered},
    {kAuth, "UserList", kUnary, kUntilAnswered},
    {kAuth, "UserDelete", kUnary, kNever},
    {kAuth, "UserChangePassword", kUnary, kNever},
    {kAuth, "UserGrantRole", kUnary, kNever},
    {kAuth, "UserRevokeRole", kUnary, kNever},
    {kAuth, "RoleAdd", kUnary, kNever},
    {kAuth, "RoleGet", kUnary, kUntilAnswered},
    {kAuth, "RoleList", kUnary, kUntilAnswered},
    {kAuth, "RoleDelete", kUnary, kNever},
    {kAuth, "RoleGrantPermission", kUnary, kNever},
    {kAuth, "RoleRevokePermission", kUnary, kNever},
    {kLock, "Lock", kUnary, kNever},
    {kLock, "Unlock", kUnary, kNever},
    {kElection, "Campaign", kUnary, kNever},
    {kElection, "Proclaim", kUnary, kNever},
    {kElection, "Leader", kUnary, kUntilAnswered},
    {kElection, "Observe", kServerStream, kUntilAnswered},
    {kElection, "Resign", kUnary, kNever},
};

}  // namespace

std::span<const Rpc> all_rpcs() { return kRpcs; }

}  // namespace gatehouse::services
