#include "member/mvcc/watch_feed.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "member/mvcc/watch_group.h"

namespace gatehouse::mvcc {

WatchFeed::WatchFeed(int64_t revision, const WatchMetrics* metrics)
    : metrics_(metrics != nullptr ? *metrics : WatchMetrics()), revision_(revision) {}

WatchFeed::~WatchFeed() { CHECK(links_.empty()); }

void WatchFeed::publish(std::vector<Change> changes, int64_t revision) {
  if (revision == revision_) return;
  Batch made{revision_, revision, std::move(changes), 0};
  // A restored store: what lies between is in its history.
  if (made.changes.empty()) made.base = revision;
  for (const Change& change : made.changes) made.bytes += sizeof(Change) + change.record.size();
  revision_ = revision;

  std::shared_ptr<const Batch> batch;
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Link>& link : links_) {
    if (!link->listening) continue;
    if (link->queued_bytes.load(std::memory_order_relaxed) > kMaxQueuedBytes) {
      post(link, std::make_shared<const Batch>(Batch{revision, revision, {}, 0}));
      continue;
    }
    if (batch == nullptr) batch = std::make_shared<const Batch>(std::move(made));
    post(link, batch);
  }
}

void WatchFeed::post(const std::shared_ptr<Link>& link, std::shared_ptr<const Batch> batch) {
  link->queued_bytes.fetch_add(batch->bytes, std::memory_order_relaxed);
  metrics_.pending_events.add(static_cast<int64_t>(batch->changes.size()));
  link->executor->post(
      [link, batch = std::move(batch), pending = metrics_.pending_events]() mutable {
        pending.sub(static_cast<int64_t>(batch->changes.size()));
        if (link->group != nullptr) {
          link->group->on_batch(std::move(batch));
        } else {
          link->queued_bytes.fetch_sub(batch->bytes, std::memory_order_relaxed);
        }
      });
}

std::shared_ptr<WatchFeed::Link> WatchFeed::attach(env::Executor& executor, WatchGroup& group) {
  auto link = std::make_shared<Link>();
  link->executor = &executor;
  link->group = &group;
  const std::lock_guard lock(mutex_);
  links_.push_back(link);
  return link;
}

void WatchFeed::detach(const std::shared_ptr<Link>& link) {
  link->group = nullptr;
  const std::lock_guard lock(mutex_);
  links_.erase(std::remove(links_.begin(), links_.end(), link), links_.end());
}

void WatchFeed::listen(Link& link, bool on) {
  const std::lock_guard lock(mutex_);
  link.listening = on;
}

}  // namespace gatehouse::mvcc
