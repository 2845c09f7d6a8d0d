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

// Only a leader knows how long leases live. While there is none, or it has just been elected, who
// asks waits, as in etcd, for as long as a request may.
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

Status timed_out() { return unavailable("etcdserver: request timed out"); }

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
    if (!context().lessor.is_primary()) {
      if (!wait_.wait()) fail(timed_out());
      return;
    }
    const lease::Lessor::TimeToLive lease =
        context().lessor.time_to_live(message_.id(), message_.keys());
    etcdserverpb::LeaseTimeToLiveResponse response;
    response.set_id(message_.id());
    response.set_ttl(lease.found ? lease.ttl : -1);
    response.set_grantedttl(lease.granted_ttl);
    for (const std::string& key : lease.keys) response.add_keys(key);
    answer(context().views.get()->revision(), response.SerializeAsString());
  }

  etcdserverpb::LeaseTimeToLiveRequest message_;
  LeaderWait wait_;
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
    while (!finished_ && !waiting_.empty() && call_.can_send()) {
      const int64_t id = waiting_.front();
      const int64_t revision = context_.views.get()->revision();
      int64_t ttl = 0;
      bool had_checkpoint = false;
      const auto renewal = context_.lessor.renew(id, ttl, had_checkpoint);
      if (renewal == lease::Lessor::Renewal::kNotPrimary) {
        if (!wait_.wait()) finish(timed_out());
        return;
      }
      wait_.done();
      waiting_.pop_front();
      if (had_checkpoint) clear_checkpoint(id);
      std::string fields;
      codec::append_int64_field(fields, 2, id);
      codec::append_int64_field(fields, 3, ttl);
      call_.send(context_.header.response(revision, fields));
    }
    if (finished_) return;
    if (waiting_.empty()) ended_ ? finish(Status()) : call_.want_message();
  }

  // It has its whole life again, which a next leader should know.
  void clear_checkpoint(int64_t id) {
    etcdserverpb::LeaseCheckpointRequest message;
    message.add_checkpoints()->set_id(id);
    const std::string body = message.SerializeAsString();
    apply::Request request;
    request.kind = apply::Kind::kLeaseCheckpoint;
    request.body = body;
    context_.lane.propose(request, [](apply::Outcome) {});
  }

  rpc::ServerCall& call_;
  Context& context_;
  std::deque<int64_t> waiting_;
  bool ended_ = false;
  bool finished_ = false;
  LeaderWait wait_;
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
