// The command line: from words to options. Private to the room.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"

namespace gatehouse::config {

struct Flags {
  std::vector<std::optional<Value>> values;  // as Schema::options
  bool help = false;                         // nothing after it was looked at
};

// The message is without usage and newline; exit_code and wording are those of schema.syntax.
struct FlagError {
  int exit_code;
  std::string message;
  bool show_usage;
};

std::variant<Flags, FlagError> parse_flags(const Schema& schema,
                                           std::span<const std::string_view> arguments);

}  // namespace gatehouse::config
