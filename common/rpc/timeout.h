// The grpc-timeout header: at most eight digits and a unit (H M S m u n). Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace gatehouse::rpc {

// Milliseconds, rounded up; below 2^49. InvalidArgument with grpc-go's text: `transport: timeout
// string is too short: "S"`, `… is too long: …`, `transport: timeout unit is not recognized: …`,
// `transport: malformed timeout: …`.
Result<uint64_t> parse_timeout(std::string_view text);

// The finest unit from milliseconds up in which the value has at most eight digits, rounded up:
// "250m", "100000S".
std::string format_timeout(uint64_t milliseconds);

}  // namespace gatehouse::rpc
