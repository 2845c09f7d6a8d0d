// Flags of etcd 3.4 to 3.6 that 3.7 has no more, and that command lines in the field still carry.
//
// Taken with a warning: those that were renamed, that became feature gates, or that ask for what
// happens anyway. Refused: those that ask for what no longer exists. A name is looked up as a flag,
// as a variable and as a key of the file alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "member/feature_gates.h"

namespace gatehouse::member {

// A flag that is now called otherwise.
struct RenamedOption {
  std::string_view name;
  std::string_view now;
};
const std::vector<RenamedOption>& renamed_options();

// The options of this table; `current` are those that renamed ones copy type and rules from.
std::vector<config::Option> legacy_options(const std::vector<config::Option>& current);

// The name under which the value of an option is to be looked up: an older one if that was given.
// InvalidArgument if both were.
Result<std::string> current_or_older_name(const config::Settings& settings, std::string_view name);

// The gates from --feature-gates and from the older boolean flags. InvalidArgument if a gate is
// set both ways.
Result<FeatureGates> feature_gates(const config::Settings& settings);

}  // namespace gatehouse::member
