// What --version prints.
#pragma once

#include <string>

namespace gatehouse::proxy {

// Four lines in the form of etcd's, the first "gatehouse-proxy Version: 0.1.0".
std::string version_text();

}  // namespace gatehouse::proxy
