#include "member/lease/lessor.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "member/schema/lease.h"

namespace gatehouse::lease {
namespace {

using backend::Bucket;

Status lease_not_found() { return not_found("etcdserver: requested lease not found"); }

uint64_t to_ms(int64_t seconds) { return static_cast<uint64_t>(seconds) * 1000; }

}  // namespace

int64_t minimum_ttl(uint64_t election_ticks, uint64_t tick_ms) {
  return static_cast<int64_t>((3 * election_ticks / 2 * tick_ms + 999) / 1000);
}

Lessor::Lessor(Options options, Clock now_ms)
    : options_(std::move(options)), now_ms_(std::move(now_ms)) {}

Lessor::~Lessor() = default;

Status Lessor::restore(const backend::Reader& reader) {
  std::vector<OnEnd> waiting;
  Status status;
  {
    const std::lock_guard lock(mutex_);
    primary_ = false;
    waiting = take_all_waiting();
    expiries_.clear();
    checkpoints_.clear();
    keys_.clear();
    attached_.store(0, std::memory_order_relaxed);
    leases_.clear();
    reader.scan(Bucket::kLease, {}, {}, [&](std::string_view key, std::string_view value) {
      const std::optional<schema::LeaseRow> row = schema::decode_lease(value);
      if (!row || row->id == kNoLease || schema::lease_key(row->id) != key || row->ttl > kMaxTtl ||
          row->remaining < 0 || row->remaining > kMaxTtl) {
        status = Status(StatusCode::kDataLoss, "a row of bucket \"lease\" is no lease");
        return false;
      }
      Lease& lease = leases_[row->id];
      lease.id = row->id;
      lease.ttl = std::max(row->ttl, options_.minimum_ttl);
      lease.checkpointed = row->remaining;
      return true;
    });
  }
  for (OnEnd& on_end : waiting) on_end(Renewal::kNotPrimary);
  return status;
}

Result<int64_t> Lessor::grant(backend::Writer& writer, LeaseId id, int64_t ttl) {
  if (id == kNoLease) return lease_not_found();
  if (ttl > kMaxTtl) return Status(StatusCode::kOutOfRange, "etcdserver: too large lease TTL");
  ttl = std::max(ttl, options_.minimum_ttl);
  {
    const std::lock_guard lock(mutex_);
    const auto [at, added] = leases_.try_emplace(id);
    if (!added) {
      return Status(StatusCode::kFailedPrecondition, "etcdserver: lease already exists");
    }
    Lease& lease = at->second;
    lease.id = id;
    lease.ttl = ttl;
    if (primary_) {
      const uint64_t now = now_ms_();
      lease.end_ms = now + to_ms(ttl);
      expiries_.set(lease, lease.end_ms);
      schedule_checkpoint(lease, now);
    }
  }
  writer.put(Bucket::kLease, schema::lease_key(id), schema::encode_lease({id, ttl, 0}));
  options_.metrics.granted.add();
  options_.metrics.ttl.observe(static_cast<double>(ttl));
  return ttl;
}

Status Lessor::revoke(backend::Writer& writer, LeaseId id) {
  std::vector<OnEnd> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto at = leases_.find(id);
    if (at == leases_.end()) return lease_not_found();
    Lease& lease = at->second;
    for (const KeyNode* node : nodes_of(lease)) keys_.erase(keys_.find(node->first));
    attached_.store(keys_.size(), std::memory_order_relaxed);
    expiries_.remove(lease);
    checkpoints_.remove(lease);
    leases_.erase(at);
    if (const auto found = waiting_.find(id); found != waiting_.end()) {
      waiting = std::move(found->second);
      waiting_.erase(found);
    }
  }
  writer.remove(Bucket::kLease, schema::lease_key(id));
  options_.metrics.revoked.add();
  for (OnEnd& on_end : waiting) on_end(Renewal::kNotFound);
  return Status();
}

