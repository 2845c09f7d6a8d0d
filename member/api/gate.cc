#include "member/api/gate.h"

#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/rpc/metadata.h"
#include "common/rpc/typed.h"
#include "member/api/errors.h"
#include "proto/rpc.pb.h"

namespace gatehouse::api {

namespace {

class Refused final : public rpc::ServerHandler {
 public:
  void on_message(std::string_view) override {}
  void on_half_close() override {}
  void on_cancel(const Status&) override {}
};

// A learner answers what may be stale only.
class IfSerializable final : public rpc::ServerHandler {
 public:
  IfSerializable(rpc::ServerCall& call, std::unique_ptr<rpc::ServerHandler> range)
      : call_(call), range_(std::move(range)) {}

  void on_message(std::string_view message) override {
    etcdserverpb::RangeRequest request;
    const bool parsed = rpc::parse_message(message, request).ok();
    if (parsed && !request.serializable()) {
      refused_ = true;
      return call_.finish(learner());
    }
    range_->on_message(message);
  }
  void on_half_close() override {
    if (!refused_) range_->on_half_close();
  }
  void on_can_send() override {
    if (!refused_) range_->on_can_send();
  }
  void on_cancel(const Status& why) override { range_->on_cancel(why); }

 private:
  rpc::ServerCall& call_;
  const std::unique_ptr<rpc::ServerHandler> range_;
  bool refused_ = false;
};

// Ends its stream when there was no leader for three election timeouts in a row.
class WithLeader final : public rpc::ServerHandler {
 public:
  WithLeader(rpc::ServerCall& call, std::unique_ptr<rpc::ServerHandler> stream,
             const replica::Progress& progress, uint64_t election_timeout_ms)
      : call_(call),
        stream_(std::move(stream)),
        progress_(progress),
        timeout_ms_(election_timeout_ms),
        timer_(call.executor(), [this] { look(); }) {
    timer_.arm(timeout_ms_);
  }

  void on_message(std::string_view message) override {
    if (stream_ != nullptr) stream_->on_message(message);
  }
  void on_half_close() override {
    if (stream_ != nullptr) stream_->on_half_close();
  }
  void on_can_send() override {
    if (stream_ != nullptr) stream_->on_can_send();
  }
  void on_cancel(const Status& why) override {
    timer_.cancel();
    if (stream_ != nullptr) stream_->on_cancel(why);
  }

 private:
  void look() {
    leaderless_ = progress_.leader != 0 ? 0 : leaderless_ + 1;
    if (leaderless_ < kLeaderlessTimeouts) return timer_.arm(timeout_ms_);
    if (stream_ == nullptr) return;
    // It must say nothing more, which it might on its way out.
    stream_->on_cancel(no_leader());
    stream_.reset();
    call_.finish(no_leader());
  }

  static constexpr int kLeaderlessTimeouts = 3;

  rpc::ServerCall& call_;
  std::unique_ptr<rpc::ServerHandler> stream_;
  const replica::Progress& progress_;
  const uint64_t timeout_ms_;
  int leaderless_ = 0;
  env::Timer timer_;
};

}  // namespace

Gate::OnLearner Gate::on_learner(const rpc::Method& method) {
  if (method.service == "etcdserverpb.Maintenance") {
    return method.name == "Status" || method.name == "Snapshot" ? OnLearner::kServed
                                                                : OnLearner::kRefused;
  }
  return method.service == "etcdserverpb.KV" && method.name == "Range"
             ? OnLearner::kServedIfSerializable
             : OnLearner::kRefused;
}

Status Gate::refusal(const rpc::ServerCall& call, OnLearner on_learner) {
  if (progress_.is_learner && on_learner == OnLearner::kRefused) return learner();
  if (progress_.leader == 0 && rpc::find(call.metadata(), "hasleader") == "true") {
    return no_leader();
  }
  return Status();
}

std::unique_ptr<rpc::ServerHandler> Gate::pass(rpc::ServerCall& call,
                                               const rpc::Server::HandlerFactory& factory) {
  const rpc::Method& method = call.method();
  const OnLearner on_learner = Gate::on_learner(method);
  const Status refused = refusal(call, on_learner);
  if (!refused.ok()) {
    call.finish(refused);
    return std::make_unique<Refused>();
  }
  std::unique_ptr<rpc::ServerHandler> handler = factory(call);
  if (progress_.is_learner && on_learner == OnLearner::kServedIfSerializable) {
    return std::make_unique<IfSerializable>(call, std::move(handler));
  }
  const bool stream = method.kind != rpc::MethodKind::kUnary;
  // Watch looks by itself, once for all its streams.
  if (stream && method.service != "etcdserverpb.Watch" &&
      rpc::find(call.metadata(), "hasleader") == "true") {
    return std::make_unique<WithLeader>(call, std::move(handler), progress_,
                                        election_timeout_ms_);
  }
  return handler;
}

void add_gated(const rpc::Server& services, Gate& gate, rpc::Server& server) {
  for (const rpc::Method& method : services.methods()) {
    if (server.find(method.path()).ok()) continue;  // of an earlier call
    const Result<rpc::Server::Registered> found = services.find(method.path());
    CHECK(found.ok());
    server.add(method, [&gate, factory = found->factory](rpc::ServerCall& call) {
      return gate.pass(call, *factory);
    });
  }
}

}  // namespace gatehouse::api
