// Client: calls to a cluster on stock gRPC, as etcd's own client makes them. The only file of the
// tool that includes <grpcpp/...> is rpc.cc: compile time, and one place that knows.
//
// Errors carry etcd's text ("etcdserver: key is not provided"), "context deadline exceeded", or
// "rpc error: code = Unimplemented desc = …" for what is not etcd's.
//
// Any thread; a Stream has at most one reader and one writer at a time.
#pragma once

#include <google/protobuf/message.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::ctl {

struct Credentials {
  bool use = false;  // TLS for endpoints without a scheme
  std::string ca;    // PEM; "": the system's
  std::string certificate;
  std::string key;
  bool verify = true;
};

struct ClientOptions {
  std::vector<std::string> endpoints;  // host:port, http://…, https://…, unix://…, unixs://…
  Credentials tls;
  std::chrono::nanoseconds dial_timeout{};
  std::chrono::nanoseconds command_timeout{};
  std::chrono::nanoseconds keepalive_time{};
  std::chrono::nanoseconds keepalive_timeout{};
  int64_t max_request_bytes = 0;  // 0: 2 MiB
  int64_t max_receive_bytes = 0;  // 0: no limit
  std::string user;               // "": none
  std::string password;
  std::string token;  // ready-made (--auth-jwt-token)
};

// A method of the contract and its messages (methods.h). Repeatable: may be sent again after an
// answer was lost.
template <typename Request, typename Response>
struct Method {
  const char* path;
  bool repeatable = false;
};

enum class Wait : uint8_t { kCommandTimeout, kForever };

class Stream {
 public:
  virtual ~Stream() = default;  // cancels
  virtual bool write(const google::protobuf::Message& message) = 0;
  virtual void writes_done() = 0;
  // False at its end; finish() says why.
  virtual bool read(google::protobuf::Message* message) = 0;
  virtual void cancel() = 0;  // any thread
  virtual Status finish() = 0;
};

class Client {
 public:
  // Authenticates when there is a user; else no connection is made yet. Unavailable: no endpoint;
  // Unauthenticated: no token.
  static Result<std::unique_ptr<Client>> connect(ClientOptions options);
  virtual ~Client() = default;

  template <typename Request, typename Response>
  Status call(const Method<Request, Response>& method, const Request& request, Response* response,
              Wait wait = Wait::kCommandTimeout) {
    return call(method.path, method.repeatable, request, response, wait);
  }
  // Unary requests with a stream of answers, too: write, then writes_done. `needs_leader`: the
  // stream breaks when its member loses the leader.
  template <typename Request, typename Response>
  std::unique_ptr<Stream> open(const Method<Request, Response>& method, bool needs_leader = false,
                               Wait wait = Wait::kForever) {
    return open(method.path, needs_leader, wait);
  }

  const ClientOptions& options() const { return options_; }

 protected:
  explicit Client(ClientOptions options) : options_(std::move(options)) {}
  virtual Status call(const char* path, bool repeatable, const google::protobuf::Message& request,
                      google::protobuf::Message* response, Wait wait) = 0;
  virtual std::unique_ptr<Stream> open(const char* path, bool needs_leader, Wait wait) = 0;

  const ClientOptions options_;
};

}  // namespace gatehouse::ctl
