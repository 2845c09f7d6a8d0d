#include "proxy/upstream/upstream.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "proxy/upstream/call.h"
#include "proxy/upstream/endpoint.h"

namespace gatehouse::upstream {

Upstream::Upstream(env::Executor& executor, env::Entropy& entropy, DialerFor dialer_for,
                   Options options, log::Logger logger, const Metrics& metrics)
    : executor_(executor),
      entropy_(entropy),
      dialer_for_(std::move(dialer_for)),
      options_(std::move(options)),
      logger_(std::move(logger)),
      metrics_(metrics),
      picker_(options_.balancer, entropy.next()) {
  set_endpoints(options_.endpoints);
}

Upstream::~Upstream() {
  for (const auto* endpoints : {&endpoints_, &leaving_}) {
    for (const auto& endpoint : *endpoints) {
      CHECK_MSG(!endpoint->busy(), "calls outlive their upstream");
    }
  }
}

std::unique_ptr<rpc::ClientCall> Upstream::start(std::string_view path, CallKind kind,
                                                 rpc::CallOptions options,
                                                 rpc::ClientHandler& handler) {
  return std::make_unique<Call>(*this, path, kind, std::move(options), handler);
}

void Upstream::set_endpoints(const std::vector<std::string>& addresses) {
  CHECK(!addresses.empty());
  std::vector<std::unique_ptr<Endpoint>> next;
  for (const std::string& address : addresses) {
    const auto known = std::find_if(endpoints_.begin(), endpoints_.end(), [&](const auto& e) {
      return e != nullptr && e->address() == address;
    });
    if (known != endpoints_.end()) {
      next.push_back(std::move(*known));
    } else {
      next.push_back(std::make_unique<Endpoint>(executor_, entropy_, dialer_for_(address), address,
                                                options_, logger_, metrics_,
                                                [this] { on_member_lost(); }));
    }
  }
  for (auto& endpoint : endpoints_) {
    if (endpoint) leaving_.push_back(std::move(endpoint));
  }
  endpoints_ = std::move(next);
  on_attempt_ended();
}

void Upstream::on_attempt_ended() {
  if (!leaving_.empty()) executor_.at_turn_end(*this);
}

void Upstream::on_member_lost() {
  const uint64_t now = executor_.now_ms();
  if (now < reconnect_from_ms_) return;
  reconnect_from_ms_ = now + kReconnectEveryMs;
  for (const auto& endpoint : endpoints_) {
    if (endpoint->connection().state() == rpc::ChannelState::kTransientFailure) {
      endpoint->connection().connect_now();
    }
  }
}

void Upstream::on_turn_end() {
  std::erase_if(leaving_, [](const auto& endpoint) { return !endpoint->busy(); });
}

std::vector<std::string> Upstream::endpoints() const {
  std::vector<std::string> addresses;
  for (const auto& endpoint : endpoints_) addresses.push_back(endpoint->address());
  return addresses;
}

bool Upstream::usable() const {
  return std::any_of(endpoints_.begin(), endpoints_.end(),
                     [](const auto& e) { return e->rank() <= Endpoint::Rank::kUnknown; });
}

const std::string& Upstream::preferred_address() {
  return pick(/*stream=*/false, /*for_leader=*/false, {})->address();
}

Endpoint* Upstream::pick(bool stream, bool for_leader,
                         const std::vector<const Endpoint*>& tried) {
  candidates_.clear();
  auto best = Endpoint::Rank::kLearner;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    Endpoint& endpoint = *endpoints_[i];
    if (std::find(tried.begin(), tried.end(), &endpoint) != tried.end()) continue;
    const Endpoint::Rank rank = endpoint.rank();
    if (rank > best) continue;
    if (rank < best) {
      best = rank;
      candidates_.clear();
    }
    candidates_.push_back(endpoint.load(i));
  }
  if (candidates_.empty()) return nullptr;
  const size_t picked = picker_.pick(candidates_, stream);
  if (for_leader && best == Endpoint::Rank::kServing) {
    for (const Load& each : candidates_) {
      if (!endpoints_[each.index]->leads()) continue;
      const size_t other = endpoints_[picked]->load(picked).calls;
      if (each.calls <= other + kLeaderHandicap) return endpoints_[each.index].get();
    }
  }
  return endpoints_[picked].get();
}

}  // namespace gatehouse::upstream
