// One log line as bytes. Private to the room.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include "common/log/json_text.h"
#include "common/log/log.h"

namespace gatehouse::log {

// Appends the line and its newline. The line itself contains no control character, so one call
// makes exactly one line whatever message and fields hold.
void append_line(Buffer& out, Format format, Level level,
                 std::chrono::system_clock::time_point time, Place place, std::string_view message,
                 std::span<const Field> fields);

}  // namespace gatehouse::log
