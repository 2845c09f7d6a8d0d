#include "member/lease/lessor.h"

#include <algorithm>

#include "common/base/check.h"
#include "member/schema/lease.h"

namespace gatehouse::lease {

namespace {

Status lease_not_found() { return not_found("etcdserver: requested lease not found"); }

uint64_t milliseconds(int64_t seconds) { return static_cast<uint64_t>(seconds) * 1000; }

}  // namespace

Lessor::Lessor(const Options& options, std::function<uint64_t()> now_ms, const Metrics* metrics)
    : options_(options), now_ms_(std::move(now_ms)), metrics_(metrics) {}

Status Lessor::open(const backend::Backend& backend) {
  const std::lock_guard lock(mutex_);
  leases_.clear();
  by_key_.clear();
  attached_ = 0;
  primary_ = false;
  deadlines_ = Heap();
  checkpoints_ = Heap();
  Status status;
  backend.read()->scan(
      backend::Bucket::kLease, {}, {}, [&](std::string_view key, std::string_view value) {
        schema::LeaseRow row;
        if (!schema::decode_lease(value, row) || schema::lease_key(row.id) != key) {
          status = Status(StatusCode::kDataLoss,
                          "the database has a row in bucket \"lease\" that is no lease");
          return false;
        }
        Lease& lease = leases_[row.id];
        lease.ttl = std::max(row.ttl, options_.min_ttl_s);
        lease.remaining_ttl = row.remaining_ttl;
        return true;
      });
  return status;
}

Result<int64_t> Lessor::grant(backend::Writer& writer, int64_t id, int64_t ttl) {
  if (id == 0) return lease_not_found();
  if (ttl > kMaxTtl) return Status(StatusCode::kOutOfRange, "etcdserver: too large lease TTL");
  const std::lock_guard lock(mutex_);
  const auto [found, made] = leases_.try_emplace(id);
  if (!made) {
    return Status(StatusCode::kFailedPrecondition, "etcdserver: lease already exists");
  }
  Lease& lease = found->second;
  lease.ttl = std::max(ttl, options_.min_ttl_s);
  if (primary_) {
    const uint64_t now = now_ms_();
    lease.deadline_ms = now + milliseconds(lease.ttl);
    deadlines_.push({lease.deadline_ms, id});
    checkpoints_.push({now + options_.checkpoint_every_s * 1000, id});
  }
  writer.put(backend::Bucket::kLease, schema::lease_key(id),
             schema::encode_lease({id, lease.ttl, 0}));
  if (metrics_ != nullptr) {
    metrics_->granted.add();
    metrics_->ttl.observe(static_cast<double>(lease.ttl));
  }
  return lease.ttl;
}

Status Lessor::revoke(backend::Writer& writer, int64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = leases_.find(id);
  if (found == leases_.end()) return lease_not_found();
  for (const std::string& key : found->second.keys) by_key_.erase(key);
  attached_ = by_key_.size();
  leases_.erase(found);
  writer.remove(backend::Bucket::kLease, schema::lease_key(id));
  if (metrics_ != nullptr) metrics_->revoked.add();
  return Status();
}

void Lessor::checkpoint(backend::Writer& writer, int64_t id, int64_t remaining_ttl) {
  const std::lock_guard lock(mutex_);
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  found->second.remaining_ttl = remaining_ttl;
  writer.put(backend::Bucket::kLease, schema::lease_key(id),
             schema::encode_lease({id, found->second.ttl, remaining_ttl}));
}

void Lessor::attach(std::string_view key, int64_t lease) {
  const std::lock_guard lock(mutex_);
  const auto found = leases_.find(lease);
  // While the store is opened: a row of a lease that is gone, which an older version can leave.
  if (found == leases_.end()) return;
  const auto old = by_key_.find(key);
  if (old != by_key_.end()) {
    if (old->second == lease) return;
    detach_locked(old);
  }
  by_key_.emplace(key, lease);
  found->second.keys.emplace(key);
  attached_.store(by_key_.size(), std::memory_order_relaxed);
}

void Lessor::detach(std::string_view key) {
  if (attached_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  detach_locked(found);
  attached_.store(by_key_.size(), std::memory_order_relaxed);
}

void Lessor::detach_locked(ByKey::iterator found) {
  const auto lease = leases_.find(found->second);
  CHECK(lease != leases_.end());
  lease->second.keys.erase(found->first);
  by_key_.erase(found);
}

int64_t Lessor::lease_of(std::string_view key) const {
  if (attached_.load(std::memory_order_relaxed) == 0) return 0;
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? 0 : found->second;
}

bool Lessor::exists(int64_t id) const {
  const std::lock_guard lock(mutex_);
  return leases_.contains(id);
}

std::vector<std::string> Lessor::keys(int64_t id) const {
  std::vector<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(id);
    if (found == leases_.end()) return keys;
    keys.assign(found->second.keys.begin(), found->second.keys.end());
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

void Lessor::promote(uint64_t extend_ms) {
  const std::lock_guard lock(mutex_);
  primary_ = true;
  const uint64_t now = now_ms_();
  std::vector<Deadline> all;
  all.reserve(leases_.size());
  for (auto& [id, lease] : leases_) {
    const int64_t left = lease.remaining_ttl > 0 ? lease.remaining_ttl : lease.ttl;
    all.push_back({now + extend_ms + milliseconds(left), id});
  }
  std::sort(all.begin(), all.end(), std::greater<>());
  std::reverse(all.begin(), all.end());
  if (all.size() >= kSpreadAbove) {
    // At most so many in a second: the k-th cannot end before its second has room.
    for (size_t i = kSpreadPerSecond; i < all.size(); ++i) {
      all[i].ms = std::max(all[i].ms, all[i - kSpreadPerSecond].ms + 1000);
    }
  }
  for (const Deadline& each : all) leases_.at(each.id).deadline_ms = each.ms;
  std::vector<Deadline> looks;
  looks.reserve(all.size());
  for (const Deadline& each : all) {
    looks.push_back({now + options_.checkpoint_every_s * 1000, each.id});
  }
  deadlines_ = Heap(std::greater<>(), std::move(all));
  checkpoints_ = Heap(std::greater<>(), std::move(looks));
}

void Lessor::demote() {
  const std::lock_guard lock(mutex_);
  primary_ = false;
  for (auto& [id, lease] : leases_) lease.deadline_ms = kForever;
  deadlines_ = Heap();
  checkpoints_ = Heap();
}

bool Lessor::is_primary() const {
  const std::lock_guard lock(mutex_);
  return primary_;
}

Lessor::Renewal Lessor::renew(int64_t id, int64_t& ttl, bool& had_checkpoint) {
  const std::lock_guard lock(mutex_);
  if (!primary_) return Renewal::kNotPrimary;
  const auto found = leases_.find(id);
  if (found == leases_.end()) return Renewal::kNotFound;
  Lease& lease = found->second;
  const uint64_t now = now_ms_();
  // Its revocation is on its way through the log; nothing can call it back.
  if (lease.deadline_ms <= now) return Renewal::kNotFound;
  had_checkpoint = lease.remaining_ttl > 0;
  lease.deadline_ms = now + milliseconds(lease.ttl);
  ttl = lease.ttl;
  if (metrics_ != nullptr) metrics_->renewed.add();
  return Renewal::kRenewed;
}

Lessor::TimeToLive Lessor::time_to_live(int64_t id, bool with_keys) const {
  TimeToLive result;
  {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(id);
    if (found == leases_.end()) return result;
    const Lease& lease = found->second;
    result.found = true;
    result.granted_ttl = lease.ttl;
    const uint64_t now = now_ms_();
    if (lease.deadline_ms == kForever) {
      result.ttl = lease.ttl;
    } else if (lease.deadline_ms > now) {
      result.ttl = static_cast<int64_t>((lease.deadline_ms - now) / 1000);
    }
    if (with_keys) result.keys.assign(lease.keys.begin(), lease.keys.end());
  }
  std::sort(result.keys.begin(), result.keys.end());
  return result;
}

std::vector<int64_t> Lessor::leases() const {
  std::vector<Deadline> all;
  {
    const std::lock_guard lock(mutex_);
    all.reserve(leases_.size());
    for (const auto& [id, lease] : leases_) all.push_back({lease.deadline_ms, id});
  }
  std::sort(all.begin(), all.end(), [](const Deadline& a, const Deadline& b) { return b > a; });
  std::vector<int64_t> ids;
  ids.reserve(all.size());
  for (const Deadline& each : all) ids.push_back(each.id);
  return ids;
}

std::vector<int64_t> Lessor::expired(size_t limit) {
  std::vector<int64_t> ids;
  const std::lock_guard lock(mutex_);
  if (!primary_) return ids;
  const uint64_t now = now_ms_();
  while (ids.size() < limit && !deadlines_.empty() && deadlines_.top().ms <= now) {
    const int64_t id = deadlines_.top().id;
    deadlines_.pop();
    const auto found = leases_.find(id);
    if (found == leases_.end()) continue;  // revoked
    if (found->second.deadline_ms > now) {
      deadlines_.push({found->second.deadline_ms, id});  // renewed
      continue;
    }
    deadlines_.push({now + options_.revoke_retry_ms, id});
    ids.push_back(id);
  }
  if (metrics_ != nullptr) metrics_->expired.add(ids.size());
  return ids;
}

std::vector<std::pair<int64_t, int64_t>> Lessor::due_checkpoints(size_t limit) {
  std::vector<std::pair<int64_t, int64_t>> due;
  const std::lock_guard lock(mutex_);
  if (!primary_) return due;
  const uint64_t now = now_ms_();
  const uint64_t interval_ms = options_.checkpoint_every_s * 1000;
  while (due.size() < limit && !checkpoints_.empty() && checkpoints_.top().ms <= now) {
    const int64_t id = checkpoints_.top().id;
    checkpoints_.pop();
    const auto found = leases_.find(id);
    if (found == leases_.end()) continue;
    checkpoints_.push({now + interval_ms, id});
    const Lease& lease = found->second;
    // A lease that ends sooner gains little; one that was just renewed loses nothing.
    if (lease.deadline_ms <= now + interval_ms) continue;
    const int64_t left = static_cast<int64_t>((lease.deadline_ms - now) / 1000);
    if (left < lease.ttl) due.emplace_back(id, left);
  }
  return due;
}

size_t Lessor::size() const {
  const std::lock_guard lock(mutex_);
  return leases_.size();
}

}  // namespace gatehouse::lease
