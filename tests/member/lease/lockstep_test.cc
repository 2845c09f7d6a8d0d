// The lessor beside a model that scans everything, under one simulated clock.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "common/env/entropy.h"
#include "tests/member/lease/lessor_for_test.h"

namespace gatehouse::lease {
namespace {

struct Model {
  struct Entry {
    int64_t ttl = 0;
    std::optional<uint64_t> end;  // none: for ever
    uint64_t handed_out_until = 0;
  };
  std::map<LeaseId, Entry> leases;
  std::map<std::string, LeaseId> keys;
  bool primary = false;

  std::vector<std::string> keys_of(LeaseId id) const {
    std::vector<std::string> found;
    for (const auto& [key, lease] : keys) {
      if (lease == id) found.push_back(key);
    }
    return found;
  }
  std::set<LeaseId> take_expired(uint64_t now, uint64_t retry_ms) {
    std::set<LeaseId> ids;
    for (auto& [id, entry] : leases) {
      if (!primary || *entry.end > now || entry.handed_out_until > now) continue;
      ids.insert(id);
      entry.handed_out_until = now + retry_ms;
    }
    return ids;
  }
};

void run(uint64_t seed) {
  env::SeededEntropy random(seed);
  Fixture f;
  Model model;
  const auto random_key = [&random] { return "k" + std::to_string(random.below(60)); };
  for (int step = 0; step < 5000; ++step) {
    f.now += random.below(400);
    const LeaseId id = static_cast<LeaseId>(random.below(40) + 1);
    const auto at = model.leases.find(id);
    const bool there = at != model.leases.end();
    switch (random.below(9)) {
      case 0: {
        const int64_t ttl = static_cast<int64_t>(random.below(20));
        ASSERT_EQ(f.grant(id, ttl).ok(), !there);
        if (there) break;
        Model::Entry entry{std::max<int64_t>(ttl, 2), {}, 0};
        if (model.primary) entry.end = f.now + static_cast<uint64_t>(entry.ttl) * 1000;
        model.leases.emplace(id, entry);
        break;
      }
      case 1:
        ASSERT_EQ(f.revoke(id).ok(), there);
        model.leases.erase(id);
        std::erase_if(model.keys, [id](const auto& entry) { return entry.second == id; });
        break;
      case 2:
      case 3: {
        if (!there) break;
        const std::string key = random_key();
        f.lessor.attach(key, id);
        model.keys[key] = id;
        break;
      }
      case 4: {
        const std::string key = random_key();
        f.lessor.detach(key);
        model.keys.erase(key);
        break;
      }
      case 5: {
        const Lessor::Renewal state = f.lessor.renew(id, [](Lessor::Renewal) {}).state;
        if (!model.primary) {
          ASSERT_EQ(state, Lessor::Renewal::kNotPrimary);
        } else if (!there) {
          ASSERT_EQ(state, Lessor::Renewal::kNotFound);
        } else if (*at->second.end <= f.now) {
          ASSERT_EQ(state, Lessor::Renewal::kExpired);
        } else {
          ASSERT_EQ(state, Lessor::Renewal::kRenewed);
          at->second.end = f.now + static_cast<uint64_t>(at->second.ttl) * 1000;
        }
        break;
      }
      case 6: {
        const std::vector<LeaseId> expired = f.lessor.expired(SIZE_MAX);
        ASSERT_EQ(std::set<LeaseId>(expired.begin(), expired.end()),
                  model.take_expired(f.now, 7000));
        break;
      }
      case 7:
        if (random.below(20) != 0) break;
        model.primary = !model.primary;
        model.primary ? f.lessor.promote(1000) : f.lessor.demote();
        for (auto& [lease, entry] : model.leases) {
          entry.handed_out_until = 0;
          entry.end.reset();
          if (model.primary) entry.end = f.now + 1000 + static_cast<uint64_t>(entry.ttl) * 1000;
        }
        break;
      case 8: {
        if (random.below(50) != 0) break;
        ASSERT_TRUE(f.backend->commit().ok());
        ASSERT_TRUE(f.lessor.restore(*f.backend->read()).ok());
        model.primary = false;
        for (auto& [lease, entry] : model.leases) {
          entry.end.reset();
          entry.handed_out_until = 0;
        }
        for (const auto& [key, lease] : model.keys) f.lessor.attach(key, lease);
        break;
      }
    }
    const std::string key = random_key();
    const auto owner = model.keys.find(key);
    ASSERT_EQ(f.lessor.lease_of(key), owner == model.keys.end() ? kNoLease : owner->second);
    ASSERT_EQ(f.lessor.keys(id), model.keys_of(id));
    ASSERT_EQ(f.lessor.size(), model.leases.size());
    ASSERT_EQ(f.lessor.exists(id), model.leases.contains(id));
    const auto now_there = model.leases.find(id);
    if (now_there != model.leases.end() && model.primary) {
      const int64_t left = static_cast<int64_t>(*now_there->second.end - f.now);
      ASSERT_EQ(f.lessor.time_to_live(id, false)->remaining, left / 1000);
    }
  }
}

TEST(Lockstep, TheLessorIsAsTheModel) {
  const uint64_t first = env::SystemEntropy().next();
  for (uint64_t seed = first; seed < first + 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    run(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace gatehouse::lease
