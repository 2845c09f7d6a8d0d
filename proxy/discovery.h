// Where the members are, when the operator names a domain instead of addresses (--discovery-srv).
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "proxy/options.h"

namespace gatehouse::proxy {

// The endpoints of the options, or those that the SRV records
// _etcd-client-ssl[-<name>]._tcp.<domain> and _etcd-client[-<name>]._tcp.<domain> tell, best
// priority first. Records of the second kind, which cannot be authenticated, count only with
// --insecure-discovery. Blocks while it asks; NotFound when there is none.
Result<std::vector<std::string>> find_endpoints(const Options& options, const log::Logger& logger);

}  // namespace gatehouse::proxy
