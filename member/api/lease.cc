// Lease: granted, revoked and kept alive.
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "member/api/services.h"
#include "member/api/unary.h"
#include "proto/rpc.pb.h"

namespace gatehouse::api {

namespace {

constexpr const char* kService = "etcdserverpb.Lease";

// Only a leader knows how long leases live; other members ask it. While this one has just been
// elected, who asks waits, as in etcd, for as long as a request may.
class LeaderWait {
 public:
  LeaderWait(Context& context, std::function<void()> again)
      : context_(context), timer_(context.lane.executor(), std::move(again)) {}

  // True: `again` will be called. False: it has waited long enough.
  bool wait() {
    const uint64_t now = context_.lane.executor().now_ms();
    if (deadline_ms_ == 0) deadline_ms_ = now + context_.lane.timeout_ms();
    if (now >= deadline_ms_) return false;
    timer_.arm(kLookMs);
    return true;
  }
  void done() {
    deadline_ms_ = 0;
    timer_.cancel();
  }

 private:
  static constexpr uint64_t kLookMs = 20;

  Context& context_;
  uint64_t deadline_ms_ = 0;
  env::Timer timer_;
};

class LeaseGrant final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    etcdserverpb::LeaseGrantRequest message;
    if (!rpc::parse_message(request(), message).ok()) return fail(undecodable());
    if (message.id() != 0) return propose(apply::Kind::kLeaseGrant, request());
    message.set_id(context().lane.next_lease_id());
    propose(apply::Kind::kLeaseGrant, message.SerializeAsString());
  }
};

class LeaseRevoke final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override { propose(apply::Kind::kLeaseRevoke, request()); }
};

class LeaseTimeToLive final : public Unary {
 public:
  LeaseTimeToLive(rpc::ServerCall& call, Context& context)
      : Unary(call, context), wait_(context, [this] { look(); }) {}

 private:
  void run() override {
    if (!rpc::parse_message(request(), message_).ok()) return fail(undecodable());
    // As of everything acknowledged before.
    read_index();
  }
  void on_readable() override { look(); }

  void look() {
    if (!context().lessor.primary()) {
      if (!context().lane.progress().is_leader) return ask_leader();
      if (!wait_.wait()) fail(timed_out());
      return;
    }
    const Result<lease::Lessor::TimeToLive> lease =
        context().lessor.time_to_live(message_.id(), message_.keys());
    etcdserverpb::LeaseTimeToLiveResponse response;
    response.set_id(message_.id());
    response.set_ttl(-1);
    if (lease.ok()) {
      response.set_ttl(lease->remaining);
      response.set_grantedttl(lease->granted);
      for (const std::string& key : lease->keys) response.add_keys(key);
    }
    answer(context().views.get()->revision(), response.SerializeAsString());
  }

  void ask_leader() {
    context().operations.time_to_live_at_leader(
        context().lane, request(),
        [this, alive = std::weak_ptr<bool>(alive_)](const Result<std::string>& fields) {
          if (alive.expired()) return;
          const int64_t revision = context().views.get()->revision();
          if (fields.ok()) return answer(revision, *fields);
          switch (fields.status().code()) {
            case StatusCode::kAborted:
              return look();
            case StatusCode::kNotFound: {
              etcdserverpb::LeaseTimeToLiveResponse response;
              response.set_id(message_.id());
              response.set_ttl(-1);
              return answer(revision, response.SerializeAsString());
            }
            default:
              return fail(fields.status());
          }
        });
  }

  etcdserverpb::LeaseTimeToLiveRequest message_;
  LeaderWait wait_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class LeaseLeases final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    etcdserverpb::LeaseLeasesResponse response;
    for (const int64_t id : context().lessor.leases()) response.add_leases()->set_id(id);
    answer(context().views.get()->revision(), response.SerializeAsString());
  }
};

// A response for each request, in their order.
class KeepAlive final : public rpc::ServerHandler {
 public:
  KeepAlive(rpc::ServerCall& call, Context& context)
      : call_(call), context_(context), wait_(context, [this] { answer_waiting(); }) {}

  void on_message(std::string_view message) override {
    etcdserverpb::LeaseKeepAliveRequest request;
    if (!rpc::parse_message(message, request).ok()) return finish(undecodable());
    waiting_.push_back(request.id());
    answer_waiting();
  }
  void on_half_close() override {
    ended_ = true;
    if (waiting_.empty()) finish(Status());
  }
  void on_can_send() override { answer_waiting(); }
  void on_cancel(const Status&) override { wait_.done(); }

