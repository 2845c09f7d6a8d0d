// LocalTarget: calls on a Server of the same process and the same executor, without sockets,
// framing or copies of headers. How a member's REST gateway, and services that are clients of other
// services (Lock, Election), reach the member's own methods.
//
// Both ends see what they would see over a connection - deadline, cancellation, back-pressure both
// ways, message limits, the server's observer - but for what only a wire can do: there is no
// compression, and metadata arrives as it was given, unchecked.
//
// Nothing is called back from inside a call to either end: what happened is handed over at the end
// of the turn, so a unary call that is answered at once takes no turn of its own. Chains of calls
// that would go on for ever (an answer begets a request) are cut into turns.
//
// Thread: the executor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/env/byte_stream.h"
#include "common/env/executor.h"
#include "common/rpc/client.h"
#include "common/rpc/server.h"

namespace gatehouse::rpc {

class LocalTarget final : public CallTarget, private env::TurnEndHook {
 public:
  // `peer` is what handlers see of the caller where CallOptions::peer does not say otherwise.
  // `server` and `executor` outlive it.
  LocalTarget(const Server& server, env::Executor& executor, env::PeerInfo peer = {});
  // Handlers of calls under way are destroyed without a word, and their clients hear nothing more.
  // Not within a callback of a call; before what the server's handlers refer to.
  ~LocalTarget() override;

  std::unique_ptr<ClientCall> start(std::string_view path, const CallOptions& options,
                                    ClientHandler& handler) override;

  // Calls whose handler lives or whose client waits.
  size_t calls_in_flight() const { return calls_; }

 private:
  class Call;
  class Handle;

  // Of so many rounds of handing over one waits for the next turn, so that I/O and timers get
  // theirs.
  static constexpr uint32_t kRoundsUntilTurn = 64;

  void schedule(Call& call);
  void wake();
  void on_turn_end() override;

  const Server& server_;
  env::Executor& executor_;
  const env::PeerInfo peer_;
  size_t calls_ = 0;
  Call* first_ = nullptr;  // of all
  std::vector<Call*> ready_;
  std::vector<Call*> running_;  // scratch of on_turn_end
  uint32_t rounds_ = 0;
  env::Timer next_turn_;
};

}  // namespace gatehouse::rpc
