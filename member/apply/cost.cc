#include "member/apply/cost.h"

#include <algorithm>

namespace gatehouse::apply {

namespace {

int64_t branch_cost(const google::protobuf::RepeatedPtrField<etcdserverpb::RequestOp>& ops) {
  int64_t cost = 0;
  for (const etcdserverpb::RequestOp& op : ops) {
    if (op.has_request_put()) {
      PutView put;
      put.key = op.request_put().key();
      put.value = op.request_put().value();
      cost += put_cost(put);
    } else if (op.has_request_txn()) {
      cost += txn_cost(op.request_txn());
    }
  }
  return cost;
}

}  // namespace

int64_t txn_cost(const etcdserverpb::TxnRequest& txn) {
  return std::max(branch_cost(txn.success()), branch_cost(txn.failure()));
}

}  // namespace gatehouse::apply
