// The part of WatchGroup that reads history for watchers that are behind.
#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "member/mvcc/watch_group.h"
#include "member/mvcc/watch_stream.h"

namespace gatehouse::mvcc {

void WatchGroup::want_step() {
  if (!step_timer_.armed()) step_timer_.arm(0);
}

void WatchGroup::step() {
  resume_streams();
  if (!cohorts_.empty()) {
    auto next = cohorts_.lower_bound(turn_);
    if (next == cohorts_.end()) next = cohorts_.begin();
    const int64_t from = next->first;
    Index cohort = std::move(next->second);
    cohorts_.erase(next);
    catch_up(from, std::move(cohort));
  }
  if (!cohorts_.empty() || !resuming_.empty()) want_step();
}

void WatchGroup::resume_streams() {
  for (auto it = resuming_.begin(); it != resuming_.end();) {
    // Without can_send() its on_can_send() is to come.
    const bool more = (*it)->can_send() && (*it)->resume(kResumedPerStep);
    it = more ? std::next(it) : resuming_.erase(it);
  }
}

void WatchGroup::catch_up(int64_t from, Index cohort) {
  const std::shared_ptr<const View> view = store_.view();
  const int64_t to = std::min(from + kStepRevisions - 1, known_);
  take_up_cohorts(from, to, *cohort);
  if (from < view->compacted()) {
    cancel_compacted(*view, *cohort, from);
    from = view->compacted();
  }
  if (cohort->empty()) return;

  // As far as the bounds let it, in whole revisions.
  int64_t done = to;
  int64_t revision = 0;
  size_t scanned = 0;
  if (from <= to) {
    view->history(from, to, [&](const View::Row& row) {
      if (row.revision.main != revision) {
        if (pass_.bytes() >= kPassBytes || scanned >= kScanBytes) {
          done = row.revision.main - 1;
          return false;
        }
        revision = row.revision.main;
      }
      scanned += row.record.size();
      pass_.add(*cohort, row);
      return true;
    });
    pass_.deliver(*cohort, view->revision(), [&view] { return view; });
  }
  const int64_t next = std::max(from, done + 1);
  turn_ = next + 1;
  if (!cohort->empty()) settle(next, std::move(cohort));
}

void WatchGroup::take_up_cohorts(int64_t from, int64_t to, WatchIndex& cohort) {
  for (auto it = cohorts_.upper_bound(from); it != cohorts_.end() && it->first <= to;) {
    // The place of an index that had got further than a watcher's own moves into the watcher.
    for (Watcher* watcher : it->second->all()) watcher->next = std::max(watcher->next, it->first);
    cohort.absorb(*it->second);
    it = cohorts_.erase(it);
  }
}

void WatchGroup::cancel_compacted(const View& view, WatchIndex& cohort, int64_t from) {
  for (Watcher* watcher : cohort.all()) {
    watcher->next = std::max(watcher->next, from);
    if (watcher->next >= view.compacted()) continue;
    if (watcher->stream->can_send()) {
      watcher->stream->cancel_compacted(*watcher, view.compacted());  // the watcher is gone
    } else {
      cohort.remove(*watcher);
      watcher->stream->park(*watcher);
    }
  }
}

void WatchGroup::settle(int64_t next, Index cohort) {
  if (next > known_) {
    const size_t moved = cohort->size();
    // The smaller into the larger. Nobody in either has a place of its own between known_ and next.
    if (synced_->size() < cohort->size()) std::swap(synced_, cohort);
    synced_->absorb(*cohort);
    metrics_.slow_watchers.sub(static_cast<int64_t>(moved));
    return;
  }
  Index& there = cohorts_[next];
  if (there == nullptr) {
    there = std::move(cohort);
  } else {
    if (there->size() < cohort->size()) std::swap(there, cohort);
    there->absorb(*cohort);
  }
  want_step();
}

}  // namespace gatehouse::mvcc
