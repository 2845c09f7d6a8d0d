// The Status of a failed file operation, the same from the disk and from the simulation.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"

namespace gatehouse::env {

// "<operation> <path>: <text of the errno, in lower case as Go prints it>"; codes as file_system.h
// lists them.
Status file_error(std::string_view operation, std::string_view path, int error_number);

}  // namespace gatehouse::env
