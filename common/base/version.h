// What version this is, for --version of all programs.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

extern const std::string_view kVersion;  // CMake's project version, "0.1.0"

// Of the work tree that CMake was run in; "unknown" outside one.
std::string_view git_commit();
// "g++ 12.2.0".
std::string_view compiler();
// As Go names them, "linux/amd64"; "unknown/unknown" where the system does not say.
std::string system_and_machine();

}  // namespace gatehouse
