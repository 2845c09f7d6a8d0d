#include "member/operations.h"

#include <optional>
#include <utility>

#include "common/codec/proto_fields.h"
#include "common/rpc/typed.h"
#include "proto/lease.pb.h"
#include "proto/rpc.pb.h"

namespace gatehouse::member {

namespace {

// The answer goes to the loop that asked.
api::Operator::Done on(env::Executor& executor, api::Operator::Done done) {
  return [&executor, done = std::move(done)](const Status& status) {
    executor.post([done, status] { done(status); });
  };
}

// As etcd: peers that answered for so long count as healthy.
constexpr uint64_t kHealthyMs = 5'000;

Status unhealthy() { return unavailable("etcdserver: unhealthy cluster"); }

Status lease_not_found() { return not_found("etcdserver: requested lease not found"); }

transport::Question lease_question(std::string path, std::string body) {
  return {.path = std::move(path),
          .method = "POST",
          .content_type = "application/protobuf",
          .body = std::move(body),
          .answers = {404}};
}

Result<int64_t> renewed(const Result<transport::Fetched>& answer) {
  if (!answer.ok()) return answer.status();
  etcdserverpb::LeaseKeepAliveResponse response;
  if (answer->status == 404) return lease_not_found();
  GATEHOUSE_RETURN_IF_ERROR(rpc::parse_message(answer->body, response));
  return response.ttl();
}

Result<std::string> time_left(const Result<transport::Fetched>& answer) {
  if (!answer.ok()) return answer.status();
  leasepb::LeaseInternalResponse response;
  if (answer->status == 404) return lease_not_found();
  GATEHOUSE_RETURN_IF_ERROR(rpc::parse_message(answer->body, response));
  etcdserverpb::LeaseTimeToLiveResponse* told = response.mutable_leasetimetoliveresponse();
  told->clear_header();  // the asked member's own goes before
  return told->SerializeAsString();
}

}  // namespace

Operations::Operations(env::Executor& executor, membership::Cluster& cluster,
                       bool strict_reconfiguration)
    : executor_(executor), cluster_(cluster), strict_(strict_reconfiguration) {}

void Operations::run_aside(replica::Lane& lane, std::function<void()> work,
                           std::function<void()> then) {
  aside_.run(lane.executor(), std::move(work), std::move(then));
}

struct Operations::Transfer {
  uint64_t target;
  uint64_t deadline_ms;
  Done done;
  std::optional<env::Timer> timer;
};

void Operations::move_leader(replica::Lane& lane, uint64_t target, Done done) {
  executor_.post([this, target, done = on(lane.executor(), std::move(done))]() mutable {
    if (replica_->progress().leader == target) return done(Status());
    replica_->pump().transfer_leader(target);
    auto transfer = std::make_shared<Transfer>();
    transfer->target = target;
    transfer->deadline_ms = executor_.now_ms() + replica_->timeout_ms();
    transfer->done = std::move(done);
    watch_transfer(std::move(transfer));
  });
}

void Operations::watch_transfer(std::shared_ptr<Transfer> transfer) {
  constexpr uint64_t kLookMs = 20;
  Transfer& it = *transfer;
  it.timer.emplace(executor_, [this, transfer] {
    if (replica_->progress().leader == transfer->target) {
      transfer->done(Status());
    } else if (executor_.now_ms() >= transfer->deadline_ms) {
      transfer->done(Status(StatusCode::kUnknown,
                            "etcdserver: request timed out, leader transfer took too long"));
    } else {
      transfer->timer->arm(kLookMs);
      return;
    }
    // The timer holds the transfer and is part of it: let go from outside of its callback.
    executor_.post([transfer] { transfer->timer.reset(); });
  });
  it.timer->arm(kLookMs);
}

void Operations::hand_over(std::function<void()> done) {
  executor_.post([this, done = std::move(done)] {
    replica::Pump& pump = replica_->pump();
    const raft::Progress* heir = nullptr;
    for (const raft::Progress& member : pump.core().tracker().members()) {
      const bool able = member.id != pump.core().id() && !member.is_learner && member.recent_active;
      if (able && (heir == nullptr || member.match > heir->match)) heir = &member;
    }
    if (!replica_->progress().is_leader || heir == nullptr) return done();
    pump.transfer_leader(heir->id);
    watch_hand_over(std::make_shared<std::optional<env::Timer>>(), done);
  });
}

// The core gives a transfer up by itself after an election timeout.
void Operations::watch_hand_over(std::shared_ptr<std::optional<env::Timer>> timer,
                                 std::function<void()> done) {
  constexpr uint64_t kLookMs = 5;
  timer->emplace(executor_, [this, timer, done = std::move(done)] {
    if (replica_->pump().core().transfer_target() != raft::kNoNode) return (*timer)->arm(kLookMs);
    done();
    executor_.post([timer] { timer->reset(); });  // it holds itself, and this callback
  });
  (*timer)->arm(kLookMs);
}

void Operations::change_membership(replica::Lane& lane, raftpb::ConfChange change, Done done) {
  executor_.post([this, change = std::move(change),
                  done = on(lane.executor(), std::move(done))]() mutable {
    const Result<membership::ParsedChange> parsed = membership::parse_change(change);
    if (!parsed.ok()) return done(parsed.status());
    if (parsed->kind == membership::ParsedChange::Kind::kPromote) {
      return promote(parsed->member.id, std::move(done));
    }
    Status allowed = strict_ ? check_strictly(*parsed) : Status();
    // What all members would refuse alike is not worth a round through the log.
    if (allowed.ok()) allowed = cluster_.validate(change);
    if (!allowed.ok()) return done(allowed);
    replica_->change_membership(std::move(change), std::move(done));
  });
}

Status Operations::check_strictly(const membership::ParsedChange& change) const {
  switch (change.kind) {
    case membership::ParsedChange::Kind::kAdd:
      if (!change.member.is_learner) GATEHOUSE_RETURN_IF_ERROR(cluster_.check_add_voter());
      return check_connected_to_add();
    case membership::ParsedChange::Kind::kRemove:
      GATEHOUSE_RETURN_IF_ERROR(cluster_.check_remove(change.member.id));
      return check_connected_to_remove(change.member.id);
    case membership::ParsedChange::Kind::kPromote:
    case membership::ParsedChange::Kind::kUpdate:
      break;
  }
  return Status();
}

size_t Operations::connected_voters() const {
  const auto members = cluster_.members();
  const uint64_t now = executor_.now_ms();
  size_t count = 0;
  for (const auto& [id, member] : members->by_id) {
    if (member.is_learner) continue;
    const std::optional<uint64_t> since = peers_->active_since(id);
    if (id == cluster_.local_id() || (since && *since + kHealthyMs <= now)) ++count;
  }
  return count;
}

Status Operations::check_connected_to_add() const {
  const size_t voters = cluster_.members()->voters();
  // The new one counts as down. A cluster of one may always grow.
  if (voters == 1 || connected_voters() >= (voters + 1) / 2 + 1) return Status();
  return unhealthy();
}

Status Operations::check_connected_to_remove(uint64_t id) const {
  const auto members = cluster_.members();
  if (members->find(id)->is_learner) return Status();
  // One that is down is no part of what works.
  if (id != cluster_.local_id() && !peers_->active_since(id)) return Status();
  if (connected_voters() >= 2 + (members->voters() - 1) / 2) return Status();
  return unhealthy();
}

// Only the leader knows how far a learner has come.
void Operations::promote(uint64_t id, Done done) {
  if (replica_->progress().is_leader) return replica_->promote(id, std::move(done));
  peers_->leader().ask(
      {.path = "/members/promote/" + std::to_string(id), .method = "POST", .answers = {404, 412}},
      replica_->timeout_ms(),
      [this, id, done = std::move(done)](const Result<transport::Fetched>& answer) mutable {
        if (answer.status().code() == StatusCode::kAborted) return promote(id, std::move(done));
        if (!answer.ok()) return done(answer.status());
        if (answer->status == 200) return done(Status());
        std::string text = answer->body;
        while (text.ends_with('\n')) text.pop_back();
        // 404 and 412 are told apart there by the errors they stand for, whose texts go along.
        done(answer->status == 404
                 ? not_found("etcdserver: member not found")
                 : Status(StatusCode::kFailedPrecondition,
                          text.starts_with("etcdserver: ") ? text : "etcdserver: " + text));
      });
}

void Operations::renew_at_leader(replica::Lane& lane, int64_t id,
                                 std::function<void(Result<int64_t>)> done) {
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(id);
  executor_.post([this, body = request.SerializeAsString(), &to = lane.executor(),
                  done = std::move(done)]() mutable {
    peers_->leader().ask(lease_question("/leases", std::move(body)), replica_->timeout_ms(),
                         [&to, done = std::move(done)](const Result<transport::Fetched>& answer) {
                           Result<int64_t> ttl = renewed(answer);
                           to.post([done, ttl = std::move(ttl)] { done(ttl); });
                         });
  });
}

void Operations::time_to_live_at_leader(replica::Lane& lane, std::string request,
                                        std::function<void(Result<std::string>)> done) {
  std::string body;
  codec::append_bytes_field(body, 1, request);
  executor_.post([this, body = std::move(body), &to = lane.executor(),
                  done = std::move(done)]() mutable {
    peers_->leader().ask(lease_question("/leases/internal", std::move(body)),
                         replica_->timeout_ms(),
                         [&to, done = std::move(done)](const Result<transport::Fetched>& answer) {
                           Result<std::string> fields = time_left(answer);
                           to.post([done, fields = std::move(fields)] { done(fields); });
                         });
  });
}

void Operations::refresh_view() { replica_->wake_writer(); }

void Operations::raise_no_space() {
  // Every refused write asks; one of them is enough.
  if (raising_.exchange(true)) return;
  executor_.post([this] {
    raising_ = false;
    if (replica_ != nullptr) replica_->raise_no_space();
  });
}

}  // namespace gatehouse::member
