// What a transaction may hold and in which order it sees what: overlaps, budgets, branches chosen
// up front, revisions of its parts.
#include <cstring>
#include <functional>

#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

using Ops = google::protobuf::RepeatedPtrField<pb::RequestOp>;

const std::string kZero(1, '\0');

void put(Ops& ops, const std::string& key, const std::string& value = "v") {
  auto& request = *ops.Add()->mutable_request_put();
  request.set_key(key);
  request.set_value(value);
}

void del(Ops& ops, const std::string& key, const std::string& end = {}) {
  auto& request = *ops.Add()->mutable_request_delete_range();
  request.set_key(key);
  request.set_range_end(end);
  request.set_prev_kv(true);
}

void range(Ops& ops, const std::string& key, const std::string& end = {}, int64_t revision = 0) {
  auto& request = *ops.Add()->mutable_request_range();
  request.set_key(key);
  request.set_range_end(end);
  request.set_revision(revision);
}

pb::TxnRequest& nested(Ops& ops) { return *ops.Add()->mutable_request_txn(); }
Ops& then(pb::TxnRequest& txn) { return *txn.mutable_success(); }
Ops& otherwise(pb::TxnRequest& txn) { return *txn.mutable_failure(); }

void version_is(pb::TxnRequest& txn, const std::string& key, int64_t version) {
  auto& compare = *txn.add_compare();
  compare.set_key(key);
  compare.set_target(pb::Compare::VERSION);
  compare.set_version(version);
}

struct Case {
  const char* name;
  std::function<void(pb::TxnRequest&)> build;
};

const Case kOverlaps[] = {
    {"put a, del a", [](auto& t) { put(then(t), "o/a"), del(then(t), "o/a"); }},
    {"del a, put a", [](auto& t) { del(then(t), "o/a"), put(then(t), "o/a"); }},
    {"del [a,c), put b", [](auto& t) { del(then(t), "o/a", "o/c"), put(then(t), "o/b"); }},
    {"put b, del [a,c)", [](auto& t) { put(then(t), "o/b"), del(then(t), "o/a", "o/c"); }},
    {"del [a,c), put c", [](auto& t) { del(then(t), "o/a", "o/c"), put(then(t), "o/c"); }},
    {"del [a,c), put a", [](auto& t) { del(then(t), "o/a", "o/c"), put(then(t), "o/a"); }},
    {"del a, del a", [](auto& t) { del(then(t), "o/a"), del(then(t), "o/a"); }},
    {"del [a,c), del [b,d)",
     [](auto& t) { del(then(t), "o/a", "o/c"), del(then(t), "o/b", "o/d"); }},
    {"del from a on, put b", [](auto& t) { del(then(t), "o/y", kZero), put(then(t), "o/z"); }},
    {"del everything from zero, put b",
     [](auto& t) { del(then(t), "zz", kZero), put(then(t), "zz"); }},
    {"del inverted, put inside", [](auto& t) { del(then(t), "o/c", "o/a"), put(then(t), "o/b"); }},
    {"put a twice", [](auto& t) { put(then(t), "o/a"), put(then(t), "o/a"); }},
    {"put a in both branches", [](auto& t) { put(then(t), "o/a"), put(otherwise(t), "o/a"); }},
    {"overlap in the branch not taken",
     [](auto& t) { put(otherwise(t), "o/a"), put(otherwise(t), "o/a"); }},
    {"txn{put a}, put a", [](auto& t) { put(then(nested(then(t))), "o/a"), put(then(t), "o/a"); }},
    {"put a, txn{put a}", [](auto& t) { put(then(t), "o/a"), put(then(nested(then(t))), "o/a"); }},
    {"txn{del a}, txn{put a}",
     [](auto& t) { del(then(nested(then(t))), "o/a"), put(then(nested(then(t))), "o/a"); }},
    {"txn{put a}, txn{del a}",
     [](auto& t) { put(then(nested(then(t))), "o/a"), del(then(nested(then(t))), "o/a"); }},
    {"txn{put a}, txn{put a}",
     [](auto& t) { put(then(nested(then(t))), "o/a"), put(then(nested(then(t))), "o/a"); }},
    {"txn{then del a, else put a}",
     [](auto& t) {
       auto& inner = nested(then(t));
       del(then(inner), "o/a"), put(otherwise(inner), "o/a");
     }},
    {"txn{then put a, else put a}",
     [](auto& t) {
       auto& inner = nested(then(t));
       put(then(inner), "o/a"), put(otherwise(inner), "o/a");
     }},
    {"del [a,c), txn{put b}",
     [](auto& t) { del(then(t), "o/a", "o/c"), put(then(nested(then(t))), "o/b"); }},
    {"txn{put b}, del [a,c)",
     [](auto& t) { put(then(nested(then(t))), "o/b"), del(then(t), "o/a", "o/c"); }},
    {"txn{del [a,c)}, put b",
     [](auto& t) { del(then(nested(then(t))), "o/a", "o/c"), put(then(t), "o/b"); }},
    {"txn{txn{put a}}, put a",
     [](auto& t) { put(then(nested(then(nested(then(t))))), "o/a"), put(then(t), "o/a"); }},
    {"txn{txn{put a, del a}}",
     [](auto& t) {
       auto& inner = nested(then(nested(then(t))));
       put(then(inner), "o/a"), del(then(inner), "o/a");
     }},
    {"range of what is written",
     [](auto& t) { put(then(t), "o/a"), range(then(t), "o/a"), range(then(t), "o/", "o0"); }},
};

