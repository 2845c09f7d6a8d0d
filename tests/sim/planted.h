// The switches of planted bugs: see bugs.txt and plant.py.
#pragma once

#include <string_view>

namespace gatehouse::sim {

// Is this bug the one that is switched on?
bool planted(std::string_view name);

}  // namespace gatehouse::sim
