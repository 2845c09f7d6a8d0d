// What only the primary does: when leases end, who keeps them alive, checkpoints.
#include <algorithm>
#include <utility>

#include "member/lease/lessor.h"

namespace gatehouse::lease {

void Lessor::promote(uint64_t extend_ms) {
  using Entry = decltype(expiries_)::Entry;
  const std::lock_guard lock(mutex_);
  primary_ = true;
  const uint64_t now = now_ms_();
  std::vector<Entry> ends;
  ends.reserve(leases_.size());
  for (auto& [id, lease] : leases_) {
    ends.push_back({now + extend_ms + static_cast<uint64_t>(lease.seconds()) * 1000, &lease});
  }
  std::sort(ends.begin(), ends.end(), [](const Entry& a, const Entry& b) {
    return a.due_ms != b.due_ms ? a.due_ms < b.due_ms : a.item->id < b.item->id;
  });
  if (ends.size() >= kRevokesPerSecond) {
    // Each a second at least behind the one that is kSpreadPerSecond places before it: no window of
    // a second holds more, nobody ends early, and the order stays.
    for (size_t i = kSpreadPerSecond; i < ends.size(); ++i) {
      ends[i].due_ms = std::max(ends[i].due_ms, ends[i - kSpreadPerSecond].due_ms + 1000);
    }
  }
  for (const Entry& end : ends) {
    end.item->end_ms = end.due_ms;
    schedule_checkpoint(*end.item, now);
  }
  expiries_.assign(std::move(ends));
}

void Lessor::demote() {
  std::vector<OnEnd> waiting;
  {
    const std::lock_guard lock(mutex_);
    primary_ = false;
    expiries_.clear();
    checkpoints_.clear();
    for (auto& [id, lease] : leases_) lease.end_ms = kNever;
    waiting = take_all_waiting();
  }
  for (OnEnd& on_end : waiting) on_end(Renewal::kNotPrimary);
}

std::vector<Lessor::OnEnd> Lessor::take_all_waiting() {
  std::vector<OnEnd> all;
  for (auto& [id, waiting] : waiting_) {
    for (OnEnd& on_end : waiting) all.push_back(std::move(on_end));
  }
  waiting_.clear();
  return all;
}

bool Lessor::primary() const {
  const std::lock_guard lock(mutex_);
  return primary_;
}

Lessor::Renewed Lessor::renew(LeaseId id, OnEnd on_end) {
  const std::lock_guard lock(mutex_);
  if (!primary_) return {Renewal::kNotPrimary};
  const auto at = leases_.find(id);
  if (at == leases_.end()) return {Renewal::kNotFound};
  Lease& lease = at->second;
  const uint64_t now = now_ms_();
  if (lease.end_ms <= now) {
    waiting_[id].push_back(std::move(on_end));
    return {Renewal::kExpired};
  }
  lease.end_ms = now + static_cast<uint64_t>(lease.ttl) * 1000;
  expiries_.set(lease, lease.end_ms);
  if (lease.checkpoint_at == kNotInHeap) schedule_checkpoint(lease, now);
  options_.metrics.renewed.add();
  return {Renewal::kRenewed, lease.ttl, lease.checkpointed > 0};
}

std::vector<LeaseId> Lessor::expired(size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<LeaseId> ids;
  const uint64_t now = now_ms_();
  while (ids.size() < limit && !expiries_.empty() && expiries_.top().due_ms <= now) {
    Lease& lease = *expiries_.top().item;
    ids.push_back(lease.id);
    expiries_.set(lease, now + options_.revoke_retry_ms);
  }
  return ids;
}

// A lease that ends before the next checkpoint needs none.
void Lessor::schedule_checkpoint(Lease& lease, uint64_t now) {
  const uint64_t interval = options_.checkpoint_interval_ms;
  if (interval == 0) return;
  if (lease.end_ms > now && lease.end_ms - now > interval) {
    checkpoints_.set(lease, now + interval);
  } else {
    checkpoints_.remove(lease);
  }
}

std::vector<Lessor::Checkpoint> Lessor::due_checkpoints(size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Checkpoint> due;
  const uint64_t now = now_ms_();
  while (due.size() < limit && !checkpoints_.empty() && checkpoints_.top().due_ms <= now) {
    Lease& lease = *checkpoints_.top().item;
    schedule_checkpoint(lease, now);
    if (lease.end_ms <= now) continue;
    const int64_t remaining = static_cast<int64_t>((lease.end_ms - now + 999) / 1000);
    // Just renewed: a checkpoint would say nothing.
    if (remaining < lease.ttl) due.push_back({lease.id, remaining});
  }
  return due;
}

}  // namespace gatehouse::lease
