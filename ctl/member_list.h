// Who is in the cluster, and each of its endpoints by itself: for commands that go through them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ctl/exit.h"
#include "ctl/rpc.h"
#include "proto/rpc.pb.h"

namespace gatehouse::ctl {

class Invocation;

Exit read_members(Client& client, bool linearizable, etcdserverpb::MemberListResponse& response);

// Those of --endpoints, or with --cluster all client URLs of the member list.
Exit chosen_endpoints(Invocation& in, std::vector<std::string>& endpoints);

// A client of that endpoint alone, with the global flags. What it cannot do is in the Status.
Result<std::unique_ptr<Client>> connect_to(Invocation& in, const std::string& endpoint);

}  // namespace gatehouse::ctl
