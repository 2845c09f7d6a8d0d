#include "member/api/lock.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "proto/v3lock.pb.h"

namespace gatehouse::api {

namespace {

namespace pb = etcdserverpb;
using concurrency::Join;
using concurrency::Service;
using concurrency::Turn;

//   lease --> kJoining --> kWaiting --> kChecking --> answer
//                 `--- held, or nobody before it ----^
class Lock final : public concurrency::Served<v3lockpb::LockRequest> {
 public:
  using Served::Served;

  void on_cancel(const Status&) override {
    if (state_ == State::kWaiting || state_ == State::kChecking) give_up_place();
    join_.reset();
    turn_.reset();
    check_.reset();
  }

 private:
  enum class State : uint8_t { kLeasing, kJoining, kWaiting, kChecking, kAnswered };

  void run() override {
    prefix_ = concurrency::queue_prefix(request.name());
    with_lease(request.lease(), [this](int64_t lease) { join(lease); });
  }

  // One transaction takes the place, or finds the one that this lease has already, and looks who
  // is first.
  void join(int64_t lease) {
    state_ = State::kJoining;
    key_ = concurrency::place_key(prefix_, lease);
    pb::TxnRequest txn;
    concurrency::if_created_at(txn, key_, 0);
    pb::PutRequest& put = *txn.add_success()->mutable_request_put();
    put.set_key(key_);
    put.set_lease(lease);
    *txn.add_success()->mutable_request_range() = concurrency::first_in_queue(prefix_);
    txn.add_failure()->mutable_request_range()->set_key(key_);
    *txn.add_failure()->mutable_request_range() = concurrency::first_in_queue(prefix_);
    join_.emplace(service, call, txn, key_,
                  [this](const rpc::CallResult& result, const pb::TxnResponse& response) {
                    joined(result.status, response);
                  });
  }

  void joined(const Status& status, const pb::TxnResponse& response) {
    if (!status.ok()) return end(concurrency::as_told(status));
    const pb::RangeResponse& first = response.responses(1).response_range();
    const int64_t mine = response.succeeded()
                             ? response.header().revision()
                             : response.responses(0).response_range().kvs(0).create_revision();
    if (first.kvs_size() == 0 || first.kvs(0).create_revision() == mine) {
      return hold(response.header());
    }
    state_ = State::kWaiting;
    turn_.emplace(service.target, concurrency::options_for(call), prefix_, mine - 1,
                  [this](const Status& waited) { check(waited); });
  }

  // Its turn has come; but the lease may have ended while it waited.
  void check(const Status& waited) {
    if (!waited.ok()) {
      give_up_place();
      return end(waited);
    }
    state_ = State::kChecking;
    pb::RangeRequest range;
    range.set_key(key_);
    check_ = rpc::call_unary_typed<pb::RangeResponse>(
        service.target, concurrency::kRange, concurrency::options_for(call), range,
        [this](const rpc::CallResult& result, const pb::RangeResponse& response) {
          if (!result.status.ok()) {
            give_up_place();
            end(concurrency::as_told(result.status));
          } else if (response.kvs_size() == 0) {
            end(Status(StatusCode::kUnknown, "mutex: session is expired"));
          } else {
            hold(response.header());
          }
        });
  }

  void hold(const pb::ResponseHeader& header) {
    state_ = State::kAnswered;
    v3lockpb::LockResponse response;
    *response.mutable_header() = header;
    response.set_key(key_);
    answer(response);
  }

  void end(const Status& status) {
    state_ = State::kAnswered;
    call.finish(status);
  }

  void give_up_place() {
    pb::DeleteRangeRequest range;
    range.set_key(key_);
    service.farewells.call(service.target, concurrency::kDeleteRange,
                           concurrency::options_for(call), rpc::serialize_message(range));
  }

  State state_ = State::kLeasing;
  std::string prefix_;
  std::string key_;
  std::optional<Join> join_;
  std::optional<Turn> turn_;
  std::unique_ptr<rpc::ClientCall> check_;
};

class Unlock final : public concurrency::Served<v3lockpb::UnlockRequest> {
 public:
  using Served::Served;

 private:
  void run() override {
    pb::DeleteRangeRequest range;
    range.set_key(request.key());
    ask<pb::DeleteRangeResponse>(concurrency::kDeleteRange, range,
                                 [this](const pb::DeleteRangeResponse& deleted) {
                                   v3lockpb::UnlockResponse response;
                                   *response.mutable_header() = deleted.header();
                                   answer(response);
                                 });
  }
};

}  // namespace

void LockService::add_to(rpc::Server& server) {
  Service& service = service_;
  server.add({"v3lockpb.Lock", "Lock", rpc::MethodKind::kUnary},
             [&service](rpc::ServerCall& call) { return std::make_unique<Lock>(call, service); });
  server.add({"v3lockpb.Lock", "Unlock", rpc::MethodKind::kUnary},
             [&service](rpc::ServerCall& call) { return std::make_unique<Unlock>(call, service); });
}

}  // namespace gatehouse::api
