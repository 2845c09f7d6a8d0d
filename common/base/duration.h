// Durations as Go writes and reads them ("1h30m", "100ms", "1.5s"): the form of etcd's flags,
// configuration files and logs. https://pkg.go.dev/time#ParseDuration, #Duration.String
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace gatehouse {

// Accepts an optional sign, then one or more decimal numbers each with a unit (ns us µs μs ms s m
// h), or "0". InvalidArgument with Go's own message (`time: invalid duration "x"`, `time: missing
// unit in duration "5"`, `time: unknown unit "d" in duration "1d"`) otherwise, and when the value
// does not fit 64 bits of nanoseconds.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// "0s", "1.5s", "100ms", "250µs", "2h0m0s", "-1m30s".
std::string format_duration(std::chrono::nanoseconds value);

}  // namespace gatehouse
