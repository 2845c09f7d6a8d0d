// protobuf on top of the byte-level server and client: for tests and small services. A service that
// cares for every microsecond works on bytes.
//
// Only templates: this library does not link protobuf, who instantiates them does.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/rpc/client.h"
#include "common/rpc/server.h"

namespace gatehouse::rpc {

// Internal with grpc-go's text when the bytes are no such message.
template <typename Message>
Status parse_message(std::string_view bytes, Message& message) {
  if (bytes.size() <= INT32_MAX &&
      message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Status();
  }
  return internal_error(
      "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data");
}

// The messages of protobuf are below 2 GiB; one that is not, or that lacks a required field, is our
// bug.
template <typename Message>
std::string serialize_message(const Message& message) {
  std::string bytes;
  CHECK(message.SerializeToString(&bytes));
  return bytes;
}

template <typename Message>
void send_message(ServerCall& call, const Message& message) {
  call.send(serialize_message(message));
}

namespace typed_detail {

template <typename Request, typename Response, typename Function>
class UnaryHandler final : public ServerHandler {
 public:
  UnaryHandler(ServerCall& call, Function& function) : call_(call), function_(function) {}

  void on_message(std::string_view message) override { parsed_ = parse_message(message, request_); }

  void on_half_close() override {
    if (!parsed_.ok()) {
      call_.finish(parsed_);
      return;
    }
    Response response;
    const Status status = function_(call_, std::as_const(request_), response);
    if (status.ok()) send_message(call_, response);
    call_.finish(status);
  }

  void on_cancel(const Status&) override {}

 private:
  ServerCall& call_;
  Function& function_;  // the factory's, which outlives every call
  Request request_;
  Status parsed_;
};

}  // namespace typed_detail

// A unary method that answers at once. `function`: Status(ServerCall&, const Request&, Response&);
// it is called from any thread that serves calls.
template <typename Request, typename Response, typename Function>
void add_unary(Server& server, std::string service, std::string name, Function function) {
  auto shared = std::make_shared<Function>(std::move(function));
  server.add(Method{std::move(service), std::move(name), MethodKind::kUnary},
             [shared](ServerCall& call) -> std::unique_ptr<ServerHandler> {
               return std::make_unique<typed_detail::UnaryHandler<Request, Response, Function>>(
                   call, *shared);
             });
}

// A unary call with a protobuf request and response. `done`: void(const CallResult&, const
// Response&); the response is empty unless the status is OK.
template <typename Response, typename Request, typename Done>
std::unique_ptr<ClientCall> call_unary_typed(CallTarget& target, std::string_view path,
                                             const CallOptions& options, const Request& request,
                                             Done done) {
  return call_unary(
      target, path, options, serialize_message(request),
      [done = std::move(done)](const CallResult& result, std::string_view bytes) mutable {
        Response response;
        if (!result.status.ok() || parse_message(bytes, response).ok()) {
          done(result, std::as_const(response));
          return;
        }
        CallResult failed = result;
        failed.status = internal_error(
            "grpc: failed to unmarshal the received message: proto: cannot parse "
            "invalid wire-format data");
        done(failed, Response());
      });
}

}  // namespace gatehouse::rpc
