// What is checked while an option is read, so that a bad flag ends with exit code 2. Private to the
// option tables.
#pragma once

#include "common/config/config.h"

namespace gatehouse::member {

// kList: URLs as parse_urls takes them, or nothing, which is the default.
Status urls_rule(const config::Value& value);
// kList: the same, or "*" alone, but not nothing.
Status cors_rule(const config::Value& value);
// kString: "Name=true,…".
Status feature_gates_rule(const config::Value& value);
// kString: a level by name.
Status log_level_rule(const config::Value& value);
// kDuration, kInt64.
Status not_negative_rule(const config::Value& value);
Status above_zero_rule(const config::Value& value);

}  // namespace gatehouse::member
