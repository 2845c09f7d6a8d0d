#include "common/loop/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "common/base/check.h"

namespace gatehouse::loop {
namespace {

constexpr size_t kUnixPathOffset = offsetof(sockaddr_un, sun_path);

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t bytes)
    : size_(std::min<socklen_t>(bytes, sizeof(storage_))) {
  std::memcpy(&storage_, address, size_);
}

Result<SocketAddress> SocketAddress::ip(const std::string& host, uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    return SocketAddress(reinterpret_cast<sockaddr*>(&v4), sizeof(v4));
  }
  // A zone needs the kernel's interface numbers: getaddrinfo knows both notations.
  addrinfo hints{};
  hints.ai_family = AF_INET6;
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) {
    return invalid_argument("\"" + host + "\" is not an IP address");
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, found->ai_addr, sizeof(v6));
  freeaddrinfo(found);
  v6.sin6_port = htons(port);
  return SocketAddress(reinterpret_cast<sockaddr*>(&v6), sizeof(v6));
}

Result<SocketAddress> SocketAddress::unix_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return invalid_argument("unix socket path \"" + path + "\": must have 1 to " +
                            std::to_string(sizeof(address.sun_path) - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool abstract = path.front() == '@';
  if (abstract) address.sun_path[0] = '\0';
  // An abstract name ends where the address does, a path at its zero byte.
  const size_t bytes = kUnixPathOffset + path.size() + (abstract ? 0 : 1);
  return SocketAddress(reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(bytes));
}

uint16_t SocketAddress::port() const {
  // The port stands at the same place in both.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  if (family() != AF_INET && family() != AF_INET6) return 0;
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
}

std::string SocketAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  switch (family()) {
    case AF_INET: {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage_);
      inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
      return std::string(text) + ":" + std::to_string(port());
    }
    case AF_INET6: {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage_);
      // An IPv4 peer of a dual-stack socket is an IPv4 peer.
      if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, text, sizeof(text));
        return std::string(text) + ":" + std::to_string(port());
      }
      inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
      std::string zone;
      char name[IF_NAMESIZE];
      if (v6->sin6_scope_id != 0 && if_indextoname(v6->sin6_scope_id, name) != nullptr) {
        zone = std::string("%") + name;
      }
      return "[" + std::string(text) + zone + "]:" + std::to_string(port());
    }
    case AF_UNIX: {
      if (size_ <= kUnixPathOffset) return "@";
      const auto* local = reinterpret_cast<const sockaddr_un*>(&storage_);
      const size_t bytes = size_ - kUnixPathOffset;
      if (local->sun_path[0] == '\0') return "unix:@" + std::string(local->sun_path + 1, bytes - 1);
      return "unix:" + std::string(local->sun_path, strnlen(local->sun_path, bytes));
    }
    default:
      return "unspecified";
  }
}

}  // namespace gatehouse::loop
