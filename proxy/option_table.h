// The table of the proxy's options: names, defaults and help. Private to options.cc.
#pragma once

#include "common/config/config.h"

namespace gatehouse::proxy {

// The two command lines of options.h.
enum class CommandLine : uint8_t { kPlain, kSubCommand };

config::Schema option_schema(CommandLine command_line);

}  // namespace gatehouse::proxy
