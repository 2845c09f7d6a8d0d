// CHECK: an invariant of our own code. It is on in every build and ends the process with one line
// that names the place.
//
// Never CHECK what foreign bytes, a peer, a file or an operator can cause: that is a Status.
#pragma once

#include <string_view>

namespace gatehouse {

// Prints "CHECK failed: <expression> at <file>:<line> <detail>" to standard error and aborts.
[[noreturn]] void check_failed(const char* expression, const char* file, int line,
                               std::string_view detail = {}) noexcept;

}  // namespace gatehouse

#define CHECK(condition)                             \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::gatehouse::check_failed(#condition, __FILE__, __LINE__))

// As CHECK, with a detail (anything that converts to std::string_view) evaluated only on failure.
#define CHECK_MSG(condition, detail)                 \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::gatehouse::check_failed(#condition, __FILE__, __LINE__, (detail)))
