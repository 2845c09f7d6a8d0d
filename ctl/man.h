// Manual pages (section 1, man(7) macros), written from the table of commands.
#pragma once

#include <string>

#include "ctl/command.h"

namespace gatehouse::ctl {

// The page of a command; the program's own lists all commands, the global flags, environment and
// exit codes.
std::string man_page(const CommandPath& path, const std::string& program);

}  // namespace gatehouse::ctl
