// Subchannel: calls to one endpoint. It connects on demand, keeps connected from then on, waits
// longer after each failure, and opens further connections where the peer's stream limit would
// stall calls.
//
// Life of a call that cannot go out at once: it waits here, in order, until a connection takes it,
// its deadline passes, max_wait_ms pass, or (fail_fast) a connection attempt fails.
//
// Thread: its executor's. Destroying it ends its connections; calls still under way finish with
// Unavailable in a later turn and may be destroyed before or after. It must not be destroyed inside
// a callback of a call or of its listener: Executor::destroy_later() does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/env/entropy.h"
#include "common/env/executor.h"
#include "common/httpio/client_connection.h"
#include "common/net/dialer.h"
#include "common/rpc/backoff.h"
#include "common/rpc/client.h"

namespace gatehouse::rpc {

enum class ChannelState : uint8_t {
  kIdle,        // not asked for anything yet
  kConnecting,  // the first attempt, or a new one after a loss, perhaps after a pause
  kReady,       // at least one connection takes calls
  // An attempt failed, and none has succeeded since: others follow after growing pauses, and until
  // one succeeds this stays.
  kTransientFailure,
};
std::string_view channel_state_name(
    ChannelState state);  // "idle", "connecting", "ready", "transient_failure"

struct SubchannelOptions {
  std::string authority;  // ":authority"; empty: the host and port of the address
  bool tls = false;  // ":scheme" is https, as it is for https:// addresses; the dialer does the TLS
  std::string user_agent = "grpc-c++-gatehouse/0.1";
  bool accept_gzip = false;  // asks servers that would to compress; taken in any case
  httpio::ClientConnectionOptions connection;
  BackoffOptions backoff;

  // A call that would have to wait for an endpoint in transient failure fails at once, as one does
  // that waits when an attempt fails (gRPC's default, "wait for ready" off).
  bool fail_fast = true;
  // How long a call may wait for a connection or a free stream, whatever its deadline: an endpoint
  // that swallows packets must not hold calls for ever.
  uint64_t max_wait_ms = 20'000;
  // Calls waiting at once. More fail with Unavailable: while an endpoint is away, callers that do
  // not slow down must not fill memory.
  size_t max_waiting_calls = 10'000;
  // Connections used side by side once the peer's stream limit is reached on those there are.
  size_t max_connections = 4;
};

class Subchannel final : public CallTarget {
 public:
  class Listener {
   public:
    // From a later turn than what caused it; the newest state only, where several passed in
    // between. `why` is the last error in kTransientFailure, otherwise OK.
    virtual void on_subchannel_state(Subchannel& subchannel, ChannelState state,
                                     const Status& why) = 0;

   protected:
    ~Listener() = default;
  };

  // Executor, dialer, entropy and listener (may be null) must outlive it.
  Subchannel(env::Executor& executor, net::Dialer& dialer, env::Entropy& entropy,
             std::string address, SubchannelOptions options = {}, Listener* listener = nullptr);
  ~Subchannel() override;
  Subchannel(const Subchannel&) = delete;
  Subchannel& operator=(const Subchannel&) = delete;

  // Executed::kNo with Unavailable for every failure before a call's head was handed to a
  // connection. Once handed over, GOAWAY and REFUSED_STREAM still say kNo; a lost connection
  // kMaybe.
  std::unique_ptr<ClientCall> start(std::string_view path, const CallOptions& options,
                                    ClientHandler& handler) override;

  // Connects if it is idle, and skips what is left of a back-off delay.
  void connect_now();

  // The next delay is the first again, as after a success.
  void reset_backoff();

  // Takes no new calls into its connections, lets those under way finish, then goes idle.
  void drain();

  ChannelState state() const;
  const Status& last_error() const;  // of the last failed attempt or lost connection; OK before
  const std::string& address() const;
  size_t calls_in_flight() const;  // handed to a connection and not finished
  size_t calls_waiting() const;
  size_t connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::rpc
