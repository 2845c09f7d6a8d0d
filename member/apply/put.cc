#include "member/apply/put.h"

#include <vector>

#include "common/codec/proto_fields.h"
#include "member/apply/errors.h"
#include "member/apply/record.h"

namespace gatehouse::apply {

namespace {

// The record of the living key, or nothing.
std::string_view find_record(const mvcc::ReadTxn& state, std::string_view key) {
  thread_local std::vector<mvcc::Item> items;
  items.clear();
  state.items(key, {}, 0, 1, items);
  return items.empty() ? std::string_view() : state.record(items.front().modified);
}

}  // namespace

Status check_put(const mvcc::ReadTxn& state, const PutView& put, const LeaseExists& exists) {
  if (put.lease != 0 && !exists(put.lease)) return lease_not_found();
  if ((put.ignore_value || put.ignore_lease) && state.count(put.key, {}, 0) == 0) {
    return key_not_found();
  }
  return Status();
}

void execute_put(mvcc::WriteTxn& txn, const PutView& put, std::string& fields) {
  std::string previous;  // a copy: a view does not outlive the change
  const bool keeps = put.ignore_value || put.ignore_lease;
  if (put.prev_kv || keeps) previous = find_record(txn, put.key);
  if (keeps) {
    const Stored kept = parse_stored(previous);
    txn.put(put.key, put.ignore_value ? kept.value : put.value,
            put.ignore_lease ? kept.lease : put.lease);
  } else {
    txn.put(put.key, put.value, put.lease);
  }
  if (put.prev_kv && !previous.empty()) codec::append_bytes_field(fields, 2, previous);
}

void execute_delete(mvcc::WriteTxn& txn, const DeleteView& del, std::string& fields) {
  std::string previous;
  if (del.prev_kv) {
    std::vector<mvcc::Item> items;
    txn.items(del.key, del.end, 0, 0, items);
    for (const mvcc::Item& item : items) {
      codec::append_bytes_field(previous, 3, txn.record(item.modified));
    }
  }
  codec::append_int64_field(fields, 2, txn.delete_range(del.key, del.end));
  fields += previous;
}

}  // namespace gatehouse::apply
