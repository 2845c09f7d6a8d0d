// From the command line to a command's function, as Go's cobra does it: etcdctl's users know what
// `comp`, `lease` alone and a typing error lead to.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ctl/command.h"
#include "ctl/flags.h"

namespace gatehouse::ctl {

// The command that the arguments (without the program's name) name, by full names or prefixes that
// fit one command only, and the arguments that are left for it. Global flags may stand before it.
struct Found {
  CommandPath path;
  std::vector<std::string> arguments;
};
Found find_command(const Command& root, std::span<const std::string> arguments);

// The flags of the last of `path`: its own, then those shared from above.
std::vector<const Flag*> flags_of(const CommandPath& path);

// `unknown command "comp" for "gatehousectl"` with what may have been meant.
std::string unknown_command(const Command& root, const std::string& program,
                            const std::string& word);

// Runs it and prints its error; the process's exit code.
int run_program(const Command& root, const std::string& program,
                std::span<const std::string> arguments);

}  // namespace gatehouse::ctl
