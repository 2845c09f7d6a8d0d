#include "proxy/upstream/leader_calls.h"

#include <algorithm>

namespace gatehouse::upstream {

namespace {

constexpr std::string_view kPaths[] = {
    "/etcdserverpb.KV/Put",
    "/etcdserverpb.KV/Txn",
    "/etcdserverpb.KV/DeleteRange",
    "/etcdserverpb.KV/Compact",
    "/etcdserverpb.Lease/LeaseGrant",
    "/etcdserverpb.Lease/LeaseRevoke",
    "/etcdserverpb.Lease/LeaseTimeToLive",
    "/etcdserverpb.Cluster/MemberAdd",
    "/etcdserverpb.Cluster/MemberRemove",
    "/etcdserverpb.Cluster/MemberUpdate",
    "/etcdserverpb.Cluster/MemberPromote",
    // Others do not even pass it on.
    "/etcdserverpb.Maintenance/MoveLeader",
};

}  // namespace

bool is_for_leader(std::string_view path) {
  return std::find(std::begin(kPaths), std::end(kPaths), path) != std::end(kPaths);
}

}  // namespace gatehouse::upstream
