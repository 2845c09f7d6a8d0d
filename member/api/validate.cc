#include "member/api/validate.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "member/api/errors.h"
#include "member/apply/errors.h"

namespace gatehouse::api {

namespace {

using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using Ops = google::protobuf::RepeatedPtrField<RequestOp>;

apply::PutView view_of(const etcdserverpb::PutRequest& put) {
  apply::PutView view;
  view.key = put.key();
  view.value = put.value();
  view.lease = put.lease();
  view.ignore_value = put.ignore_value();
  view.ignore_lease = put.ignore_lease();
  return view;
}

Status validate_op(const RequestOp& op, uint64_t max_ops);

Status validate_shape(const TxnRequest& txn, uint64_t max_ops) {
  const uint64_t ops = static_cast<uint64_t>(
      std::max({txn.compare_size(), txn.success_size(), txn.failure_size()}));
  if (ops > max_ops) return too_many_ops();
  for (const etcdserverpb::Compare& compare : txn.compare()) {
    if (compare.key().empty()) return empty_key();
  }
  // What is nested shares what this level has left.
  for (const Ops* branch : {&txn.success(), &txn.failure()}) {
    for (const RequestOp& op : *branch) {
      GATEHOUSE_RETURN_IF_ERROR(validate_op(op, max_ops - ops));
    }
  }
  return Status();
}

Status validate_op(const RequestOp& op, uint64_t max_ops) {
  switch (op.request_case()) {
    case RequestOp::kRequestRange:
      return validate(mvcc::range_query(op.request_range()));
    case RequestOp::kRequestPut:
      return validate(view_of(op.request_put()));
    case RequestOp::kRequestDeleteRange:
      return validate(
          apply::DeleteView{op.request_delete_range().key(), op.request_delete_range().range_end()});
    case RequestOp::kRequestTxn:
      return validate_shape(op.request_txn(), max_ops);
    case RequestOp::REQUEST_NOT_SET:
      break;
  }
  return apply::key_not_found();
}

// What a branch writes. The rule, and its peculiarities, are etcd's: clients have come to rely on
// what it lets pass.
struct Writes {
  struct Interval {
    std::string_view begin;
    std::string_view end;  // "" : the one key
    bool contains(std::string_view key) const {
      return end.empty() ? key == begin : key >= begin && key < end;
    }
  };
  std::set<std::string_view> puts;
  std::vector<Interval> deletes;

  bool deletes_key(std::string_view key) const {
    return std::any_of(deletes.begin(), deletes.end(),
                       [&](const Interval& each) { return each.contains(key); });
  }
};

Status collect(const Ops& ops, Writes& out) {
  for (const RequestOp& op : ops) {
    if (!op.has_request_delete_range()) continue;
    const etcdserverpb::DeleteRangeRequest& del = op.request_delete_range();
    out.deletes.push_back({del.key(), del.range_end()});
  }
  // Branches of one nested transaction exclude each other and may write the same; those of two may
  // not.
  for (const RequestOp& op : ops) {
    if (!op.has_request_txn()) continue;
    Writes then;
    Writes otherwise;
    GATEHOUSE_RETURN_IF_ERROR(collect(op.request_txn().success(), then));
    GATEHOUSE_RETURN_IF_ERROR(collect(op.request_txn().failure(), otherwise));
    for (const Writes* nested : {&then, &otherwise}) {
      for (std::string_view key : nested->puts) {
        if (out.puts.contains(key) || out.deletes_key(key)) return duplicate_key();
      }
    }
    for (const Writes* nested : {&then, &otherwise}) {
      out.puts.insert(nested->puts.begin(), nested->puts.end());
      out.deletes.insert(out.deletes.end(), nested->deletes.begin(), nested->deletes.end());
    }
  }
  for (const RequestOp& op : ops) {
    if (!op.has_request_put()) continue;
    const std::string_view key = op.request_put().key();
    if (!out.puts.insert(key).second || out.deletes_key(key)) return duplicate_key();
  }
  return Status();
}

}  // namespace

Status validate(const mvcc::RangeQuery& range) {
  if (range.key.empty()) return empty_key();
  if (!range.sort_options_valid()) return invalid_sort_option();
  return Status();
}

Status validate(const apply::PutView& put) {
  if (put.key.empty()) return empty_key();
  if (put.ignore_value && !put.value.empty()) return value_provided();
  if (put.ignore_lease && put.lease != 0) return lease_provided();
  return Status();
}

Status validate(const apply::DeleteView& del) { return del.key.empty() ? empty_key() : Status(); }

Status validate(const TxnRequest& txn, uint64_t max_ops) {
  GATEHOUSE_RETURN_IF_ERROR(validate_shape(txn, max_ops));
  for (const Ops* branch : {&txn.success(), &txn.failure()}) {
    Writes writes;
    GATEHOUSE_RETURN_IF_ERROR(collect(*branch, writes));
  }
  return Status();
}

}  // namespace gatehouse::api
