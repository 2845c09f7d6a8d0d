// What --version prints, and which etcd this member says it is.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::member {

// The release whose behaviour and protocol this is: in --version, /version and StatusResponse.
inline constexpr std::string_view kEtcdVersion = "3.7.1";

// Etcd's four lines, which scripts and test suites parse, and a fifth of ours:
//
//   etcd Version: 3.7.1
//   Git SHA: 5d69230aa
//   Go Version: none (C++20, g++ 12.2.0)
//   Go OS/Arch: linux/amd64
//   Gatehouse Version: 0.1.0
std::string version_text();

}  // namespace gatehouse::member
