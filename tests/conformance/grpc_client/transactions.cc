#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

void add_put(google::protobuf::RepeatedPtrField<pb::RequestOp>& ops, const std::string& key,
             const std::string& value) {
  auto& request = *ops.Add()->mutable_request_put();
  request.set_key(key);
  request.set_value(value);
}

void add_range(google::protobuf::RepeatedPtrField<pb::RequestOp>& ops, const std::string& key,
               const std::string& end = {}) {
  auto& request = *ops.Add()->mutable_request_range();
  request.set_key(key);
  request.set_range_end(end);
}

void add_delete(google::protobuf::RepeatedPtrField<pb::RequestOp>& ops, const std::string& key) {
  auto& request = *ops.Add()->mutable_request_delete_range();
  request.set_key(key);
  request.set_prev_kv(true);
}

// Every target with every comparison, against a key that has been written and one that has not.
void comparisons(Session& session, pb::KV::Stub& kv) {
  for (int target = 0; target <= 4; ++target) {
    for (int result = 0; result <= 3; ++result) {
      for (const char* key : {"foo", "never"}) {
        pb::TxnRequest request;
        auto& compare = *request.add_compare();
        compare.set_key(key);
        compare.set_target(static_cast<pb::Compare::CompareTarget>(target));
        compare.set_result(static_cast<pb::Compare::CompareResult>(result));
        switch (target) {
          case pb::Compare::VERSION:
            compare.set_version(2);
            break;
          case pb::Compare::CREATE:
            compare.set_create_revision(2);
            break;
          case pb::Compare::MOD:
            compare.set_mod_revision(4);
            break;
          case pb::Compare::VALUE:
            compare.set_value("bar2");
            break;
          default:
            compare.set_lease(0);
            break;
        }
        session.call("compare " + std::to_string(target) + " " + std::to_string(result) + " " + key,
                     kv, &pb::KV::Stub::Txn, request);
      }
    }
  }
}

}  // namespace

void run_transactions(Session& session) {
  auto kv = pb::KV::NewStub(session.channel());
  const auto call = [&](std::string_view step, const pb::TxnRequest& request) {
    session.call(step, *kv, &pb::KV::Stub::Txn, request);
  };
  comparisons(session, *kv);

  pb::TxnRequest request;
  call("txn, empty", request);
  add_put(*request.mutable_success(), "txn/a", "1");
  add_range(*request.mutable_success(), "txn/", "txn0");
  add_delete(*request.mutable_success(), "list/5");
  auto& inner = *request.add_success()->mutable_request_txn();
  add_put(*inner.mutable_success(), "txn/b", "2");
  auto& innermost = *inner.add_success()->mutable_request_txn();
  auto& compare = *innermost.add_compare();
  compare.set_key("txn/b");
  compare.set_target(pb::Compare::VERSION);
  compare.set_version(1);
  add_put(*innermost.mutable_failure(), "txn/c", "3");
  add_range(*innermost.mutable_failure(), "txn/", "txn0");
  call("txn, nested twice", request);

  request.Clear();
  auto& all = *request.add_compare();
  all.set_key("txn/");
  all.set_range_end("txn0");
  all.set_target(pb::Compare::VERSION);
  all.set_version(1);
  add_range(*request.mutable_success(), "foo");
  call("txn, compare over a range", request);
  all.set_range_end("");
  all.set_key("");
  call("txn, compare without a key", request);

  request.Clear();
  request.add_success();
  call("txn, an operation that is none", request);
  request.Clear();
  add_put(*request.mutable_success(), "twice", "1");
  add_put(*request.mutable_success(), "twice", "2");
  call("txn, a key twice", request);
  request.Clear();
  for (int i = 0; i < 128; ++i)
    add_put(*request.mutable_success(), "many/" + std::to_string(i), "x");
  call("txn, 128 operations", request);
  add_put(*request.mutable_failure(), "many/x", "x");
  add_put(*request.mutable_success(), "many/128", "x");
  call("txn, 129 operations", request);
  request.Clear();
  add_range(*request.mutable_success(), "foo");
  request.mutable_success(0)->mutable_request_range()->set_revision(999999);
  call("txn, a revision to come", request);
}

}  // namespace gatehouse::conformance
