// The table of the member's options: names, defaults, keys and help. Private to the command line.
#pragma once

#include <vector>

#include "common/config/config.h"

namespace gatehouse::member {

// Everything: 3.7.1's options, those of older releases, and the flags that are silently ignored.
config::Schema option_schema();

// Its parts, in this order.
std::vector<config::Option> member_options();   // member and clustering
std::vector<config::Option> service_options();  // security, logging, metrics, checks, unsafe
std::vector<config::Option> discovery_options();
std::vector<config::Option> ignored_options();

}  // namespace gatehouse::member