void Lessor::checkpoint(backend::Writer& writer, LeaseId id, int64_t remaining, bool durable) {
  schema::LeaseRow row;
  {
    const std::lock_guard lock(mutex_);
    const auto at = leases_.find(id);
    if (at == leases_.end()) return;
    Lease& lease = at->second;
    // Foreign leaders are not believed to send sane numbers.
    lease.checkpointed = std::clamp<int64_t>(remaining, 0, kMaxTtl);
    row = {id, lease.ttl, lease.checkpointed};
    if (primary_) schedule_checkpoint(lease, now_ms_());
  }
  if (durable) writer.put(Bucket::kLease, schema::lease_key(id), schema::encode_lease(row));
}

void Lessor::attach(std::string_view key, LeaseId id) {
  const std::lock_guard lock(mutex_);
  detach_locked(key);
  const auto lease = leases_.find(id);
  if (lease != leases_.end()) {
    const auto [at, added] = keys_.emplace(key, Attachment{&lease->second, nullptr, nullptr});
    CHECK(added);
    KeyNode*& first = lease->second.keys;
    at->second.next = first;
    if (first != nullptr) first->second.previous = &*at;
    first = &*at;
  }
  attached_.store(keys_.size(), std::memory_order_relaxed);
}

void Lessor::detach(std::string_view key) {
  if (attached_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(mutex_);
  detach_locked(key);
  attached_.store(keys_.size(), std::memory_order_relaxed);
}

void Lessor::detach_locked(std::string_view key) {
  const auto at = keys_.find(key);
  if (at == keys_.end()) return;
  unlink(*at);
  keys_.erase(at);
}

void Lessor::unlink(KeyNode& node) {
  Attachment& attachment = node.second;
  if (attachment.next != nullptr) attachment.next->second.previous = attachment.previous;
  if (attachment.previous != nullptr) {
    attachment.previous->second.next = attachment.next;
  } else {
    attachment.lease->keys = attachment.next;
  }
}

LeaseId Lessor::lease_of(std::string_view key) const {
  if (attached_.load(std::memory_order_relaxed) == 0) return kNoLease;
  const std::lock_guard lock(mutex_);
  const auto at = keys_.find(key);
  return at == keys_.end() ? kNoLease : at->second.lease->id;
}

bool Lessor::exists(LeaseId id) const {
  const std::lock_guard lock(mutex_);
  return leases_.contains(id);
}

size_t Lessor::size() const {
  const std::lock_guard lock(mutex_);
  return leases_.size();
}

std::vector<Lessor::KeyNode*> Lessor::nodes_of(const Lease& lease) const {
  std::vector<KeyNode*> nodes;
  for (KeyNode* node = lease.keys; node != nullptr; node = node->second.next) {
    nodes.push_back(node);
  }
  return nodes;
}

std::vector<std::string> Lessor::keys_of(const Lease& lease) const {
  std::vector<std::string> keys;
  for (const KeyNode* node = lease.keys; node != nullptr; node = node->second.next) {
    keys.push_back(node->first);
  }
  return keys;
}

std::vector<std::string> Lessor::keys(LeaseId id) const {
  std::vector<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    const auto at = leases_.find(id);
    if (at != leases_.end()) keys = keys_of(at->second);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

Result<Lessor::TimeToLive> Lessor::time_to_live(LeaseId id, bool want_keys) const {
  TimeToLive answer;
  {
    const std::lock_guard lock(mutex_);
    const auto at = leases_.find(id);
    if (at == leases_.end()) return lease_not_found();
    const Lease& lease = at->second;
    answer.granted = lease.ttl;
    answer.remaining =
        lease.end_ms == kNever ? kForever : static_cast<int64_t>(lease.end_ms - now_ms_()) / 1000;
    if (want_keys) answer.keys = keys_of(lease);
  }
  std::sort(answer.keys.begin(), answer.keys.end());
  return answer;
}

std::vector<LeaseId> Lessor::leases() const {
  std::vector<std::pair<uint64_t, LeaseId>> all;
  {
    const std::lock_guard lock(mutex_);
    all.reserve(leases_.size());
    for (const auto& [id, lease] : leases_) all.emplace_back(lease.end_ms, id);
  }
  std::sort(all.begin(), all.end());
  std::vector<LeaseId> ids;
  ids.reserve(all.size());
  for (const auto& [end_ms, id] : all) ids.push_back(id);
  return ids;
}

}  // namespace gatehouse::lease
