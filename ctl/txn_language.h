// What is typed into txn: comparisons and requests, a line each.
#pragma once

#include <string>
#include <string_view>

#include "ctl/exit.h"
#include "proto/rpc.pb.h"

namespace gatehouse::ctl {

// `mod("key") > "0"`. kExitInvalidInput in etcdctl's words.
Exit parse_compare(std::string_view line, etcdserverpb::Compare& compare);

// `put key "a value" --lease=1234`: put, get or del.
Exit parse_request(std::string_view line, etcdserverpb::RequestOp& op);

}  // namespace gatehouse::ctl
