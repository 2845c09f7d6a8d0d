// --discovery-srv: the members of a new cluster as DNS names them (RFC 2782), in place of
// --initial-cluster. _etcd-server-ssl[-<name>]._tcp.<domain> names those that are reached by https,
// _etcd-server[-<name>]._tcp.<domain> the others. A record has no name of a member: the one that
// leads to an advertised URL of this member has its name, others are "0", "1" and so on, until the
// members tell their names themselves. Ids depend on URLs and token only.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "common/loop/srv_resolver.h"
#include "member/membership/initial_cluster.h"
#include "member/options.h"

namespace gatehouse::member {

// Blocks while it asks; for the start. Errors name the domain and what is missing: no record of
// either kind, none that leads here, or one whose scheme is not that of the advertised URL.
Result<membership::InitialCluster> discover_by_srv(const Options& options,
                                                   const log::Logger& logger);

struct SrvMembers {
  std::string scheme;  // "http", "https"
  std::vector<loop::SrvRecord> records;
};
// What the records make. Pure, but for `resolve`.
Result<membership::InitialCluster> cluster_of(const std::vector<SrvMembers>& found,
                                              const std::string& name,
                                              const std::vector<std::string>& advertised,
                                              const membership::Resolve& resolve);

// "http://localhost:2380" -> "http://127.0.0.1:2380"; the URL itself where its host has no address.
// Blocks.
std::string resolve_url(const std::string& url);

}  // namespace gatehouse::member
