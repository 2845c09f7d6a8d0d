// The one table of commands and flags.
#pragma once

#include <vector>

#include "ctl/command.h"

namespace gatehouse::ctl {

// Built once; lives as long as the process.
const Command& command_table();

// Its parts, by heading.
std::vector<Command> key_value_commands();
std::vector<Command> maintenance_commands();
std::vector<Command> concurrency_commands();
std::vector<Command> authentication_commands();
std::vector<Command> utility_commands();

}  // namespace gatehouse::ctl
