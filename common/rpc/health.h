// grpc.health.v1.Health: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/rpc/server.h"

namespace gatehouse::rpc {

enum class ServingStatus : uint8_t { kUnknown = 0, kServing = 1, kNotServing = 2 };

// The status of each service. "" is the server as a whole and serving from the start.
//
// Any thread may set and read. Watches are told on their own threads; a watcher that is slow misses
// states in between, never the last.
class HealthService {
 public:
  HealthService();
  ~HealthService();
  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;

  // Adds Check and Watch. Calls keep what they need alive themselves.
  void add_to(Server& server);

  void set(const std::string& service, ServingStatus status);
  // Forgets the service: Check says NotFound, Watch SERVICE_UNKNOWN.
  void clear(const std::string& service);
  // Every service, and those set later, are not serving: the server is about to go.
  void shut_down();

  struct Board;  // the statuses and who watches them

 private:
  std::shared_ptr<Board> board_;
};

}  // namespace gatehouse::rpc
