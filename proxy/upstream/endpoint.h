// Endpoint: one member as seen from one loop: its connection, whether it answers, how busy it is.
//
// Health comes from answers. A connection that breaks is known at once. A member that is connected
// and does not answer (stopped, cut off, without a leader) is found by calls that end without an
// answer, and by the probe: Maintenance.Status every probe interval. Only a probe that is answered
// brings it back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/env/executor.h"
#include "common/log/log.h"
#include "common/rpc/client.h"
#include "common/rpc/subchannel.h"
#include "proxy/upstream/metrics.h"
#include "proxy/upstream/picker.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::upstream {

class Endpoint final : private rpc::Subchannel::Listener {
 public:
  // Unanswered calls in a row after which the next go elsewhere.
  static constexpr int kSilentLimit = 3;

  // `on_lost` tells that its last connection has ended, whether or not calls were under way there.
  // All that is referred to must outlive it.
  Endpoint(env::Executor& executor, env::Entropy& entropy, net::Dialer& dialer, std::string address,
           const Options& options, log::Logger logger, const Metrics& metrics,
           std::function<void()> on_lost);
  ~Endpoint();

  const std::string& address() const { return address_; }
  rpc::Subchannel& connection() { return connection_; }
  EndpointMetrics& metrics() { return metrics_; }

  // Lower is better; calls go to the best there is. kUnknown: connected, and not yet asked whether
  // it serves. A learner refuses nearly everything, so it comes after members that cannot be
  // reached: it is called only when it is all there is.
  enum class Rank : uint8_t { kServing, kUnknown, kSilent, kConnecting, kBroken, kLearner };
  Rank rank() const;
  // It said so, at most a probe interval ago.
  bool leads() const { return leads_; }

  Load load(size_t index) const { return {index, calls_, streams_}; }
  bool busy() const { return calls_ + streams_ > 0; }

  void on_call_started(bool stream);
  // `result` is null when the client gave the call up.
  void on_call_ended(bool stream, const rpc::CallResult* result, uint64_t duration_us);

 private:
  void on_subchannel_state(rpc::Subchannel& connection, rpc::ChannelState state,
                           const Status& why) override;
  void probe();
  void on_probe_answer(const rpc::CallResult& result, std::string_view response);
  void set_healthy(bool healthy, std::string_view why);

  env::Executor& executor_;
  const std::string address_;
  const Options& options_;
  const log::Logger logger_;
  EndpointMetrics metrics_;
  const std::function<void()> on_lost_;
  bool was_ready_ = false;
  rpc::Subchannel connection_;
  env::Timer probe_timer_;
  std::unique_ptr<rpc::ClientCall> probe_call_;
  bool healthy_ = true;  // until something says otherwise
  bool known_ = false;    // a probe was answered
  bool learner_ = false;
  bool leads_ = false;
  int silent_ = 0;
  size_t calls_ = 0;
  size_t streams_ = 0;
};

}  // namespace gatehouse::upstream
