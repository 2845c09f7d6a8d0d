#include "member/apply/txn.h"

#include <compare>

#include "common/base/check.h"
#include "common/codec/proto_fields.h"
#include "member/apply/put.h"
#include "member/apply/record.h"
#include "member/mvcc/range.h"

namespace gatehouse::apply {

namespace {

using etcdserverpb::Compare;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using Ops = google::protobuf::RepeatedPtrField<RequestOp>;

bool holds(Compare::CompareResult wanted, std::strong_ordering order) {
  switch (wanted) {
    case Compare::EQUAL:
      return order == 0;
    case Compare::NOT_EQUAL:
      return order != 0;
    case Compare::GREATER:
      return order > 0;
    case Compare::LESS:
      return order < 0;
    default:
      return true;  // a result of a later version: etcd takes it for fulfilled
  }
}

// Of a key that is there, or of none: a default Item.
bool compare_item(const mvcc::ReadTxn& state, const Compare& compare, const mvcc::Item& item) {
  const auto stored = [&] {
    return item.version == 0 ? Stored() : parse_stored(state.record(item.modified));
  };
  switch (compare.target()) {
    case Compare::VERSION:
      return holds(compare.result(), item.version <=> compare.version());
    case Compare::CREATE:
      return holds(compare.result(), item.created <=> compare.create_revision());
    case Compare::MOD:
      return holds(compare.result(), item.modified.main <=> compare.mod_revision());
    case Compare::VALUE:
      return holds(compare.result(), stored().value <=> std::string_view(compare.value()));
    case Compare::LEASE:
      return holds(compare.result(), stored().lease <=> compare.lease());
    default:
      return true;
  }
}

bool compare_holds(const mvcc::ReadTxn& state, const Compare& compare) {
  std::vector<mvcc::Item> items;
  state.items(compare.key(), compare.range_end(), 0, 0, items);
  if (items.empty()) {
    // What is not there has no value, whatever it is compared with, and zeros else.
    return compare.target() != Compare::VALUE && compare_item(state, compare, mvcc::Item());
  }
  for (const mvcc::Item& item : items) {
    if (!compare_item(state, compare, item)) return false;
  }
  return true;
}

const Ops& branch(const TxnRequest& txn, bool succeeded) {
  return succeeded ? txn.success() : txn.failure();
}

void decide(const mvcc::ReadTxn& state, const TxnRequest& txn, std::vector<bool>& path) {
  bool succeeded = true;
  for (const Compare& compare : txn.compare()) {
    if (!compare_holds(state, compare)) {
      succeeded = false;
      break;
    }
  }
  path.push_back(succeeded);
  for (const RequestOp& op : branch(txn, succeeded)) {
    if (op.has_request_txn()) decide(state, op.request_txn(), path);
  }
}

PutView view_of(const etcdserverpb::PutRequest& put) {
  return PutView{.key = put.key(),
                 .value = put.value(),
                 .lease = put.lease(),
                 .prev_kv = put.prev_kv(),
                 .ignore_value = put.ignore_value(),
                 .ignore_lease = put.ignore_lease()};
}

Status check(const mvcc::ReadTxn& state, const LeaseExists& exists, const TxnRequest& txn,
             const std::vector<bool>& path, size_t& next) {
  for (const RequestOp& op : branch(txn, path[next++])) {
    if (op.has_request_range()) {
      GATEHOUSE_RETURN_IF_ERROR(state.check_revision(op.request_range().revision()));
    } else if (op.has_request_put()) {
      GATEHOUSE_RETURN_IF_ERROR(check_put(state, view_of(op.request_put()), exists));
    } else if (op.has_request_txn()) {
      GATEHOUSE_RETURN_IF_ERROR(check(state, exists, op.request_txn(), path, next));
    }
  }
  return Status();
}

// The header of an operation's response says the revision and nothing else.
void append_header(std::string& out, int64_t revision) {
  std::string header;
  codec::append_int64_field(header, 3, revision);
  codec::append_bytes_field(out, 1, header);
}

void execute(const mvcc::ReadTxn& read, mvcc::WriteTxn* write, const TxnRequest& txn,
             const std::vector<bool>& path, size_t& next, std::string& out, uint64_t& ranges) {
  const bool succeeded = path[next++];
  codec::append_bool_field(out, 2, succeeded);
  std::string fields;    // of the operation's response, after its header
  std::string response;  // with it
  std::string op_bytes;  // the ResponseOp around it
  for (const RequestOp& op : branch(txn, succeeded)) {
    fields.clear();
    response.clear();
    op_bytes.clear();
    uint32_t number = 0;
    switch (op.request_case()) {
      case RequestOp::kRequestRange: {
        number = 1;
        ++ranges;
        mvcc::RangeOutcome outcome;
        // Its revision was checked before anything was written.
        const Status status = mvcc::range(read, mvcc::range_query(op.request_range()), outcome);
        CHECK_MSG(status.ok(), status.message());
        mvcc::append_range_fields(outcome, fields);
        append_header(response, read.revision());
        break;
      }
      case RequestOp::kRequestPut:
        number = 2;
        CHECK(write != nullptr);
        execute_put(*write, view_of(op.request_put()), fields);
        append_header(response, write->revision());
        break;
      case RequestOp::kRequestDeleteRange: {
        number = 3;
        CHECK(write != nullptr);
        const etcdserverpb::DeleteRangeRequest& del = op.request_delete_range();
        execute_delete(*write, DeleteView{del.key(), del.range_end(), del.prev_kv()}, fields);
        append_header(response, write->revision());
        break;
      }
      case RequestOp::kRequestTxn:
        number = 4;
        execute(read, write, op.request_txn(), path, next, fields, ranges);
        codec::append_bytes_field(response, 1, "");  // a header without anything, as etcd has it
        break;
      case RequestOp::REQUEST_NOT_SET:
        break;  // refused before it was proposed; an empty response if it came all the same
    }
    if (number != 0) {
      response += fields;
      codec::append_bytes_field(op_bytes, number, response);
    }
    codec::append_bytes_field(out, 3, op_bytes);
  }
}

template <typename Predicate>
bool every_op(const TxnRequest& txn, const Predicate& predicate) {
  for (const Ops* ops : {&txn.success(), &txn.failure()}) {
    for (const RequestOp& op : *ops) {
      if (op.has_request_txn() ? !every_op(op.request_txn(), predicate) : !predicate(op)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

bool is_read_only(const TxnRequest& txn) {
  return every_op(txn, [](const RequestOp& op) { return op.has_request_range(); });
}

bool is_serializable(const TxnRequest& txn) {
  return every_op(txn, [](const RequestOp& op) {
    return op.has_request_range() && op.request_range().serializable();
  });
}

void TxnRun::decide(const mvcc::ReadTxn& state) {
  path_.clear();
  apply::decide(state, txn_, path_);
}

Status TxnRun::check(const mvcc::ReadTxn& state, const LeaseExists& exists) const {
  size_t next = 0;
  return apply::check(state, exists, txn_, path_, next);
}

void TxnRun::execute(const mvcc::ReadTxn& read, mvcc::WriteTxn* write, std::string& fields) {
  size_t next = 0;
  apply::execute(read, write, txn_, path_, next, fields, ranges_);
}

}  // namespace gatehouse::apply
