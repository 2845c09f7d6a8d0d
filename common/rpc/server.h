// The gRPC server: methods by path, calls as bytes. A message is handed over as the bytes that came
// and sent as the bytes given, so a proxy never decodes what it need not look at; typed.h puts
// protobuf on top.
//
// Protocol: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/result.h"
#include "common/base/status.h"
#include "common/env/byte_stream.h"
#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/rpc/metadata.h"

namespace gatehouse::rpc {

enum class MethodKind : uint8_t { kUnary, kClientStream, kServerStream, kBidiStream };

struct Method {
  std::string service;  // "etcdserverpb.KV"
  std::string name;     // "Range"
  MethodKind kind = MethodKind::kUnary;
  std::string path() const { return "/" + service + "/" + name; }
};

// One call, as its handler sees it. Lives as long as the handler.
//
// Thread: that of the connection. Calls on it never call the handler back before they return.
class ServerCall {
 public:
  // send() while !can_send() is allowed but unbounded: a streaming handler stops at this many
  // bytes.
  static constexpr size_t kSendWindow = 256 * 1024;

  virtual const Method& method() const = 0;
  virtual const Metadata& metadata() const = 0;
  virtual const env::PeerInfo& peer() const = 0;
  virtual env::Executor& executor() = 0;

  // Executor::now_ms() at which the client gives up (grpc-timeout), if it said so. The server
  // enforces it: on_cancel.
  virtual std::optional<uint64_t> deadline_ms() const = 0;

  // Optional, once, before the first send(); otherwise the first send() or finish() does it without
  // metadata.
  virtual void send_initial_metadata(const Metadata& metadata) = 0;

  // Sends one message. Compressed when the client's request was and it accepts that.
  virtual void send(std::string_view message) = 0;

  // False while more than kSendWindow bytes wait for the client; on_can_send tells when that is
  // over.
  virtual bool can_send() const = 0;

  // Ends the call: trailers (trailers-only where nothing was sent). The handler is destroyed in a
  // later turn or when the client is done, and gets no further callback.
  virtual void finish(const Status& status, const Metadata& trailing = {}) = 0;

  // Back-pressure towards the client. A handler starts with one message wanted; after each
  // on_message it gets no other before it asks again. Unary handlers need not ask.
  virtual void want_message() = 0;

 protected:
  ~ServerCall() = default;
};

// What a method does with a call. Made when the call's head arrived, owned by the call.
class ServerHandler {
 public:
  virtual ~ServerHandler() = default;
  // One message, valid during the call.
  virtual void on_message(std::string_view message) = 0;
  // The client will send no more messages. For unary and server-streaming methods the server has
  // checked that exactly one message came before this.
  virtual void on_half_close() = 0;
  virtual void on_can_send() {}
  // What the client is told when the deadline passes. Its own clock may be a moment behind, and
  // etcd's Go client takes a DeadlineExceeded that comes before that moment for one to try again
  // after, whatever the call: a call that may have changed something answers something else.
  virtual Status too_late() const {
    return Status(StatusCode::kDeadlineExceeded, "context deadline exceeded");
  }
  // The client or its connection went, or the deadline passed (then the server has answered
  // too_late()). Last.
  virtual void on_cancel(const Status& why) = 0;
};

struct ServerLimits {
  // Checked against the length prefix, before any of the message is kept. What a client may send.
  size_t max_receive_bytes = 4 * 1024 * 1024;
  size_t max_metadata_bytes = 16 * 1024;
};

// Sees the start and end of every call; what metrics and logs hang on. Called on the call's thread.
class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  virtual void on_call_started(const Method& method, const Metadata& metadata) = 0;
  virtual void on_message_received(const Method& method, size_t bytes) = 0;
  virtual void on_message_sent(const Method& method, size_t bytes) = 0;
  // duration_us from head to finish. Called once for each on_call_started.
  virtual void on_call_finished(const Method& method, StatusCode code, uint64_t duration_us) = 0;
};

// The table of methods. Fill it before serving; afterwards it is only read, from any thread: an
// http::RequestHandler of each loop hands it the requests for which is_grpc() holds.
class Server {
 public:
  using HandlerFactory = std::function<std::unique_ptr<ServerHandler>(ServerCall& call)>;

  explicit Server(ServerLimits limits = {}, ServerObserver* observer = nullptr);
  ~Server();

  // Several registrations of one path are a bug.
  void add(Method method, HandlerFactory factory);

  // Methods in the order they were added (reflection and metrics list them).
  const std::vector<Method>& methods() const;

  // What it takes to start a call without an HTTP stream: LocalTarget's way in. Valid while the
  // server lives. Unimplemented, in grpc-go's words, for a path that leads nowhere.
  struct Registered {
    const Method* method;
    const HandlerFactory* factory;
  };
  Result<Registered> find(std::string_view path) const;
  const ServerLimits& limits() const { return limits_; }
  ServerObserver* observer() const { return observer_; }  // null where there is none

  // True for requests that a gRPC server answers: "content-type: application/grpc" and its
  // suffixes.
  static bool is_grpc(const http::RequestHead& head);

  // Starts the call for a request: unknown methods, wrong encodings and sizes get gRPC's answers, a
  // request for which is_grpc does not hold gets 415. `executor` is the stream's.
  std::unique_ptr<http::StreamHandler> start(http::ServerStream& stream,
                                             env::Executor& executor) const;

 private:
  struct Entry;

  Status unknown_path(std::string_view path) const;

  ServerLimits limits_;
  ServerObserver* observer_;
  std::vector<Method> methods_;
  std::unordered_map<std::string_view, std::unique_ptr<Entry>> by_path_;
};

}  // namespace gatehouse::rpc