const Case kChecks[] = {
    {"put without a key", [](auto& t) { put(then(t), ""); }},
    {"put without a key in the branch not taken", [](auto& t) { put(otherwise(t), ""); }},
    {"range without a key, nested", [](auto& t) { range(then(nested(then(t))), ""); }},
    {"delete without a key, nested", [](auto& t) { del(otherwise(nested(otherwise(t))), ""); }},
    {"an operation that is none, nested", [](auto& t) { then(nested(then(t))).Add(); }},
    {"ignore_value with a value",
     [](auto& t) {
       put(then(t), "o/a");
       then(t)[0].mutable_request_put()->set_ignore_value(true);
     }},
    {"ignore_lease with a lease",
     [](auto& t) {
       put(then(t), "o/a");
       then(t)[0].mutable_request_put()->set_ignore_lease(true);
       then(t)[0].mutable_request_put()->set_lease(3);
     }},
    {"ignore_value of a key that is not there, after a put of it that is too late",
     [](auto& t) {
       put(then(t), "o/new1");
       put(then(t), "o/new2", "");
       then(t)[1].mutable_request_put()->set_ignore_value(true);
     }},
    {"unknown lease after a put that must not stay",
     [](auto& t) {
       put(then(t), "o/new3");
       put(then(t), "o/new4");
       then(t)[1].mutable_request_put()->set_lease(987654);
     }},
    {"unknown lease in the branch not taken",
     [](auto& t) {
       put(otherwise(t), "o/new4");
       otherwise(t)[0].mutable_request_put()->set_lease(987654);
       put(then(t), "o/new5");
     }},
    {"a revision to come, after a put",
     [](auto& t) { put(then(t), "o/new6"), range(then(t), "o/a", "", 9999999); }},
    {"a revision to come, nested",
     [](auto& t) { put(then(t), "o/new6"), range(then(nested(then(t))), "o/a", "", 9999999); }},
    {"a revision to come in the branch not taken",
     [](auto& t) { range(otherwise(t), "o/a", "", 9999999); }},
    {"sort order outside the enum",
     [](auto& t) {
       range(then(t), "o/a");
       then(t)[0].mutable_request_range()->set_sort_order(
           static_cast<pb::RangeRequest::SortOrder>(7));
     }},
    {"compare target outside the enum",
     [](auto& t) {
       version_is(t, "o/a", 1);
       t.mutable_compare(0)->set_target(static_cast<pb::Compare::CompareTarget>(9));
       range(then(t), "o/a");
     }},
    {"compare result outside the enum",
     [](auto& t) {
       version_is(t, "o/a", 1);
       t.mutable_compare(0)->set_result(static_cast<pb::Compare::CompareResult>(9));
       range(then(t), "o/a");
     }},
    {"129 comparisons",
     [](auto& t) {
       for (int i = 0; i < 129; ++i) version_is(t, "o/a", 1);
     }},
    {"64 operations and a nested transaction of 64",
     [](auto& t) {
       auto& inner = nested(then(t));
       for (int i = 0; i < 63; ++i) range(then(t), "o/a");
       for (int i = 0; i < 64; ++i) range(then(inner), "o/b");
     }},
    {"64 operations and a nested transaction of 65",
     [](auto& t) {
       auto& inner = nested(then(t));
       for (int i = 0; i < 63; ++i) range(then(t), "o/a");
       for (int i = 0; i < 65; ++i) range(then(inner), "o/b");
     }},
};

