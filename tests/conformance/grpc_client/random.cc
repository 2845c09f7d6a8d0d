// Requests drawn from a seed, on few keys so that they meet. Both servers get the same ones; that
// they also end with the same bytes is what HashKV tells.
#include <random>

#include "tests/conformance/grpc_client/watch_stream.h"

namespace gatehouse::conformance {

namespace {

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  int64_t below(int64_t bound) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound));
  }
  bool one_in(int64_t n) { return below(n) == 0; }

  std::string key() { return "r/" + std::string(1, static_cast<char>('a' + below(12))); }

  // One key, an interval, everything from a key on, an inverted or an empty interval.
  template <class Request>
  void interval(Request& request) {
    request.set_key(key());
    const int64_t shape = below(8);
    if (shape < 4) return;
    request.set_range_end(shape == 7 && one_in(3) ? std::string(1, '\0') : key());
    if (shape == 6) {
      request.set_key("r/");
      request.set_range_end("r0");
    }
  }

  int64_t lease() { return one_in(3) ? 9001 + below(5) : 0; }

  pb::PutRequest put() {
    pb::PutRequest request;
    request.set_key(one_in(40) ? "" : key());
    request.set_ignore_value(one_in(8) && !no_ignoring_puts_);
    request.set_ignore_lease(one_in(8) && !no_ignoring_puts_);
    // Every value is another, so that sorting by value has no ties.
    if (!request.ignore_value() || one_in(6))
      request.set_value(std::to_string(below(100)) + "/" + std::to_string(++values_));
    if (!request.ignore_lease() || one_in(6)) request.set_lease(lease());
    request.set_prev_kv(one_in(2));
    return request;
  }

  pb::DeleteRangeRequest remove(bool from_key_on = true) {
    pb::DeleteRangeRequest request;
    interval(request);
    if (!from_key_on && request.range_end() == std::string(1, '\0')) request.clear_range_end();
    request.set_prev_kv(one_in(2));
    return request;
  }

  pb::RangeRequest range(int64_t revision) {
    pb::RangeRequest request;
    interval(request);
    if (one_in(3)) request.set_revision(std::max<int64_t>(0, revision - below(40) + 2));
    if (one_in(3)) request.set_limit(below(5));
    request.set_keys_only(one_in(6));
    request.set_count_only(one_in(8));
    request.set_serializable(one_in(4));
    if (one_in(4)) {
      request.set_sort_order(static_cast<pb::RangeRequest::SortOrder>(below(3)));
      // Without their values keys can be sorted by no value.
      request.set_sort_target(one_in(2) && !request.keys_only() ? pb::RangeRequest::VALUE
                                                                : pb::RangeRequest::KEY);
    }
    if (one_in(6)) request.set_min_mod_revision(revision - below(20));
    if (one_in(6)) request.set_max_mod_revision(revision - below(20));
    if (one_in(8)) request.set_min_create_revision(revision - below(40));
    if (one_in(8)) request.set_max_create_revision(revision - below(40));
    return request;
  }

  // A put that keeps a value or a lease and whose key is gone by then makes stock etcd panic
  // (3.7.1). Its check for overlapping operations keeps that from happening, but overlooks deletes
  // from a key on: one transaction draws either.
  pb::TxnRequest transaction(int64_t revision) {
    no_ignoring_puts_ = one_in(2);
    pb::TxnRequest request = txn(revision, 2);
    no_ignoring_puts_ = false;
    return request;
  }

 private:
  pb::TxnRequest txn(int64_t revision, int depth) {
    pb::TxnRequest request;
    for (int64_t n = below(3); n > 0; --n) {
      auto& compare = *request.add_compare();
      compare.set_key(key());
      if (one_in(4)) compare.set_range_end(key());
      compare.set_result(static_cast<pb::Compare::CompareResult>(below(4)));
      switch (below(5)) {
        case 0:
          compare.set_target(pb::Compare::VERSION), compare.set_version(below(4));
          break;
        case 1:
          compare.set_target(pb::Compare::CREATE),
              compare.set_create_revision(revision - below(30));
          break;
        case 2:
          compare.set_target(pb::Compare::MOD), compare.set_mod_revision(revision - below(20));
          break;
        case 3:
          compare.set_target(pb::Compare::VALUE), compare.set_value(std::to_string(below(100)));
          break;
        default:
          compare.set_target(pb::Compare::LEASE), compare.set_lease(lease());
      }
    }
    for (auto* branch : {request.mutable_success(), request.mutable_failure()}) {
      for (int64_t n = below(4); n > 0; --n) {
        auto& op = *branch->Add();
        const int64_t kind = below(depth > 0 ? 8 : 7);
        if (kind < 3) {
          *op.mutable_request_put() = put();
        } else if (kind < 5) {
          *op.mutable_request_range() = range(revision);
        } else if (kind < 7) {
          *op.mutable_request_delete_range() = remove(no_ignoring_puts_);
        } else {
          *op.mutable_request_txn() = txn(revision, depth - 1);
        }
      }
    }
    return request;
  }

  std::mt19937_64 random_;
  int64_t values_ = 0;
  bool no_ignoring_puts_ = false;
};

}  // namespace

