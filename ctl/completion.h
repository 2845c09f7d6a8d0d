// Completion scripts, written from the table of commands.
#pragma once

#include <string>
#include <string_view>

#include "ctl/command.h"

namespace gatehouse::ctl {

// `shell`: bash, zsh or fish. Commands, their flags, and values of flags with a known choice.
std::string completion_script(std::string_view shell, const Command& root,
                              const std::string& program);

}  // namespace gatehouse::ctl
