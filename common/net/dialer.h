// Dialer: makes a ByteStream to an address. The door through which everything that connects goes,
// so that tests and simulation can put a network of their own behind it (net::MemoryNetwork).
#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/env/byte_stream.h"

namespace gatehouse::net {

// An attempt under way. Destroying it gives the attempt up; its callback will not come.
class Dial {
 public:
  virtual ~Dial() = default;
};

class Dialer {
 public:
  using Done = UniqueFunction<void(Result<std::unique_ptr<env::ByteStream>>)>;

  virtual ~Dialer() = default;

  // Connects (resolving a host name, and finishing the TLS handshake where the dialer was made with
  // TLS) within the dialer's time limit. `done` comes once, from a later turn, unless the Dial is
  // destroyed first. Errors are Unavailable and name the address: "dial 127.0.0.1:2379: connection
  // refused".
  virtual std::unique_ptr<Dial> dial(const std::string& address, Done done) = 0;
};

}  // namespace gatehouse::net
