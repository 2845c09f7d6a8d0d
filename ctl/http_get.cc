#include "ctl/http_get.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace gatehouse::ctl {
namespace {

constexpr size_t kMaxAnswerBytes = 64 << 20;

int connect_to_host(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &list) != 0) return -1;
  int fd = -1;
  for (const addrinfo* at = list; at != nullptr && fd < 0; at = at->ai_next) {
    fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(list);
  return fd;
}

// HTTP/1.0: the answer ends with the connection, and comes in one piece.
Result<std::string> get(const std::string& host, const std::string& port, const std::string& path) {
  const int fd = connect_to_host(host, port);
  if (fd < 0) return unavailable("cannot connect to " + host + ":" + port);
  const std::string request =
      "GET " + path + " HTTP/1.0\r\nHost: " + host + ":" + port + "\r\n\r\n";
  const bool sent = send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
                    static_cast<ssize_t>(request.size());
  std::string answer;
  char piece[16384];
  ssize_t got = sent ? 1 : -1;
  while (got > 0 && answer.size() < kMaxAnswerBytes) {
    got = recv(fd, piece, sizeof piece, 0);
    if (got > 0) answer.append(piece, static_cast<size_t>(got));
  }
  close(fd);
  if (got < 0) return unavailable("no answer from " + host + ":" + port);
  return answer;
}

}  // namespace

Result<double> process_memory(const std::string& endpoint, const Credentials& tls) {
  constexpr std::string_view kName = "\nprocess_resident_memory_bytes ";
  std::string place = endpoint;
  if (const size_t scheme = place.find("://"); scheme != std::string::npos) {
    if (place.substr(0, scheme) != "http") {
      return Status(StatusCode::kUnimplemented,
                    "only endpoints without TLS can be asked for metrics");
    }
    place = place.substr(scheme + 3);
  } else if (tls.use) {
    return Status(StatusCode::kUnimplemented,
                  "only endpoints without TLS can be asked for metrics");
  }
  const size_t colon = place.rfind(':');
  std::string host = place.substr(0, colon);
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const Result<std::string> answer =
      get(host, colon == std::string::npos ? "2379" : place.substr(colon + 1), "/metrics");
  GATEHOUSE_RETURN_IF_ERROR(answer.status());
  const size_t at = answer->find(kName);
  if (at == std::string::npos) {
    return not_found("could not find the metric process_resident_memory_bytes");
  }
  return std::strtod(answer->c_str() + at + kName.size(), nullptr);
}

}  // namespace gatehouse::ctl
