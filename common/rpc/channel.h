// Channel: calls to a set of endpoints that are equals. Each call goes to one ready Subchannel that
// a Picker chooses; a call the server surely did not execute is sent once more, elsewhere if it
// can.
//
// Thread: its executor's. Like a Subchannel it must not be destroyed inside a callback of a call;
// calls under way then finish with Unavailable in a later turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/env/entropy.h"
#include "common/env/executor.h"
#include "common/net/dialer.h"
#include "common/rpc/client.h"
#include "common/rpc/subchannel.h"

namespace gatehouse::rpc {

// Chooses among endpoints that are ready.
class Picker {
 public:
  virtual ~Picker() = default;
  // An index into `ready`, which is not empty.
  virtual size_t pick(std::span<Subchannel* const> ready, std::string_view path) = 0;
};

// One after the other, from a random start: clients that started together do not walk together.
class RoundRobin final : public Picker {
 public:
  explicit RoundRobin(env::Entropy& entropy) : next_(entropy.next()) {}
  size_t pick(std::span<Subchannel* const> ready, std::string_view path) override;

 private:
  uint64_t next_;
};

struct ChannelOptions {
  SubchannelOptions subchannel;
  // Bytes of a call's messages kept for sending it again. A call that has sent more, or got any
  // answer, is not sent again.
  size_t max_replay_bytes = 256 * 1024;
};

class Channel final : public CallTarget {
 public:
  // Executor, dialer and entropy must outlive it. Starts connecting at once. `picker` null:
  // RoundRobin.
  Channel(env::Executor& executor, net::Dialer& dialer, env::Entropy& entropy,
          std::vector<std::string> addresses, ChannelOptions options = {},
          std::unique_ptr<Picker> picker = nullptr);
  ~Channel() override;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Waits for an endpoint to become ready, up to the subchannel options' max_wait_ms; with
  // fail_fast it fails once all endpoints are in transient failure. Unavailable, Executed::kNo.
  std::unique_ptr<ClientCall> start(std::string_view path, const CallOptions& options,
                                    ClientHandler& handler) override;

  // Replaces the set. Endpoints that stay keep their connections; calls under way on those that go
  // finish there.
  void set_addresses(const std::vector<std::string>& addresses);

  size_t ready_endpoints() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::rpc
