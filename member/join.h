// What a first start asks of other members, before anything is written: whom it joins, or whether it
// was part of this cluster before.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "common/tls/reloading_context.h"
#include "member/membership/initial_cluster.h"
#include "member/membership/members.h"
#include "member/options.h"

namespace gatehouse::member {

struct RunningCluster {
  uint64_t id = 0;
  // With the ids they have there, and the names given by --initial-cluster.
  std::vector<membership::Member> members;
};

// --initial-cluster-state=existing. Errors in etcd's words: nobody answers, the members are others
// than `initial` says, their version is not one to go with. Blocks; runs a loop of its own.
Result<RunningCluster> find_running_cluster(const Options& options,
                                            const membership::InitialCluster& initial,
                                            const tls::ReloadingContext* dialing);

// --initial-cluster-state=new: a member of this id that has served already has lost its data, and
// must not vote a second time. Members that do not answer count as not yet started.
Status check_not_bootstrapped(const Options& options, const membership::InitialCluster& initial,
                              uint64_t id, const tls::ReloadingContext* dialing);

// The members of a running cluster get their ids: as many as `initial` has, each with the same peer
// URLs. Pure.
Result<std::vector<membership::Member>> match_members(const membership::InitialCluster& initial,
                                                      std::vector<membership::Member> running);

}  // namespace gatehouse::member
