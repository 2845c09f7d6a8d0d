// The services of a member, one file each. Each function adds its methods to the server of one event
// loop; `context` is that loop's and outlives the server.
#pragma once

#include "common/rpc/server.h"
#include "member/api/context.h"

namespace gatehouse::api {

void add_kv(rpc::Server& server, Context& context);
void add_lease(rpc::Server& server, Context& context);
void add_maintenance(rpc::Server& server, Context& context);
void add_cluster(rpc::Server& server, Context& context);
// AuthStatus says "off"; the others are refused until there are users.
void add_auth(rpc::Server& server, Context& context);

// For the files of this room.
void add_kv_reads(rpc::Server& server, Context& context);
void add_kv_writes(rpc::Server& server, Context& context);

}  // namespace gatehouse::api
