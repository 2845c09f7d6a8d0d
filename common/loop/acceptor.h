// Acceptor: a listening socket that hands out accepted connections.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/loop/event_loop.h"
#include "common/loop/socket_address.h"
#include "common/loop/unique_fd.h"

namespace gatehouse::loop {

struct AcceptorOptions {
  // Connections that the kernel holds for us; it cuts this to net.core.somaxconn.
  int backlog = 4096;
  bool reuse_address = true;  // SO_REUSEADDR: bind while connections of a former process linger
  bool reuse_port = false;    // SO_REUSEPORT: share the port with other sockets of this user
};

class Acceptor {
 public:
  // Connections taken in one turn: a flood of them must not keep the loop from what it serves.
  static constexpr int kMaxAcceptsPerTurn = 64;
  // How long accepting rests when the process or the system is out of descriptors or memory. The
  // listening socket stays readable meanwhile: without a rest the loop would spin.
  static constexpr uint64_t kExhaustedPauseMs = 100;

  using OnAccept = UniqueFunction<void(UniqueFd connection)>;
  // "accept on 127.0.0.1:2379: too many open files", once for each rest.
  using OnExhausted = UniqueFunction<void(const Status& why)>;

  // Binds, listens and starts to accept. An IPv6 wildcard takes IPv4 too, as Go's listeners do. A
  // Unix path that holds the socket of a dead process is taken over; one on which somebody listens
  // is refused. Errors name the address: "listen 127.0.0.1:2379: address already in use". The
  // connections handed out are non-blocking and close-on-exec.
  static Result<std::unique_ptr<Acceptor>> listen(EventLoop& loop, const SocketAddress& address,
                                                  const AcceptorOptions& options,
                                                  OnAccept on_accept, OnExhausted on_exhausted);
  // Closes, and removes the file of a Unix socket if it is still ours. Not inside its own
  // callbacks.
  ~Acceptor();

  // Leaves new connections to the backlog until resume().
  void pause();
  void resume();

  // As bound: with the port the kernel chose where it was 0.
  const SocketAddress& local_address() const;

 private:
  struct State;
  explicit Acceptor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse::loop