 private:
  void finish(const Status& status) {
    wait_.done();
    if (!std::exchange(finished_, true)) call_.finish(status);
  }

  void answer_waiting() {
    while (!finished_ && !under_way_ && !waiting_.empty() && call_.can_send()) {
      const int64_t id = waiting_.front();
      revision_ = context_.views.get()->revision();
      const lease::Lessor::Renewed renewed = context_.lessor.renew(id, when_over());
      switch (renewed.state) {
        case lease::Lessor::Renewal::kNotPrimary:
          if (!context_.lane.progress().is_leader) return ask_leader(id);
          if (!wait_.wait()) finish(timed_out());
          return;
        case lease::Lessor::Renewal::kExpired:
          under_way_ = true;  // when_over() tells
          return;
        case lease::Lessor::Renewal::kNotFound:
          answer(0);
          break;
        case lease::Lessor::Renewal::kRenewed:
          if (renewed.clear_checkpoint) return clear_checkpoint(id, renewed.ttl);
          answer(renewed.ttl);
          break;
      }
    }
    if (finished_ || under_way_) return;
    if (waiting_.empty()) ended_ ? finish(Status()) : call_.want_message();
  }

  void answer(int64_t ttl) {
    wait_.done();
    std::string fields;
    codec::append_int64_field(fields, 2, waiting_.front());
    codec::append_int64_field(fields, 3, ttl);
    waiting_.pop_front();
    call_.send(context_.header.response(revision_, fields));
  }

  void ask_leader(int64_t id) {
    under_way_ = true;
    context_.operations.renew_at_leader(
        context_.lane, id,
        [this, alive = std::weak_ptr<bool>(alive_)](const Result<int64_t>& ttl) {
          if (alive.expired() || finished_) return;
          under_way_ = false;
          const StatusCode code = ttl.status().code();
          if (!ttl.ok() && code != StatusCode::kNotFound && code != StatusCode::kAborted) {
            return finish(ttl.status());
          }
          if (code != StatusCode::kAborted) answer(ttl.ok() ? *ttl : 0);
          answer_waiting();
        });
  }

  // Of a lease that has expired: its revoke is on its way through the log, and comes from there.
  lease::Lessor::OnEnd when_over() {
    return [this, alive = std::weak_ptr<bool>(alive_),
            &executor = context_.lane.executor()](lease::Lessor::Renewal state) {
      executor.post([this, alive, state] {
        if (alive.expired() || finished_) return;
        under_way_ = false;
        if (state == lease::Lessor::Renewal::kNotFound) answer(0);
        answer_waiting();
      });
    };
  }

  // It has its whole life again, which a next leader must know before the client does.
  void clear_checkpoint(int64_t id, int64_t ttl) {
    etcdserverpb::LeaseCheckpointRequest message;
    message.add_checkpoints()->set_id(id);
    const std::string body = message.SerializeAsString();
    apply::Request request;
    request.kind = apply::Kind::kLeaseCheckpoint;
    request.body = body;
    under_way_ = true;
    context_.lane.propose(request, [this, ttl, alive = std::weak_ptr<bool>(alive_)](
                                       apply::Outcome outcome) {
      if (alive.expired() || finished_) return;
      under_way_ = false;
      if (!outcome.status.ok()) return finish(outcome.status);
      answer(ttl);
      answer_waiting();
    });
  }

  rpc::ServerCall& call_;
  Context& context_;
  std::deque<int64_t> waiting_;
  int64_t revision_ = 0;     // of the answer's header: from before the renewal
  bool under_way_ = false;  // the first that waits has to wait for the log
  bool ended_ = false;
  bool finished_ = false;
  LeaderWait wait_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

void add_lease(rpc::Server& server, Context& context) {
  add_method<LeaseGrant>(server, context, kService, "LeaseGrant");
  add_method<LeaseRevoke>(server, context, kService, "LeaseRevoke");
  add_method<KeepAlive>(server, context, kService, "LeaseKeepAlive", rpc::MethodKind::kBidiStream);
  add_method<LeaseTimeToLive>(server, context, kService, "LeaseTimeToLive");
  add_method<LeaseLeases>(server, context, kService, "LeaseLeases");
}

}  // namespace gatehouse::api
