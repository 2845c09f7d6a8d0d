// grpc.reflection.v1 and v1alpha ServerReflectionInfo: what services there are and their
// descriptors, out of protobuf's generated pool. What grpcurl and grpc_cli ask.
// https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
#pragma once

#include "common/rpc/server.h"

namespace gatehouse::rpc {

// Adds both versions. list_services names the services `server` has when asked, these included.
// `server` must be the one that serves.
void add_reflection(Server& server);

}  // namespace gatehouse::rpc
