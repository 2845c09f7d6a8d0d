// Listener: accepts on one loop and spreads the connections over worker loops.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "common/base/result.h"
#include "common/env/byte_stream.h"
#include "common/loop/acceptor.h"
#include "common/loop/event_loop.h"
#include "common/net/address.h"

namespace gatehouse::net {

struct ListenerOptions {
  loop::AcceptorOptions socket;
  // Connections of this listener that may be open at once. More wait in the backlog: the process
  // keeps descriptors for what it must do itself.
  size_t max_connections = 50'000;
};

class Listener {
 public:
  class Handler {
   public:
    // On the worker's thread. `worker` is the index in `workers`.
    virtual void on_stream(size_t worker, std::unique_ptr<env::ByteStream> stream) = 0;
    // On the listener's thread: out of descriptors, and accepting rests for a moment; or the bound
    // above is reached.
    virtual void on_accept_paused(const Status& why) = 0;

   protected:
    ~Handler() = default;
  };

  // Listens on the loop it is called from. Each connection goes to the worker loop that has the
  // fewest of this listener, the first among equals: a lone connection gets the first loop. A host
  // name is looked up first, blocking; IPv4 is preferred, as Go's listeners do. Errors name the
  // address.
  //
  // The handler must outlive the listener, and the turn of every worker loop that comes after its
  // destruction: connections may be on their way.
  static Result<std::unique_ptr<Listener>> listen(loop::EventLoop& loop, const Address& address,
                                                  std::vector<loop::EventLoop*> workers,
                                                  Handler& handler,
                                                  const ListenerOptions& options = {});
  // Stops accepting. The streams that were made live on.
  ~Listener();

  // With the port the kernel chose where it was 0.
  const Address& address() const;

  // Any thread. Connections made, and open now: all, and on one worker.
  uint64_t accepted() const;
  size_t open() const;
  size_t open_on(size_t worker) const;

 private:
  struct State;
  explicit Listener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared with the streams, which count themselves out
};

}  // namespace gatehouse::net
