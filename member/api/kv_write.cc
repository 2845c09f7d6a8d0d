// KV.Put, DeleteRange, Txn and Compact.
#include <memory>
#include <string>
#include <utility>

#include "common/codec/proto_fields.h"
#include "member/api/services.h"
#include "member/api/unary.h"
#include "member/api/validate.h"
#include "member/apply/cost.h"
#include "member/apply/describe.h"
#include "member/apply/errors.h"
#include "member/apply/txn.h"

namespace gatehouse::api {

namespace {

constexpr const char* kService = "etcdserverpb.KV";

// Over the quota a write is refused before it is looked at, and all members are told by the alarm.
Status check_quota(Context& context, int64_t cost) {
  const uint64_t quota = context.limits.quota_bytes;
  if (quota == 0 || cost == 0) return Status();
  if (context.backend.expected_size_bytes() + static_cast<uint64_t>(cost) < quota) return Status();
  context.operations.raise_no_space();
  return apply::no_space();
}

class Put final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    apply::PutView put;
    if (!apply::parse_put(request(), put)) return fail(undecodable());
    Status status = check_quota(context(), apply::put_cost(put));
    if (status.ok()) status = validate(put);
    if (!status.ok()) return fail(status);
    propose(apply::Kind::kPut, request());
  }
  RequestStats stats() const override {
    etcdserverpb::PutRequest message;
    static_cast<void>(rpc::parse_message(request(), message));
    return {1, static_cast<int64_t>(request().size()), 0, static_cast<int64_t>(response_bytes()),
            apply::describe(message)};
  }
};

class DeleteRange final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    apply::DeleteView del;
    if (!apply::parse_delete(request(), del)) return fail(undecodable());
    const Status status = validate(del);
    if (!status.ok()) return fail(status);
    propose(apply::Kind::kDeleteRange, request());
  }
  void on_outcome(apply::Outcome outcome) override {
    codec::ProtoFields fields(outcome.fields);
    while (fields.next()) {
      if (fields.number() == 2 && fields.is_varint()) deleted_ = fields.int64();
    }
    Unary::on_outcome(std::move(outcome));
  }
  RequestStats stats() const override {
    etcdserverpb::DeleteRangeRequest message;
    static_cast<void>(rpc::parse_message(request(), message));
    return {0, static_cast<int64_t>(request().size()), deleted_,
            static_cast<int64_t>(response_bytes()), apply::compact_text(message)};
  }

  int64_t deleted_ = 0;
};

class Txn final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    if (!rpc::parse_message(request(), txn_).ok()) return fail(undecodable());
    Status status = check_quota(context(), apply::txn_cost(txn_));
    if (status.ok()) status = validate(txn_, context().limits.max_txn_ops);
    if (!status.ok()) return fail(status);
    if (!apply::is_read_only(txn_)) return propose(apply::Kind::kTxn, request());
    began_us_ = context().lane.executor().now_us();
    apply::is_serializable(txn_) ? on_readable() : read_index();
  }
  void on_unreadable() override {
    context().read_times.txn_request(context().lane.executor().now_us() - began_us_, false);
  }

  void on_readable() override {
    const uint64_t start_us = context().lane.executor().now_us();
    const std::shared_ptr<const mvcc::View>& view = context().views.get();
    apply::TxnRun run(txn_);
    run.decide(*view);
    const Status status = run.check(*view, [](int64_t) { return true; });
    std::string fields;
    if (status.ok()) {
      run.execute(*view, nullptr, fields);
      context().store.count_ranges(run.ranges());
    }
    const uint64_t end_us = context().lane.executor().now_us();
    context().read_times.txn(
        end_us - start_us, status, [&] { return apply::describe(txn_); },
        [&] {
          return "responses:<" + apply::describe_responses(fields) +
                 "> size:" + std::to_string(fields.size());
        });
    context().read_times.txn_request(end_us - began_us_, status.ok());
    status.ok() ? answer(view->revision(), fields) : fail(status);
  }

  RequestStats stats() const override {
    return {txn_.success_size() + txn_.failure_size() > 0 ? 1 : 0,
            static_cast<int64_t>(request().size()), 0, static_cast<int64_t>(response_bytes()),
            apply::describe(txn_)};
  }

  etcdserverpb::TxnRequest txn_;
  uint64_t began_us_ = 0;
};

class Compact final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override { propose(apply::Kind::kCompaction, request()); }
};

}  // namespace

void add_kv_writes(rpc::Server& server, Context& context) {
  add_method<Put>(server, context, kService, "Put");
  add_method<DeleteRange>(server, context, kService, "DeleteRange");
  add_method<Txn>(server, context, kService, "Txn");
  add_method<Compact>(server, context, kService, "Compact");
}

}  // namespace gatehouse::api