const Case kOrders[] = {
    {"delete of nothing, then a put",
     [](auto& t) {
       del(then(t), "o/nothing"), range(then(t), "o/a"), put(then(t), "o/s1"),
           range(then(t), "o/s1");
     }},
    {"reads see earlier writes, at a revision they do not",
     [](auto& t) {
       put(then(t), "o/s1", "new"), range(then(t), "o/s1"), range(then(t), "o/s1", "", 3);
       del(then(t), "o/s2"), range(then(t), "o/", "o0");
     }},
    {"the nested branch is chosen before anything is written",
     [](auto& t) {
       put(then(t), "o/first");
       auto& inner = nested(then(t));
       version_is(inner, "o/first", 0);
       put(then(inner), "o/chosen before"), put(otherwise(inner), "o/chosen after");
     }},
    {"and so it is again, now that the key is there",
     [](auto& t) {
       put(then(t), "o/first");
       auto& inner = nested(then(t));
       version_is(inner, "o/first", 0);
       put(then(inner), "o/chosen before"), put(otherwise(inner), "o/chosen after");
     }},
    {"a nested transaction that puts, then one that deletes the same",
     [](auto& t) {
       put(then(nested(then(t))), "o/twice"), del(then(nested(then(t))), "o/twice"),
           range(then(t), "o/twice");
     }},
    {"only reads", [](auto& t) { range(then(t), "o/", "o0"), range(then(t), "o/a"); }},
    {"only deletes of nothing", [](auto& t) { del(then(t), "o/no1"), del(then(t), "o/no2"); }},
    {"prev_kv of two puts and a delete",
     [](auto& t) {
       put(then(t), "o/p1"), put(then(t), "o/p2");
       then(t)[0].mutable_request_put()->set_prev_kv(true);
       then(t)[1].mutable_request_put()->set_prev_kv(true);
       del(then(t), "o/s1", "o/s9");
     }},
    {"failure branch",
     [](auto& t) {
       version_is(t, "o/a", 77);
       put(then(t), "o/wrong"), put(otherwise(t), "o/right"), range(otherwise(t), "o/wrong");
     }},
};

// Every target and operator over a range: all keys alike, one different, none there.
void range_compares(Session& session, pb::KV::Stub& kv) {
  for (const char* key : {"rc/same/", "rc/mixed/", "rc/none/"}) {
    for (int i = 0; i < 3 && std::string_view(key) != "rc/none/"; ++i) {
      pb::PutRequest request;
      request.set_key(key + std::to_string(i));
      request.set_value(std::string_view(key) == "rc/mixed/" && i == 1 ? "other" : "value");
      session.call("put " + request.key(), kv, &pb::KV::Stub::Put, request);
    }
    for (int target = 0; target <= 4; ++target) {
      for (int result = 0; result <= 3; ++result) {
        pb::TxnRequest txn;
        auto& compare = *txn.add_compare();
        compare.set_key(key);
        compare.set_range_end(std::string(key, strlen(key) - 1) + "0");
        compare.set_target(static_cast<pb::Compare::CompareTarget>(target));
        compare.set_result(static_cast<pb::Compare::CompareResult>(result));
        if (target == pb::Compare::VERSION) compare.set_version(1);
        if (target == pb::Compare::CREATE) compare.set_create_revision(5);
        if (target == pb::Compare::MOD) compare.set_mod_revision(5);
        if (target == pb::Compare::VALUE) compare.set_value("value");
        if (target == pb::Compare::LEASE) compare.set_lease(0);
        session.call("range compare " + std::string(key) + " " + std::to_string(target) + " " +
                         std::to_string(result),
                     kv, &pb::KV::Stub::Txn, txn);
      }
    }
  }
  pb::TxnRequest txn;  // a comparison without a value
  txn.add_compare()->set_key("rc/same/0");
  session.call("compare without a value", kv, &pb::KV::Stub::Txn, txn);
  txn.mutable_compare(0)->set_target(pb::Compare::VALUE);
  session.call("compare without a value, by value", kv, &pb::KV::Stub::Txn, txn);
}

}  // namespace

void run_txn_rules(Session& session) {
  auto kv = pb::KV::NewStub(session.channel());
  const auto run_all = [&](const char* title, const auto& cases) {
    for (const Case& each : cases) {
      pb::TxnRequest txn;
      each.build(txn);
      session.call(std::string(title) + ": " + each.name, *kv, &pb::KV::Stub::Txn, txn);
    }
    pb::RangeRequest everything;
    everything.set_key("o/");
    everything.set_range_end("o0");
    session.call(std::string(title) + ": what it left", *kv, &pb::KV::Stub::Range, everything);
  };
  run_all("overlap", kOverlaps);
  run_all("check", kChecks);
  run_all("order", kOrders);
  range_compares(session, *kv);
}

}  // namespace gatehouse::conformance
