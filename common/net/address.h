// Address: where to listen or connect, as users write it.
//
//   host:port             TCP; "[::1]:2379" for IPv6, ":2379" for every local address
//   http://host:port      TCP in clear text; a single "/" may follow
//   https://host:port     TLS over TCP
//   unix:path unix://path Unix socket; the path as it stands ("unix:///run/x" is /run/x); "@name"
//   is
//                         of Linux's abstract namespace
//   unixs:… unixs://…     TLS over that
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace gatehouse::net {

struct Address {
  enum class Kind : uint8_t { kTcp, kUnix };
  // What the scheme says. kUnstated ("host:port", "unix:") takes TLS if it is configured, as etcd's
  // client does.
  enum class Security : uint8_t { kUnstated, kClear, kTls };

  Kind kind = Kind::kTcp;
  Security security = Security::kUnstated;
  std::string host;   // TCP: name or number, without brackets; "" is every local address
  uint16_t port = 0;  // TCP
  std::string path;   // Unix

  bool tls() const { return security == Security::kTls; }

  // "127.0.0.1:2379", "[::1]:2379", "unix:/run/x": without http:// and https://.
  // Reads back as the same but for security, unless a host is called "unix" or "unixs" or a path
  // begins with "//".
  std::string to_string() const;

  friend bool operator==(const Address&, const Address&) = default;
};

// InvalidArgument names the text and what is wrong: `address "localhost": missing port`.
Result<Address> parse_address(std::string_view text);

}  // namespace gatehouse::net
