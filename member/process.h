// What a member tells those that started it: systemd that it is ready, its parent how it ended.
#pragma once

#include <string_view>

namespace gatehouse::member {

// sd_notify(3): a datagram to NOTIFY_SOCKET, such as "READY=1". Nothing without one.
void notify_supervisor(std::string_view state);

// As a raised file descriptor limit is in Go programs: the soft one is for programs that select().
void raise_descriptor_limit();

// Ends the process as the signal would have ended it, so that the parent sees which it was. Process
// 1 of a container cannot be ended that way, and returns.
void end_by_signal(int signal);

}  // namespace gatehouse::member
