// From text to Value by an option's type. Private to the room.
#pragma once

#include <string_view>

#include "common/base/result.h"
#include "common/config/config.h"

namespace gatehouse::config {

// Reads the text by the option's type and asks its validator. InvalidArgument: what is wrong, not
// with what.
Result<Value> parse_value(const Option& option, std::string_view text);

// Go's %q, close enough for messages.
std::string quote(std::string_view text);

// The variable of an option, "" when it has none.
std::string environment_name(const Schema& schema, const Option& option);

// The path of an option in the file, "" when it has none.
std::string file_key(const Option& option);

}  // namespace gatehouse::config
