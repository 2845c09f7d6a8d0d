// Upstream: the members of a cluster as one target for calls. Keeps a connection to each, knows
// which answer, spreads calls over those, and sends a call again where that is safe.
//
// Thread: one Upstream for each loop, used on that loop only; nothing is shared but the metrics.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/env/entropy.h"
#include "common/env/executor.h"
#include "common/log/log.h"
#include "common/net/dialer.h"
#include "common/rpc/client.h"
#include "common/rpc/subchannel.h"
#include "proxy/upstream/metrics.h"
#include "proxy/upstream/picker.h"
#include "proxy/upstream/retry_budget.h"

namespace gatehouse::upstream {

class Endpoint;

// Whether a call may be sent to a second member when it is not known if the first one executed it.
// A call that surely did not start anywhere is always repeatable.
enum class Repeat : uint8_t {
  kNever,          // it may change something
  kUntilAnswered,  // it changes nothing; repeatable as long as the client has seen nothing of it
};

struct CallKind {
  bool stream = false;  // lives long: balanced by the number of streams, not timed
  Repeat repeat = Repeat::kNever;
};

struct Options {
  std::vector<std::string> endpoints;  // as net::Address parses them; at least one
  Balancer balancer = Balancer::kLeastRequest;
  uint64_t probe_interval_ms = 2000;
  uint64_t probe_timeout_ms = 2000;
  // Whether that address speaks TLS is part of it.
  std::function<rpc::SubchannelOptions(const std::string& address)> connection_for;
  // One loop of several says in the log and the metrics which members are healthy.
  bool tell_health = true;
};

class Upstream final : private env::TurnEndHook {
 public:
  // More attempts than this for one call do not help the call and hurt the members.
  static constexpr size_t kMaxAttempts = 3;

  // Calls that the leader may have under way beyond what another member has before calls for it go
  // over that one: decoding requests is most of what a busy member does, and others can do it.
  static constexpr size_t kLeaderHandicap = 16;

  // Members in a pause between attempts are tried out of turn at most this often.
  static constexpr uint64_t kReconnectEveryMs = 100;

  // A dialer that speaks TLS or clear text, as the address and the flags say.
  using DialerFor = std::function<net::Dialer&(const std::string& address)>;

  // All that is referred to, and the dialers, must outlive it.
  Upstream(env::Executor& executor, env::Entropy& entropy, DialerFor dialer_for, Options options,
           log::Logger logger, const Metrics& metrics);
  ~Upstream();  // no call may be under way; not within a callback of one

  // As rpc::CallTarget, with what is known about the method. `path` must outlive the call.
  std::unique_ptr<rpc::ClientCall> start(std::string_view path, CallKind kind,
                                         rpc::CallOptions options, rpc::ClientHandler& handler);

  // Members come and go: connections to those that stay are kept, calls on those that go are
  // finished first.
  void set_endpoints(const std::vector<std::string>& addresses);
  std::vector<std::string> endpoints() const;

  // Some member is connected and answers.
  bool usable() const;

  // The address that the next call would go to: for HTTP requests that accompany the calls
  // (/metrics, /version).
  const std::string& preferred_address();

  env::Executor& executor() { return executor_; }
  const log::Logger& logger() const { return logger_; }
  const Options& options() const { return options_; }

 private:
  friend class Call;

  // Drops the leavers whose last call has ended: at the end of a turn, when none of their callbacks
  // is running.
  void on_turn_end() override;
  void on_attempt_ended();
  // A member was lost. Those that were lost before it may be back although their pauses between
  // attempts are not over: while members are restarted one after the other, they mostly are.
  void on_member_lost();

  // The best endpoint that is not among `tried`; null when all are. For a call that the leader
  // carries out it is the leader, unless that is so much busier that the way over another member is
  // the shorter one.
  Endpoint* pick(bool stream, bool for_leader, const std::vector<const Endpoint*>& tried);

  env::Executor& executor_;
  env::Entropy& entropy_;
  const DialerFor dialer_for_;
  const Options options_;
  const log::Logger logger_;
  const Metrics& metrics_;
  Picker picker_;
  RetryBudget retry_budget_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  // No longer in the list, but calls are under way there.
  std::vector<std::unique_ptr<Endpoint>> leaving_;
  std::vector<Load> candidates_;  // scratch of pick
  uint64_t reconnect_from_ms_ = 0;
};

// An Upstream as a target of one kind of call, for rpc::call_unary.
class Target final : public rpc::CallTarget {
 public:
  Target(Upstream& upstream, CallKind kind) : upstream_(upstream), kind_(kind) {}

  std::unique_ptr<rpc::ClientCall> start(std::string_view path, const rpc::CallOptions& options,
                                         rpc::ClientHandler& handler) override {
    return upstream_.start(path, kind_, options, handler);
  }

 private:
  Upstream& upstream_;
  const CallKind kind_;
};

}  // namespace gatehouse::upstream
