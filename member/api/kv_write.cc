// KV.Put, DeleteRange, Txn and Compact.
#include <memory>
#include <string>
#include <utility>

#include "member/api/services.h"
#include "member/api/unary.h"
#include "member/api/validate.h"
#include "member/apply/cost.h"
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
    apply::is_serializable(txn_) ? on_readable() : read_index();
  }

  void on_readable() override {
    const std::shared_ptr<const mvcc::View>& view = context().views.get();
    apply::TxnRun run(txn_);
    run.decide(*view);
    const Status status = run.check(*view, [](int64_t) { return true; });
    if (!status.ok()) return fail(status);
    std::string fields;
    run.execute(*view, nullptr, fields);
    answer(view->revision(), fields);
  }

  etcdserverpb::TxnRequest txn_;
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
