// One call on the server, between an HTTP stream and a handler. What Server::start makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/base/status.h"
#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/rpc/inbound.h"
#include "common/rpc/server.h"

namespace gatehouse::rpc {

// What a request's headers say beside the metadata.
struct CallHead {
  std::string_view subtype;  // of the content type, with its '+'
  std::optional<uint64_t> timeout_ms;
  bool request_gzip = false;
  bool accepts_gzip = false;
  bool has_binary_metadata = false;
};

class ServerStreamCall final : public http::StreamHandler,
                               private ServerCall,
                               private Inbound::Sink,
                               private env::TurnEndHook {
 public:
  ServerStreamCall(http::ServerStream& stream, env::Executor& executor, const Method& method,
                   const CallHead& head, const ServerLimits& limits, ServerObserver* observer);
  ~ServerStreamCall() override;

  // Decodes the metadata now. Not OK: it is malformed, and the call must not begin.
  Status read_metadata();

  void begin(const Server::HandlerFactory& factory);

  // http::StreamHandler
  void on_body(std::string_view bytes) override;
  void on_end(const http::Headers& trailers) override;
  void on_writable() override;
  void on_abort(const http::Abort& abort) override;

 private:
  enum class State : uint8_t {
    kOpen,
    kHeadSent,
    kFinished,  // trailers sent, or cancelled: the handler hears nothing more
  };

  // ServerCall
  const Method& method() const override { return method_; }
  const Metadata& metadata() const override;
  const env::PeerInfo& peer() const override { return stream_.peer(); }
  env::Executor& executor() override { return executor_; }
  std::optional<uint64_t> deadline_ms() const override { return deadline_ms_; }
  void send_initial_metadata(const Metadata& metadata) override;
  void send(std::string_view message) override;
  bool can_send() const override { return stream_.unsent() <= kSendWindow; }
  void finish(const Status& status, const Metadata& trailing) override;
  void want_message() override;

  // Inbound::Sink
  bool on_inbound(std::string_view message) override;
  // env::TurnEndHook
  void on_turn_end() override;

  bool one_request() const {
    return method_.kind == MethodKind::kUnary || method_.kind == MethodKind::kServerStream;
  }
  void send_head(const Metadata* metadata);
  void pump(std::string_view bytes);
  void half_close_when_drained();
  void deadline_passed();
  // The server itself ends the call.
  void fail(const Status& status);
  void observe_finish(StatusCode code);

  http::ServerStream& stream_;
  env::Executor& executor_;
  const Method& method_;
  ServerObserver* const observer_;
  State state_ = State::kOpen;
  bool request_ended_ = false;  // END_STREAM came
  bool half_close_told_ = false;
  bool blocked_ = false;  // the handler may be waiting for on_can_send
  bool reply_gzip_ = false;
  bool observed_ = false;  // the observer waits for on_call_finished
  uint32_t messages_ = 0;
  std::string_view subtype_;  // a view of the request's head
  Inbound inbound_;
  std::optional<uint64_t> deadline_ms_;
  std::optional<env::Timer> deadline_timer_;
  mutable std::optional<Metadata> metadata_;
  uint64_t started_us_ = 0;  // where observed_
  std::unique_ptr<ServerHandler> handler_;
};

// The response head: "content-type: application/grpc<subtype>".
void set_response_head(http::Headers& headers, std::string_view subtype);

}  // namespace gatehouse::rpc
