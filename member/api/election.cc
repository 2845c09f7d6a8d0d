#include "member/api/election.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "proto/v3election.pb.h"

namespace gatehouse::api {

namespace {

namespace pb = etcdserverpb;
namespace election = v3electionpb;
using concurrency::Join;
using concurrency::Service;
using concurrency::Turn;

Status no_leader_field() {
  return Status(StatusCode::kUnknown, "\"leader\" field must be provided");
}
Status not_leader() { return Status(StatusCode::kUnknown, "election: not leader"); }

// if the place is still the one of that revision: says something new there.
pb::TxnRequest proclamation(const std::string& key, int64_t revision, int64_t lease,
                            const std::string& value) {
  pb::TxnRequest txn;
  concurrency::if_created_at(txn, key, revision);
  pb::PutRequest& put = *txn.add_success()->mutable_request_put();
  put.set_key(key);
  put.set_value(value);
  put.set_lease(lease);
  return txn;
}

// if the place is still the one of that revision: leaves it.
pb::TxnRequest resignation(const std::string& key, int64_t revision) {
  pb::TxnRequest txn;
  concurrency::if_created_at(txn, key, revision);
  txn.add_success()->mutable_request_delete_range()->set_key(key);
  return txn;
}

//   lease --> kJoining --> (kProclaiming) --> kWaiting --> answer
class Campaign final : public concurrency::Served<election::CampaignRequest> {
 public:
  using Served::Served;

  void on_cancel(const Status&) override {
    if (state_ == State::kProclaiming || state_ == State::kWaiting) resign();
    join_.reset();
    proclaim_.reset();
    turn_.reset();
  }

 private:
  enum class State : uint8_t { kLeasing, kJoining, kProclaiming, kWaiting, kAnswered };

  void run() override {
    prefix_ = concurrency::queue_prefix(request.name());
    with_lease(request.lease(), [this](int64_t lease) { join(lease); });
  }

  void join(int64_t lease) {
    state_ = State::kJoining;
    lease_ = lease;
    key_ = concurrency::place_key(prefix_, lease);
    pb::TxnRequest txn = proclamation(key_, 0, lease, request.value());
    txn.add_failure()->mutable_request_range()->set_key(key_);
    join_.emplace(service, call, txn, key_,
                  [this](const rpc::CallResult& result, const pb::TxnResponse& response) {
                    joined(result.status, response);
                  });
  }

  void joined(const Status& status, const pb::TxnResponse& response) {
    if (!status.ok()) return end(concurrency::as_told(status));
    header_ = response.header();
    revision_ = response.header().revision();
    if (response.succeeded()) return wait();
    const mvccpb::KeyValue& mine = response.responses(0).response_range().kvs(0);
    revision_ = mine.create_revision();
    if (mine.value() == request.value()) return wait();
    // The lease has a place already, with something else to say.
    state_ = State::kProclaiming;
    proclaim_ = rpc::call_unary_typed<pb::TxnResponse>(
        service.target, concurrency::kTxn, concurrency::options_for(call),
        proclamation(key_, revision_, lease_, request.value()),
        [this](const rpc::CallResult& result, const pb::TxnResponse& said) {
          if (result.status.ok() && said.succeeded()) return wait();
          resign();
          end(result.status.ok() ? not_leader() : concurrency::as_told(result.status));
        });
  }

  void wait() {
    state_ = State::kWaiting;
    turn_.emplace(service.target, concurrency::options_for(call), prefix_, revision_ - 1,
                  [this](const Status& waited) {
                    // Its key stays where the wait fails otherwise than by the client's leave.
                    if (waited.ok()) {
                      lead();
                    } else {
                      end(waited);
                    }
                  });
  }

  void lead() {
    state_ = State::kAnswered;
    election::CampaignResponse response;
    *response.mutable_header() = header_;
    election::LeaderKey& leader = *response.mutable_leader();
    leader.set_name(request.name());
    leader.set_key(key_);
    leader.set_rev(revision_);
    leader.set_lease(lease_);
    answer(response);
  }

  void end(const Status& status) {
    state_ = State::kAnswered;
    call.finish(status);
  }

  void resign() {
    service.farewells.call(service.target, concurrency::kTxn, concurrency::options_for(call),
                           rpc::serialize_message(resignation(key_, revision_)));
  }

  State state_ = State::kLeasing;
  std::string prefix_;
  std::string key_;
  int64_t lease_ = 0;
  int64_t revision_ = 0;
  pb::ResponseHeader header_;  // of the transaction that took the place
  std::optional<Join> join_;
  std::unique_ptr<rpc::ClientCall> proclaim_;
  std::optional<Turn> turn_;
};

class Proclaim final : public concurrency::Served<election::ProclaimRequest> {
 public:
  using Served::Served;

 private:
  void run() override {
    if (!request.has_leader()) return call.finish(no_leader_field());
    with_lease(request.leader().lease(), [this](int64_t lease) {
      ask<pb::TxnResponse>(
          concurrency::kTxn,
          proclamation(request.leader().key(), request.leader().rev(), lease, request.value()),
          [this](const pb::TxnResponse& said) {
            if (!said.succeeded()) return call.finish(not_leader());
            election::ProclaimResponse response;
            *response.mutable_header() = said.header();
            answer(response);
          });
    });
  }
};

class Resign final : public concurrency::Served<election::ResignRequest> {
 public:
  using Served::Served;

