// The layers that alarms and the quota put over the backend.
#include <utility>

#include "member/apply/cost.h"
#include "member/apply/errors.h"
#include "member/apply/layers.h"

namespace gatehouse::apply {

namespace {

// What the request may add to the database; 0 for what adds nothing that counts.
int64_t cost_of(const Request& request) {
  switch (request.kind) {
    case Kind::kPut: {
      PutView put;
      return parse_put(request.body, put) ? put_cost(put) : 0;
    }
    case Kind::kTxn: {
      etcdserverpb::TxnRequest txn;
      return txn.ParseFromArray(request.body.data(), static_cast<int>(request.body.size()))
                 ? txn_cost(txn)
                 : 0;
    }
    case Kind::kLeaseGrant:
      return kLeaseCost;
    default:
      return 0;
  }
}

class Corrupt final : public Applier {
 public:
  Corrupt(const Parts& parts, std::unique_ptr<Applier> next)
      : alarms_(parts.alarms), next_(std::move(next)) {}

  Outcome apply(const Request& request) override {
    if (alarms_.any(alarm::kCorrupt)) {
      switch (request.kind) {
        case Kind::kRange:
        case Kind::kPut:
        case Kind::kDeleteRange:
        case Kind::kTxn:
        case Kind::kCompaction:
        case Kind::kLeaseGrant:
        case Kind::kLeaseRevoke:
          return corrupt();
        default:
          break;
      }
    }
    return next_->apply(request);
  }

 private:
  const alarm::AlarmStore& alarms_;
  const std::unique_ptr<Applier> next_;
};

class Capped final : public Applier {
 public:
  Capped(const Parts& parts, std::unique_ptr<Applier> next)
      : alarms_(parts.alarms), next_(std::move(next)) {}

  Outcome apply(const Request& request) override {
    if (alarms_.any(alarm::kNoSpace) && cost_of(request) > 0) return no_space();
    return next_->apply(request);
  }

 private:
  const alarm::AlarmStore& alarms_;
  const std::unique_ptr<Applier> next_;
};

class Quota final : public Applier {
 public:
  Quota(const Parts& parts, std::unique_ptr<Applier> next)
      : backend_(parts.backend), quota_bytes_(parts.quota_bytes), next_(std::move(next)) {}

  Outcome apply(const Request& request) override {
    // Only near the quota is the cost worth finding out.
    const uint64_t used = backend_.expected_size_bytes();
    const bool over = quota_bytes_ != 0 && used + request.body.size() + kMargin >= quota_bytes_ &&
                      is_over(request, used);
    Outcome outcome = next_->apply(request);
    if (over && outcome.status.ok()) outcome.status = no_space();
    return outcome;
  }

 private:
  // A request's cost is at most its own size and this much for each put in it; a put takes at least
  // four bytes of the request.
  static constexpr uint64_t kMargin = uint64_t{128} << 20;

  bool is_over(const Request& request, uint64_t used) const {
    const int64_t cost = cost_of(request);
    return cost > 0 && used + static_cast<uint64_t>(cost) >= quota_bytes_;
  }

  const backend::Backend& backend_;
  const uint64_t quota_bytes_;
  const std::unique_ptr<Applier> next_;
};

}  // namespace

std::unique_ptr<Applier> corrupt_layer(const Parts& parts, std::unique_ptr<Applier> next) {
  return std::make_unique<Corrupt>(parts, std::move(next));
}

std::unique_ptr<Applier> capped_layer(const Parts& parts, std::unique_ptr<Applier> next) {
  return std::make_unique<Capped>(parts, std::move(next));
}

std::unique_ptr<Applier> quota_layer(const Parts& parts, std::unique_ptr<Applier> next) {
  return std::make_unique<Quota>(parts, std::move(next));
}

}  // namespace gatehouse::apply
