// The gRPC client: calls over one connection to one endpoint. A Subchannel keeps that connection;
// who chooses among endpoints (Channel, proxy/upstream) holds several.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/base/unique_function.h"
#include "common/env/byte_stream.h"
#include "common/env/executor.h"
#include "common/rpc/metadata.h"

namespace gatehouse::rpc {

// Whether the server may have executed a call that failed: decides if a write may be sent again.
enum class Executed : uint8_t {
  kNo,     // never left this process, refused by the server unprocessed, or the connection said so
           // (GOAWAY)
  kMaybe,  // left, and no answer came
  kYes,    // the server itself answered, with whatever status
};

struct CallResult {
  Status status;
  Metadata trailing;
  Executed executed = Executed::kNo;
};

struct CallOptions {
  Metadata metadata;
  std::optional<uint64_t>
      deadline_ms;  // Executor::now_ms(); passed on as grpc-timeout and enforced here
  size_t max_receive_bytes =
      SIZE_MAX;  // larger answers end the call with ResourceExhausted before they are kept
  // For calls that stay in this process (LocalTarget): on whose behalf they are made. Looked at in
  // start() only; null: the target's own.
  const env::PeerInfo* peer = nullptr;
};

class ClientHandler {
 public:
  virtual void on_initial_metadata(const Metadata& metadata) { static_cast<void>(metadata); }
  // Valid during the call.
  virtual void on_message(std::string_view message) = 0;
  virtual void on_can_send() {}
  // Last; comes exactly once unless the ClientCall is destroyed first.
  virtual void on_finish(const CallResult& result) = 0;

 protected:
  ~ClientHandler() = default;
};

// A call under way. Destroying it cancels it; no callback comes after. May be destroyed inside its
// own callbacks.
class ClientCall {
 public:
  static constexpr size_t kSendWindow = 256 * 1024;

  virtual ~ClientCall() = default;
  virtual void send(std::string_view message) = 0;
  virtual bool can_send() const = 0;
  virtual void half_close() = 0;
  // Back-pressure towards the server: as ServerCall::want_message; one is wanted from the start.
  virtual void want_message() = 0;
};

// Something calls can be started on. The handler must outlive the ClientCall.
class CallTarget {
 public:
  virtual ~CallTarget() = default;
  // Never null: a call that cannot start fails through on_finish in a later turn, with
  // Executed::kNo.
  virtual std::unique_ptr<ClientCall> start(std::string_view path, const CallOptions& options,
                                            ClientHandler& handler) = 0;
};

// A unary call as one function. `done` comes once unless the returned call is destroyed first;
// `response` is the message's bytes, empty unless the status is OK.
using UnaryDone = UniqueFunction<void(const CallResult& result, std::string_view response)>;
std::unique_ptr<ClientCall> call_unary(CallTarget& target, std::string_view path,
                                       const CallOptions& options, std::string_view request,
                                       UnaryDone done);

// OK, or ResourceExhausted in gRPC's words for a message larger than the caller may send.
Status check_send_size(size_t bytes, size_t max_send_bytes);

}  // namespace gatehouse::rpc
