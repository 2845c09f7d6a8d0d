// The CPU time processes have used, from /proc/PID/stat (proc(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::bench {

// User and system time of the process and its threads, in microseconds; the kernel tells it in
// steps of 10 ms. NotFound names a process that is not there.
Result<uint64_t> process_cpu_us(pid_t pid);
Result<uint64_t> process_cpu_us(const std::vector<pid_t>& pids);  // their sum

// The same from the text of a stat file; the name of the program, in parentheses, may hold
// anything.
Result<uint64_t> cpu_us_from_stat(std::string_view stat, long ticks_per_second);

// What this process has used itself: to see when the tool is what limits.
uint64_t own_cpu_us();

}  // namespace gatehouse::bench
