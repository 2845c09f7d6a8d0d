// A member from start to end: storage, replica, services, listeners, and the order in which they
// come and go. Wiring, no logic.
#pragma once

#include "common/base/status.h"
#include "common/log/log.h"
#include "member/options.h"

namespace gatehouse::member {

struct Ended {
  Status status;   // why it could not serve, or could not go on
  int signal = 0;  // that ended it; 0: none
};

// Returns when the member has ended.
Ended run(const Options& options, const log::Logger& logger);

}  // namespace gatehouse::member
