// Proxy: the process: loops, listeners, workers, signals, and the order in which they come and go.
#pragma once

#include "common/base/status.h"
#include "common/log/log.h"
#include "proxy/options.h"

namespace gatehouse::proxy {

// Serves until SIGTERM or SIGINT, then drains. Returns OK after that, or why it could not start.
Status run(const Options& options, const log::Logger& logger);

}  // namespace gatehouse::proxy
