// One put or delete on an open transaction, alone or as an operation of a transaction.
#pragma once

#include <string>

#include "common/base/status.h"
#include "member/apply/kv_request.h"
#include "member/apply/txn.h"
#include "member/mvcc/store.h"

namespace gatehouse::apply {

// What has to hold before anything is written: kInvalidArgument (an absent key cannot keep its value
// or lease), kNotFound (no such lease).
Status check_put(const mvcc::ReadTxn& state, const PutView& put, const LeaseExists& exists);

// check_put() held. Both append the response's fields after the header.
void execute_put(mvcc::WriteTxn& txn, const PutView& put, std::string& fields);
void execute_delete(mvcc::WriteTxn& txn, const DeleteView& del, std::string& fields);

}  // namespace gatehouse::apply
