// Transactions: which branch each takes, whether it can be carried out, and carrying it out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "member/mvcc/store.h"
#include "proto/rpc.pb.h"

namespace gatehouse::apply {

// Does the lease exist?
using LeaseExists = std::function<bool(int64_t lease)>;

// True when the transaction has no put and no delete in any branch: it may be answered from a view.
bool is_read_only(const etcdserverpb::TxnRequest& txn);
// Read-only, and each of its ranges is content with what this member has.
bool is_serializable(const etcdserverpb::TxnRequest& txn);

// One TxnRequest being executed. Compares look at the state before the transaction, those of nested
// ones too; so does the check that comes before any write, after which nothing can fail.
//
//   TxnRun run(txn);
//   run.decide(state);
//   status = run.check(state, exists);      // errors: no effect at all
//   run.execute(write, &write, fields);     // or execute(view, nullptr, fields) when it is read-only
class TxnRun {
 public:
  // The request must outlive it.
  explicit TxnRun(const etcdserverpb::TxnRequest& txn) : txn_(txn) {}

  void decide(const mvcc::ReadTxn& state);
  Status check(const mvcc::ReadTxn& state, const LeaseExists& exists) const;
  // Appends the TxnResponse's fields after the header. `read` and `write` are the same transaction.
  void execute(const mvcc::ReadTxn& read, mvcc::WriteTxn* write, std::string& fields);
  // How many ranges were executed.
  uint64_t ranges() const { return ranges_; }

 private:
  // The branches chosen, in the order in which transactions are met: a transaction, then the nested
  // ones of its chosen branch.
  std::vector<bool> path_;
  uint64_t ranges_ = 0;
  const etcdserverpb::TxnRequest& txn_;
};

}  // namespace gatehouse::apply
