#include "member/mvcc/watch_group.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "member/mvcc/watch_stream.h"

namespace gatehouse::mvcc {

WatchGroup::WatchGroup(env::Executor& executor, WatchFeed& feed, const Store& store,
                       WatchGroupOptions options)
    : executor_(executor),
      feed_(feed),
      store_(store),
      options_(std::move(options)),
      metrics_(options_.metrics != nullptr ? *options_.metrics : WatchMetrics()),
      link_(feed.attach(executor, *this)),
      synced_(std::make_unique<WatchIndex>()),
      pass_(options_),
      step_timer_(executor, [this] { step(); }) {}

WatchGroup::~WatchGroup() {
  CHECK(watchers_ == 0);
  for (const auto& batch : batches_) link_->queued_bytes.fetch_sub(batch->bytes);
  feed_.detach(link_);
}

int64_t WatchGroup::store_revision() const { return store_.view()->revision(); }

int64_t WatchGroup::add(Watcher& watcher) {
  if (watchers_ == 0) {
    // In this order: watch_feed.h says why.
    feed_.listen(*link_, true);
    known_ = store_revision();
  }
  ++watchers_;
  metrics_.watchers.add();
  const int64_t revision = store_revision();
  watcher.next = watcher.start > 0 ? watcher.start : revision + 1;
  if (watcher.next > known_) {
    synced_->add(watcher);
  } else {
    metrics_.slow_watchers.add();
    Index& cohort = cohorts_[watcher.next];
    if (cohort == nullptr) cohort = std::make_unique<WatchIndex>();
    cohort->add(watcher);
    want_step();
  }
  return revision;
}

void WatchGroup::remove(Watcher& watcher) {
  if (!synced(watcher)) metrics_.slow_watchers.sub();
  if (watcher.index != nullptr) watcher.index->remove(watcher);
  metrics_.watchers.sub();
  if (--watchers_ == 0) {
    feed_.listen(*link_, false);
    known_ = 0;
    cohorts_.clear();
  }
}

void WatchGroup::unpark(Watcher& watcher) {
  if (watcher.next > known_) {
    synced_->add(watcher);
    metrics_.slow_watchers.sub();
    return;
  }
  Index& cohort = cohorts_[watcher.next];
  if (cohort == nullptr) cohort = std::make_unique<WatchIndex>();
  cohort->add(watcher);
  want_step();
}

void WatchGroup::resume_later(WatchStream& stream) {
  if (std::find(resuming_.begin(), resuming_.end(), &stream) == resuming_.end()) {
    resuming_.push_back(&stream);
  }
  want_step();
}

void WatchGroup::await(WatchStream& stream, int64_t revision) {
  waiting_.push_back({&stream, revision});
}

void WatchGroup::forget(WatchStream& stream) {
  resuming_.remove(&stream);
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                [&](const Waiting& w) { return w.stream == &stream; }),
                 waiting_.end());
}

// ---- live

void WatchGroup::on_batch(std::shared_ptr<const WatchFeed::Batch> batch) {
  batches_.push_back(std::move(batch));
  executor_.at_turn_end(*this);
}

void WatchGroup::on_turn_end() {
  const auto batches = std::exchange(batches_, {});
  if (watchers_ > 0) {
    const uint64_t begun = executor_.now_us();
    const uint64_t events_before = pass_.sent_events();
    for (const auto& batch : batches) deliver_live(*batch);
    flush_live();
    if (const uint64_t events = pass_.sent_events() - events_before; events > 0) {
      const double seconds = static_cast<double>(executor_.now_us() - begun) / 1e6;
      metrics_.send_events.observe(seconds);
      metrics_.send_per_event.observe(seconds / static_cast<double>(events));
    }
    tell_waiting();
  }
  for (const auto& batch : batches) link_->queued_bytes.fetch_sub(batch->bytes);
}

void WatchGroup::deliver_live(const WatchFeed::Batch& batch) {
  if (batch.last <= known_) return;
  if (batch.base > known_) {
    flush_live();
    all_fall_behind(batch.last);
    return;
  }
  int64_t revision = 0;
  for (const Change& change : batch.changes) {
    if (change.revision.main <= known_) continue;
    if (change.revision.main != revision && pass_.bytes() >= kPassBytes) flush_live();
    revision = change.revision.main;
    pass_.add(*synced_, change);
  }
  known_ = batch.last;
}

void WatchGroup::flush_live() {
  const size_t before = synced_->size();
  pass_.deliver(*synced_, 0, [this] { return store_.view(); });
  metrics_.slow_watchers.add(static_cast<int64_t>(before - synced_->size()));
}

void WatchGroup::all_fall_behind(int64_t known) {
  metrics_.slow_watchers.add(static_cast<int64_t>(synced_->size()));
  Index cohort = std::exchange(synced_, std::make_unique<WatchIndex>());
  const int64_t next = known_ + 1;
  known_ = known;
  if (!cohort->empty()) settle(next, std::move(cohort));
}

void WatchGroup::tell_waiting() {
  for (size_t i = 0; i < waiting_.size();) {
    if (waiting_[i].revision > known_) {
      ++i;
      continue;
    }
    WatchStream* const stream = waiting_[i].stream;
    waiting_[i] = waiting_.back();
    waiting_.pop_back();
    stream->on_progress_due();
  }
}

}  // namespace gatehouse::mvcc