 private:
  void run() override {
    if (!request.has_leader()) return call.finish(no_leader_field());
    ask<pb::TxnResponse>(concurrency::kTxn,
                         resignation(request.leader().key(), request.leader().rev()),
                         [this](const pb::TxnResponse& resigned) {
                           election::ResignResponse response;
                           *response.mutable_header() = resigned.header();
                           answer(response);
                         });
  }
};

class Leader final : public concurrency::Served<election::LeaderRequest> {
 public:
  using Served::Served;

 private:
  void run() override {
    ask<pb::RangeResponse>(
        concurrency::kRange,
        concurrency::first_in_queue(concurrency::queue_prefix(request.name())),
        [this](const pb::RangeResponse& first) {
          if (first.kvs_size() == 0) {
            return call.finish(Status(StatusCode::kUnknown, "election: no leader"));
          }
          election::LeaderResponse response;
          *response.mutable_header() = first.header();
          *response.mutable_kv() = first.kvs(0);
          answer(response);
        });
  }
};

// Finds the leader (or waits until there is one), then follows its key until that is gone, and
// again.
class Observe final : public concurrency::Served<election::LeaderRequest> {
 public:
  using Served::Served;

  void on_can_send() override {
    if (std::exchange(paused_, false) && watch_) watch_->want();
  }

 private:
  using Next = concurrency::Watch::Next;

  void run() override {
    prefix_ = concurrency::queue_prefix(request.name());
    find();
  }

  void find() {
    find_ = rpc::call_unary_typed<pb::RangeResponse>(
        service.target, concurrency::kRange, concurrency::options_for(call),
        concurrency::first_in_queue(prefix_),
        [this](const rpc::CallResult& result, const pb::RangeResponse& first) {
          if (!result.status.ok()) return lost();
          if (first.kvs_size() == 0) return await(first.header().revision());
          tell(first.header(), first.kvs(0));
          follow(first.kvs(0).key(), first.header().revision() + 1);
        });
  }

  // The first put below the prefix is the leader's.
  void await(int64_t revision) {
    pb::WatchCreateRequest range;
    range.set_key(prefix_);
    range.set_range_end(concurrency::queue_end(prefix_));
    range.set_start_revision(revision);
    watch(range, [this](const pb::WatchResponse& response) {
      for (const mvccpb::Event& event : response.events()) {
        if (event.type() != mvccpb::Event::PUT) continue;
        // Several revisions may have come at once; what follows is watched from this one on.
        pb::ResponseHeader header = response.header();
        header.set_revision(event.kv().mod_revision());
        tell(header, event.kv());
        follow(std::string(event.kv().key()), header.revision() + 1);
        return Next::kEnough;
      }
      return Next::kMore;
    });
  }

  void follow(const std::string& key, int64_t revision) {
    pb::WatchCreateRequest range;
    range.set_key(key);
    range.set_start_revision(revision);
    watch(range, [this](const pb::WatchResponse& response) {
      for (const mvccpb::Event& event : response.events()) {
        if (event.type() == mvccpb::Event::DELETE) {
          watch_.reset();
          find();
          return Next::kEnough;
        }
        tell(response.header(), event.kv());
      }
      if (call.can_send()) return Next::kMore;
      paused_ = true;
      return Next::kLater;
    });
  }

  void watch(const pb::WatchCreateRequest& range, concurrency::Watch::OnEvents on_events) {
    watch_ = std::make_unique<concurrency::Watch>(service.target, concurrency::options_for(call),
                                                  range, std::move(on_events),
                                                  [this](const Status&) { lost(); });
  }

  void tell(const pb::ResponseHeader& header, const mvccpb::KeyValue& kv) {
    election::LeaderResponse response;
    *response.mutable_header() = header;
    *response.mutable_kv() = kv;
    rpc::send_message(call, response);
  }

  // Whatever the reason: etcd's observer does not say it.
  void lost() { call.finish(Status(StatusCode::kUnknown, "election: observe closed early")); }

  std::string prefix_;
  bool paused_ = false;  // the watch waits for the client to read
  std::unique_ptr<rpc::ClientCall> find_;
  std::unique_ptr<concurrency::Watch> watch_;
};

template <typename Handler>
void add(rpc::Server& server, Service& service, const char* name, rpc::MethodKind kind) {
  server.add({"v3electionpb.Election", name, kind}, [&service](rpc::ServerCall& call) {
    return std::make_unique<Handler>(call, service);
  });
}

}  // namespace

void ElectionService::add_to(rpc::Server& server) {
  add<Campaign>(server, service_, "Campaign", rpc::MethodKind::kUnary);
  add<Proclaim>(server, service_, "Proclaim", rpc::MethodKind::kUnary);
  add<Leader>(server, service_, "Leader", rpc::MethodKind::kUnary);
  add<Observe>(server, service_, "Observe", rpc::MethodKind::kServerStream);
  add<Resign>(server, service_, "Resign", rpc::MethodKind::kUnary);
}

}  // namespace gatehouse::api
