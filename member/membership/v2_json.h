// The membership as a dump of etcd's v2 store: what .snap files and snapshots between members carry
// beside the database, and etcd 3.4 to 3.6 start from. The smallest form that they take.
#pragma once

#include <string>

#include "member/membership/cluster.h"

namespace gatehouse::membership {

std::string v2_json(const Cluster& cluster);

}  // namespace gatehouse::membership
