// Call: one call of a client on its way to the members, over one attempt or several.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/rpc/client.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::upstream {

class Endpoint;

class Call final : public rpc::ClientCall, private rpc::ClientHandler {
 public:
  // What the client sent is kept, so that it can be sent again, up to this size: a request of the
  // largest size a member takes by default. Beyond it a call has one attempt.
  static constexpr size_t kMaxReplayBytes = 2 * 1024 * 1024;

  Call(Upstream& upstream, std::string_view path, CallKind kind, rpc::CallOptions options,
       rpc::ClientHandler& handler);
  ~Call() override;

  void send(std::string_view message) override;
  bool can_send() const override { return attempt_->can_send(); }
  void half_close() override;
  void want_message() override { attempt_->want_message(); }

 private:
  void on_initial_metadata(const rpc::Metadata& metadata) override;
  void on_message(std::string_view message) override;
  void on_can_send() override { handler_.on_can_send(); }
  void on_finish(const rpc::CallResult& result) override;

  // False when there is no member left to try.
  bool start_attempt();
  void end_attempt(const rpc::CallResult* result);
  bool may_repeat(const rpc::CallResult& result);
  void answered();

  Upstream& upstream_;
  const std::string_view path_;
  const CallKind kind_;
  const bool for_leader_;
  const rpc::CallOptions options_;
  rpc::ClientHandler& handler_;

  Endpoint* endpoint_ = nullptr;  // lives as long as it has calls
  std::unique_ptr<rpc::ClientCall> attempt_;
  uint64_t started_us_ = 0;
  std::vector<const Endpoint*> tried_;  // filled from the second attempt on

  // Until the client has seen something of the answer:
  bool repeatable_ = true;
  bool half_closed_ = false;
  std::vector<std::string> sent_;
  size_t sent_bytes_ = 0;
};

}  // namespace gatehouse::upstream
