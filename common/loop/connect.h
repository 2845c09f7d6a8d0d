// Resolving a host name and connecting, without blocking the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/loop/event_loop.h"
#include "common/loop/socket_address.h"
#include "common/loop/unique_fd.h"

namespace gatehouse::loop {

// Something under way. Destroying it gives it up; its callback will not come. It may be destroyed
// inside that callback.
class Attempt {
 public:
  virtual ~Attempt() = default;
};

// Looks the host up (numeric, /etc/hosts, DNS: getaddrinfo on a pool thread). `done` comes once,
// from a later turn, with at least one address in the order to try them (RFC 6724). Errors are
// Unavailable: "lookup example.test: name or service not known".
std::unique_ptr<Attempt> resolve(EventLoop& loop, const std::string& host, uint16_t port,
                                 UniqueFunction<void(Result<std::vector<SocketAddress>>)> done);

// The same for a program that starts up: blocks.
Result<std::vector<SocketAddress>> resolve_blocking(const std::string& host, uint16_t port);

// Connects to the first address that answers, trying them in order. Each but the last gets its even
// share of the time that is left, two seconds at least (as Go's dialer), so that one dead address
// does not eat it all. `done` comes once, from a later turn, with a connected non-blocking socket.
// Errors are Unavailable, of the last address tried: "connection refused", "i/o timeout".
std::unique_ptr<Attempt> connect(EventLoop& loop, std::vector<SocketAddress> addresses,
                                 uint64_t timeout_ms, UniqueFunction<void(Result<UniqueFd>)> done);

}  // namespace gatehouse::loop
