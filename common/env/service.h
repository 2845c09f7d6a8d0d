// The process as a service: what its supervisor is told and how it ends.
#pragma once

#include <string_view>

#include "common/base/status.h"

namespace gatehouse::env {

// Tells systemd (Type=notify), or whoever has set NOTIFY_SOCKET, how this process is: "READY=1"
// once it serves, "STOPPING=1" when it begins to stop; several lines in one text are one message.
// OK and nothing sent where the variable is not set. Unavailable or InvalidArgument says why it was
// not sent; nothing depends on it but the supervisor's patience. Does not block. See sd_notify(3).
Status notify_supervisor(std::string_view state);

// Ends the process as if it had not caught the signal that made it stop, so that a shell or a
// supervisor sees the signal in the exit status. Process 1, which a signal without a handler does
// not end, exits with 0. No destructors run; whatever must be written has been.
[[noreturn]] void end_by_signal(int signal);

// As Go programs do at their start: the soft limit of descriptors, 1024 in most places, is there for
// programs that use select(), and would be the number of clients. Where raising it is refused, it
// stays.
void raise_descriptor_limit();

// From now on no page of this process that is or comes into memory leaves it (mlockall(2), on fault: an
// address space larger than what is used costs nothing). Unavailable says why not: usually the limit
// of locked memory, which counts address space.
Status lock_memory();

}  // namespace gatehouse::env
