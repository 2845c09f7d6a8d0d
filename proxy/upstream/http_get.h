// HttpGet: one GET over HTTP/1.1 to a member, for what members serve beside gRPC: /metrics,
// /version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/env/executor.h"
#include "common/net/dialer.h"

namespace gatehouse::upstream {

struct HttpResponse {
  int status = 0;
  std::string content_type;
  std::string body;
};

// A request under way on a connection of its own. Destroying it gives the request up; no callback
// comes after.
class HttpGet {
 public:
  // A member's metrics are some 100 kB; more than this is no answer of a member.
  static constexpr size_t kMaxBodyBytes = 16 * 1024 * 1024;

  using Done = UniqueFunction<void(Result<HttpResponse>)>;

  // `done` comes once, from a later turn; it may destroy the HttpGet. Unavailable with the address
  // when there is no whole answer in time. The dialer must offer http/1.1 only where it speaks TLS;
  // it and the executor must outlive the turn in which this is destroyed.
  HttpGet(env::Executor& executor, net::Dialer& dialer, const std::string& address,
          std::string path, uint64_t timeout_ms, Done done);
  ~HttpGet();
  HttpGet(const HttpGet&) = delete;
  HttpGet& operator=(const HttpGet&) = delete;

 private:
  class Request;
  env::Executor& executor_;
  std::unique_ptr<Request> request_;
};

}  // namespace gatehouse::upstream
