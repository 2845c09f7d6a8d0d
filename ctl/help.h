// Help, written from the table of commands.
#pragma once

#include <string>

#include "ctl/command.h"

namespace gatehouse::ctl {

// "gatehousectl lease grant".
std::string called_as(const CommandPath& path, const std::string& program);

// What --help prints: the summary or the details, then the usage, then where to read on.
std::string help_text(const CommandPath& path, const std::string& program);

// What follows a wrong use: the line with the words, and the flags.
std::string usage_text(const CommandPath& path, const std::string& program);

// The flags that every command has: `options`.
std::string options_text(const Command& root);

std::string_view heading_text(Heading heading);

// "string", "int", "duration", …; "" for a bool, which takes no value.
std::string_view kind_text(FlagKind kind);

}  // namespace gatehouse::ctl
