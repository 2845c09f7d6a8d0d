// What a member tells of itself by HTTP, next to gRPC.
#pragma once

#include <string>

#include "common/base/result.h"
#include "ctl/rpc.h"

namespace gatehouse::ctl {

// process_resident_memory_bytes of the endpoint's /metrics. Unimplemented for TLS and unix sockets.
Result<double> process_memory(const std::string& endpoint, const Credentials& tls);

}  // namespace gatehouse::ctl
