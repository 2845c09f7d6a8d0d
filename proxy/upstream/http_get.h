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
#include "common/http/exchange.h"
#include "common/httpio/client_connection.h"
#include "common/net/dialer.h"

namespace gatehouse::upstream {

struct HttpResponse {
  int status = 0;
  std::string content_type;
  std::string body;
};

// A request under way on a connection of its own. Destroying it gives the request up; no callback
// comes after.
class HttpGet final : private httpio::ClientConnection::Listener,
                      private http::ClientStreamHandler {
 public:
  // A member's metrics are some 100 kB; more than this is no answer of a member.
  static constexpr size_t kMaxBodyBytes = 16 * 1024 * 1024;

  using Done = UniqueFunction<void(Result<HttpResponse>)>;

  // `done` comes once, from a later turn; it may destroy the HttpGet. Unavailable with the address
  // when there is no whole answer in time. The dialer must offer http/1.1 only where it speaks TLS.
  HttpGet(env::Executor& executor, net::Dialer& dialer, const std::string& address,
          std::string path, uint64_t timeout_ms, Done done);
  ~HttpGet();

 private:
  void on_connection_state(httpio::ClientConnection& connection,
                           httpio::ClientConnection::State state) override;
  void on_can_open(httpio::ClientConnection&) override {}

  void on_head(int status, const http::Headers& headers) override;
  void on_body(std::string_view bytes) override;
  void on_end(const http::Headers& trailers) override;
  void on_abort(const http::Abort& abort) override;

  void finish(Result<HttpResponse> result);

  env::Executor& executor_;
  const std::string path_;
  Done done_;
  HttpResponse response_;
  env::Timer deadline_;
  http::ClientStream* stream_ = nullptr;
  std::unique_ptr<httpio::ClientConnection> connection_;
};

}  // namespace gatehouse::upstream