void run_random(Session& session, uint64_t seed, int operations) {
  auto kv = pb::KV::NewStub(session.channel());
  auto lease = pb::Lease::NewStub(session.channel());
  auto maintenance = pb::Maintenance::NewStub(session.channel());
  Generator draw(seed);
  int64_t revision = 1, compacted = 0;
  const auto seen = [&](const pb::ResponseHeader& header) {
    revision = std::max(revision, header.revision());
  };

  for (int i = 0; i < operations; ++i) {
    const std::string step = std::to_string(i) + ": ";
    const int64_t kind = draw.below(100);
    if (kind < 25) {
      const auto request = draw.put();
      seen(
          session.call(step + "put " + request.ShortDebugString(), *kv, &pb::KV::Stub::Put, request)
              .header());
    } else if (kind < 50) {
      const auto request = draw.range(revision);
      session.call(step + "range " + request.ShortDebugString(), *kv, &pb::KV::Stub::Range,
                   request);
    } else if (kind < 60) {
      const auto request = draw.remove();
      seen(session
               .call(step + "delete " + request.ShortDebugString(), *kv, &pb::KV::Stub::DeleteRange,
                     request)
               .header());
    } else if (kind < 92) {
      const auto request = draw.transaction(revision);
      seen(
          session.call(step + "txn " + request.ShortDebugString(), *kv, &pb::KV::Stub::Txn, request)
              .header());
    } else if (kind < 96) {
      pb::LeaseGrantRequest request;
      request.set_id(9001 + draw.below(5));
      request.set_ttl(10000);
      session.call(step + "grant " + std::to_string(request.id()), *lease,
                   &pb::Lease::Stub::LeaseGrant, request);
    } else if (kind < 98) {
      pb::LeaseRevokeRequest request;
      request.set_id(9001 + draw.below(5));
      seen(session
               .call(step + "revoke " + std::to_string(request.id()), *lease,
                     &pb::Lease::Stub::LeaseRevoke, request)
               .header());
    } else {
      pb::CompactionRequest request;
      request.set_revision(revision - draw.below(30));
      request.set_physical(true);
      const auto response = session.call(step + "compact " + std::to_string(request.revision()),
                                         *kv, &pb::KV::Stub::Compact, request);
      if (response.has_header()) compacted = std::max(compacted, request.revision());
    }
  }

  WatchStream watch(session, "the history");
  auto create = watch_of(std::string(1, '\0'), std::string(1, '\0'));
  create.set_start_revision(std::max<int64_t>(compacted, 1));
  create.set_prev_kv(true);
  watch.create(create);
  watch.expect("created", 1);
  Writer(session).put("the end", "");
  watch.expect_events_until("all that is left", "the end");
  watch.end();
  pb::RangeRequest everything;
  everything.set_key(std::string(1, '\0'));
  everything.set_range_end(std::string(1, '\0'));
  session.call("everything", *kv, &pb::KV::Stub::Range, everything);
  pb::HashKVResponse hash;
  auto context = session.context();
  const auto status = maintenance->HashKV(context.get(), pb::HashKVRequest(), &hash);
  session.record("hash of all keys and values", status);
  session.record("its value", static_cast<int64_t>(hash.hash()));
}

}  // namespace gatehouse::conformance
