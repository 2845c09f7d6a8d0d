// What a role permits, as role get and user get --detail show it.
#pragma once

#include <string>

#include "ctl/output.h"
#include "proto/rpc.pb.h"

namespace gatehouse::ctl {

Look look_of(const std::string& role, const etcdserverpb::AuthRoleGetResponse& response);

}  // namespace gatehouse::ctl
