// One call on the client, between a handler and an HTTP stream. What Subchannel::start makes.
//
//   kWaiting ----> kOpen ----> kOver       (any state may go to kOver)
//
// In kWaiting what the caller sends is kept, for no connection has taken the call yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/rpc/client.h"
#include "common/rpc/inbound.h"

namespace gatehouse::rpc {

class CallList;

class HttpCall final : public ClientCall,
                       private http::ClientStreamHandler,
                       private Inbound::Sink,
                       private env::TurnEndHook {
 public:
  // Who started the call, and knows it while it is not over.
  class Owner {
   public:
    // The call waits or is open no more. It may be in the middle of its destructor.
    virtual void on_call_over(HttpCall& call) = 0;
    // Where a call that waits would go, for error texts.
    virtual std::string waiting_for() const = 0;
    // The owner is being destroyed: what a call has to tell must wait for a later turn.
    virtual bool going() const = 0;

   protected:
    ~Owner() = default;
  };

  HttpCall(env::Executor& executor, Owner& owner, const CallOptions& options,
           ClientHandler& handler);
  ~HttpCall() override;

  // The stream that `head` was opened on with stream_handler(). Sends what was kept.
  void opened(http::ClientStream& stream);
  http::ClientStreamHandler& stream_handler() { return *this; }

  // Keeps what it takes to open later; gives up after max_wait_ms.
  void wait(std::string_view path, const Metadata& metadata, uint64_t max_wait_ms);
  const std::string& path() const { return kept_->path; }
  const Metadata& metadata() const { return kept_->metadata; }

  std::optional<uint64_t> deadline_ms() const { return deadline_ms_; }

  // Ends a call that never left, in a later turn.
  void fail_unsent(Status status);

  // ClientCall
  void send(std::string_view message) override;
  bool can_send() const override;
  void half_close() override;
  void want_message() override;

  // The owner's list of calls that wait, or of those that are open.
  CallList* list = nullptr;
  HttpCall* previous = nullptr;
  HttpCall* next = nullptr;

 private:
  enum class State : uint8_t { kWaiting, kOpen, kOver };

  struct Kept {
    std::string path;
    Metadata metadata;
    std::string body;
    bool half_closed = false;
  };

  // http::ClientStreamHandler
  void on_head(int status, const http::Headers& headers) override;
  void on_body(std::string_view bytes) override;
  void on_end(const http::Headers& trailers) override;
  void on_writable() override;
  void on_abort(const http::Abort& abort) override;
  // Inbound::Sink
  bool on_inbound(std::string_view message) override;
  // env::TurnEndHook
  void on_turn_end() override;

  void arm(uint64_t when_ms);
  void on_timer();
  void pump(std::string_view bytes);
  void finish_when_drained();
  // Gives the stream up and ends the call; must be the last thing a callback does.
  void fail(Status status);
  void leave_owner();
  void end(CallResult result);
  void end_later(CallResult result);

  env::Executor& executor_;
  Owner* owner_;  // null once over
  ClientHandler& handler_;
  State state_ = State::kWaiting;
  bool ended_ = false;    // END_STREAM came
  bool blocked_ = false;  // the caller may be waiting for on_can_send
  http::ClientStream* stream_ = nullptr;
  std::optional<uint64_t> deadline_ms_;
  uint64_t give_up_ms_ = UINT64_MAX;  // while kWaiting
  Inbound inbound_;
  env::Timer timer_;  // deadline; or, once over, the turn in which to tell
  std::unique_ptr<Kept> kept_;
  std::optional<Status>
      status_;  // of trailers that came, while messages are still to be handed out
  Metadata trailing_;
  std::unique_ptr<CallResult> result_;  // of end_later, until told
  bool* gone_ = nullptr;                // set when this is destroyed within pump()
};

}  // namespace gatehouse::rpc
