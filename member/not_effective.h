// What the command line takes and this release does not do: the one list of it.
//
// Whoever makes an option work takes its line out. A line counts when the option is given with a
// value other than its default; then either the start-up log says so, or, where a member that
// ignores it would do harm (join the wrong cluster, trust the wrong token), it does not start.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/config/config.h"
#include "member/feature_gates.h"

namespace gatehouse::member {

struct NotEffective {
  std::string_view option;        // its name in 3.7
  std::string_view value_prefix;  // "": any value but the default
  enum class Then : uint8_t { kTell, kTellOfPart, kRefuse } then;
  std::string_view because;
};
std::span<const NotEffective> not_yet_effective();

// A gate that is set to other than its default and changes nothing.
struct GateNotEffective {
  bool FeatureGates::*gate;
  std::string_view because;
};
std::span<const GateNotEffective> gates_not_yet_effective();

// What of the two lists applies: "--enable-pprof: <because>", appended to `told`. InvalidArgument
// for the first that is to be refused.
class OptionValues;
Status find_not_effective(const config::Schema& schema, const OptionValues& values,
                          const FeatureGates& gates, std::vector<std::string>* told);

}  // namespace gatehouse::member
