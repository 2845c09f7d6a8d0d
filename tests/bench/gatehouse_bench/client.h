// Client: one connection of the load and its lanes, each of which keeps one exchange under way.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/env/executor.h"
#include "common/httpio/client_connection.h"
#include "common/net/dialer.h"
#include "tests/bench/gatehouse_bench/tally.h"

namespace gatehouse::bench {

enum class Phase : uint8_t { kPreparing, kRunning, kStopped };

class Lane {
 public:
  virtual ~Lane() = default;
  // It has no exchange under way and the connection can carry one. False: nothing to do now, ask
  // again later.
  virtual bool start(httpio::ClientConnection& connection) = 0;
  // What has to be done before the load may run is done.
  virtual bool prepared() const { return true; }
};

// Thread: its executor's.
class Client final : private httpio::ClientConnection::Listener, private env::TurnEndHook {
 public:
  // Executor, dialer and recorder must outlive it.
  Client(env::Executor& executor, net::Dialer& dialer, std::string address,
         httpio::ClientConnectionOptions options, Recorder& recorder);

  // Before connect(). The lane calls done() each time its exchange is over.
  void add(std::unique_ptr<Lane> lane);
  void connect();

  void done(Lane& lane);
  // Asks all lanes again whether they have something to do.
  void nudge();

  bool prepared() const;
  // Why the first attempt to connect failed; OK otherwise. A connection lost later is a failure of
  // its exchanges, and made again.
  const Status& first_failure() const { return first_failure_; }

  // Ends the connection; closed() turns true in a later turn.
  void close();
  bool closed() const { return closing_ && connection_ == nullptr; }

 private:
  static constexpr uint64_t kRedialMs = 100;

  void on_connection_state(httpio::ClientConnection& connection,
                           httpio::ClientConnection::State state) override;
  void on_can_open(httpio::ClientConnection& connection) override;
  void on_turn_end() override;

  env::Executor& executor_;
  net::Dialer& dialer_;
  const std::string address_;
  const httpio::ClientConnectionOptions options_;
  Recorder& recorder_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<Lane*> free_;
  std::vector<Lane*> asked_;  // free_ of this turn, kept for its room
  std::unique_ptr<httpio::ClientConnection> connection_;
  env::Timer redial_;
  bool was_ready_ = false;
  bool closing_ = false;
  Status first_failure_;
};

}  // namespace gatehouse::bench
