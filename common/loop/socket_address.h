// SocketAddress: where a socket is bound or connected, as the kernel takes it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace gatehouse::loop {

class SocketAddress {
 public:
  SocketAddress() = default;  // family() is AF_UNSPEC
  SocketAddress(const sockaddr* address, socklen_t bytes);

  // A numeric IPv4 or IPv6 address, the latter without brackets, with or without "%zone".
  // InvalidArgument otherwise.
  static Result<SocketAddress> ip(const std::string& host, uint16_t port);
  // A path of at most 107 bytes; "@name" is of the abstract namespace. InvalidArgument otherwise.
  static Result<SocketAddress> unix_path(const std::string& path);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  uint16_t port() const;  // 0 for a Unix socket

  // "127.0.0.1:2379", "[::1]:2379", "unix:/run/x.sock", "@" for an unnamed Unix socket.
  std::string to_string() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace gatehouse::loop
