#include "proxy/upstream/endpoint.h"

#include <utility>

#include "proto/rpc.pb.h"

namespace gatehouse::upstream {

namespace {
constexpr std::string_view kStatusPath = "/etcdserverpb.Maintenance/Status";
}  // namespace

Endpoint::Endpoint(env::Executor& executor, env::Entropy& entropy, net::Dialer& dialer,
                   std::string address, const Options& options, log::Logger logger,
                   const Metrics& metrics, std::function<void()> on_lost)
    : executor_(executor),
      address_(std::move(address)),
      options_(options),
      logger_(std::move(logger)),
      metrics_(metrics, address_),
      on_lost_(std::move(on_lost)),
      connection_(executor, dialer, entropy, address_, options.connection_for(address_), this),
      probe_timer_(executor, [this] { probe(); }) {
  if (options_.tell_health) metrics_.set_healthy(true);
  connection_.connect_now();
  probe_timer_.arm(0);
}

Endpoint::~Endpoint() {
  if (options_.tell_health) metrics_.set_healthy(false);
}

Endpoint::Rank Endpoint::rank() const {
  if (learner_) return Rank::kLearner;
  switch (connection_.state()) {
    case rpc::ChannelState::kReady:
      if (!healthy_) return Rank::kSilent;
      return known_ ? Rank::kServing : Rank::kUnknown;
    case rpc::ChannelState::kIdle:
    case rpc::ChannelState::kConnecting:
      return Rank::kConnecting;
    case rpc::ChannelState::kTransientFailure:
      break;
  }
  return Rank::kBroken;
}

void Endpoint::on_subchannel_state(rpc::Subchannel&, rpc::ChannelState state, const Status&) {
  const bool ready = state == rpc::ChannelState::kReady;
  if (std::exchange(was_ready_, ready) == ready) return;
  if (ready) {
    probe_timer_.arm(0);  // who leads may have changed, and calls wait for the answer
  } else {
    on_lost_();
  }
}

void Endpoint::on_call_started(bool stream) {
  ++(stream ? streams_ : calls_);
  metrics_.on_started();
}

void Endpoint::on_call_ended(bool stream, const rpc::CallResult* result, uint64_t duration_us) {
  --(stream ? streams_ : calls_);
  if (result == nullptr) {
    metrics_.on_given_up();
    return;
  }
  metrics_.on_finished(result->status.code(), duration_us);
  if (stream) return;
  const bool silent = result->executed == rpc::Executed::kMaybe ||
                      (result->status.code() == StatusCode::kUnavailable &&
                       result->executed == rpc::Executed::kYes);
  if (!silent) {
    silent_ = 0;
  } else if (++silent_ == kSilentLimit) {
    set_healthy(false, result->status.message());
    probe_timer_.arm(0);
  }
}

void Endpoint::probe() {
  if (connection_.state() != rpc::ChannelState::kReady) {
    // Connecting is the connection's own business, and the probe that follows it decides.
    probe_timer_.arm(options_.probe_interval_ms);
    return;
  }
  rpc::CallOptions call;
  call.deadline_ms = executor_.now_ms() + options_.probe_timeout_ms;
  probe_call_ = rpc::call_unary(connection_, kStatusPath, call, /*request=*/"",
                                [this](const rpc::CallResult& result, std::string_view response) {
                                  on_probe_answer(result, response);
                                });
}

void Endpoint::on_probe_answer(const rpc::CallResult& result, std::string_view response) {
  probe_timer_.arm(options_.probe_interval_ms);
  if (result.executed != rpc::Executed::kYes) {
    // A connection that broke says so itself; here the member had its time and did not answer.
    if (result.executed == rpc::Executed::kMaybe) set_healthy(false, result.status.message());
    return;
  }
  if (!result.status.ok()) {
    // Refused for want of a token, say: the member answers, and that is what was asked.
    known_ = true;
    leads_ = false;
    set_healthy(result.status.code() != StatusCode::kUnavailable, result.status.message());
    return;
  }
  etcdserverpb::StatusResponse status;
  if (!status.ParseFromArray(response.data(), static_cast<int>(response.size()))) {
    set_healthy(false, "its answer to Maintenance.Status is not a StatusResponse");
    return;
  }
  known_ = true;
  learner_ = status.islearner();
  leads_ = status.leader() != 0 && status.leader() == status.header().member_id();
  if (status.leader() == 0) {
    set_healthy(false, "it has no leader");
  } else {
    silent_ = 0;
    set_healthy(true, "");
  }
}

void Endpoint::set_healthy(bool healthy, std::string_view why) {
  if (healthy_ == healthy) return;
  healthy_ = healthy;
  if (!options_.tell_health) return;
  metrics_.set_healthy(healthy);
  if (healthy) {
    LOG_INFO(logger_, "member answers again", {"endpoint", address_});
  } else {
    LOG_WARN(logger_, "member does not serve, calls go to others", {"endpoint", address_},
             {"error", why});
  }
}

}  // namespace gatehouse::upstream
