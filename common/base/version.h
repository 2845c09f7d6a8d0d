// What version this is: CMake's project version.
#pragma once

#include <string_view>

namespace gatehouse {

extern const std::string_view kVersion;  // "0.1.0"

}  // namespace gatehouse
