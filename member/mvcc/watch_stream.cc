#include "member/mvcc/watch_stream.h"

#include <algorithm>
#include <utility>

namespace gatehouse::mvcc {
namespace {

constexpr uint64_t kMinProgressIntervalMs = 100;

constexpr std::string_view kCompactedReason =
    "etcdserver: mvcc: required revision has been compacted";
constexpr std::string_view kEmptyRangeReason = "mvcc: watcher range is empty";
constexpr std::string_view kDuplicateReason =
    "mvcc: duplicate watch ID provided on the WatchStream";

}  // namespace

WatchStream::WatchStream(WatchGroup& group, WatchSink& sink) : group_(group), sink_(sink) {
  if (group_.options().metrics != nullptr) group_.options().metrics->streams.add();
}

WatchStream::~WatchStream() {
  group_.forget(*this);
  for (auto& [id, watcher] : watchers_) group_.remove(*watcher);
  if (group_.options().metrics != nullptr) group_.options().metrics->streams.sub();
}

void WatchStream::send_control(const ControlFrame& frame) {
  sink_.send(encode_control(group_.options().identity, frame));
}

void WatchStream::create(WatchRequest request) {
  auto range = std::make_shared<KeyRange>();
  range->key = std::move(request.key);
  range->end = std::move(request.end);
  if (request.start < 0) return refuse(kCompactedReason);
  if (!range->point() && !range->open() && range->end <= range->key) {
    return refuse(kEmptyRangeReason);
  }
  if (request.watch_id == 0) {
    while (watchers_.contains(next_id_)) ++next_id_;
    request.watch_id = next_id_++;
  } else if (watchers_.contains(request.watch_id)) {
    return refuse(kDuplicateReason);
  }

  auto made = std::make_unique<Watcher>();
  made->stream = this;
  made->id = request.watch_id;
  made->start = request.start;
  made->range = std::move(range);
  made->shape = request.shape;
  made->fragment = request.fragment;
  made->progress_notify = request.progress_notify;
  Watcher& watcher = *made;
  watchers_.emplace(watcher.id, std::move(made));
  const int64_t revision = group_.add(watcher);
  if (watcher.progress_notify && !progress_timer_) {
    progress_timer_.emplace(group_.executor(), [this] { progress_tick(); });
    arm_progress();
  }
  send_control({.revision = revision,
                .term = group_.options().term(),
                .watch_id = watcher.id,
                .created = true});
}

void WatchStream::refuse(std::string_view reason) {
  send_control({.revision = group_.store_revision(),
                .term = group_.options().term(),
                .created = true,
                .canceled = true,
                .reason = reason});
}

void WatchStream::cancel(int64_t watch_id) {
  const auto found = watchers_.find(watch_id);
  if (found == watchers_.end()) return;
  drop(*found->second);
  send_control({.revision = group_.store_revision(),
                .term = group_.options().term(),
                .watch_id = watch_id,
                .canceled = true});
}

void WatchStream::cancel_compacted(Watcher& watcher, int64_t compacted) {
  const int64_t id = watcher.id;
  drop(watcher);
  // As etcd: no reason, and a header without revision.
  send_control({.term = group_.options().term(),
                .watch_id = id,
                .canceled = true,
                .compact_revision = compacted});
}

void WatchStream::drop(Watcher& watcher) {
  if (watcher.index == nullptr) parked_.erase(watcher.parked);
  group_.remove(watcher);
  watchers_.erase(watcher.id);
  if (watchers_.empty()) {
    group_.forget(*this);
    progress_awaited_ = false;
  }
}

// ---- a client that takes no more

void WatchStream::park(Watcher& watcher) {
  watcher.parked = parked_.insert(parked_.end(), &watcher);
}

bool WatchStream::resume(size_t limit) {
  for (; limit > 0 && !parked_.empty(); --limit) {
    Watcher* const watcher = parked_.front();
    parked_.pop_front();
    group_.unpark(*watcher);
  }
  return !parked_.empty();
}

void WatchStream::on_can_send() {
  if (!parked_.empty()) group_.resume_later(*this);
}

// ---- progress

void WatchStream::request_progress() {
  if (watchers_.empty() || progress_awaited_) return;
  const int64_t revision = group_.store_revision();
  if (revision > group_.known_revision()) {
    progress_awaited_ = true;
    group_.await(*this, revision);
    return;
  }
  on_progress_due();
}

void WatchStream::on_progress_due() {
  progress_awaited_ = false;
  const int64_t revision = group_.known_revision();
  const bool all = std::all_of(watchers_.begin(), watchers_.end(), [&](const auto& entry) {
    return group_.synced(*entry.second) && entry.second->start <= revision;
  });
  if (watchers_.empty() || !all) return;
  send_control({.revision = revision, .term = group_.options().term()});
}

void WatchStream::arm_progress() {
  const WatchGroupOptions& options = group_.options();
  const uint64_t interval = std::max(options.progress_interval_ms, kMinProgressIntervalMs);
  progress_timer_->arm(interval + options.entropy->below(interval / 10));
}

void WatchStream::progress_tick() {
  const uint64_t begun = group_.executor().now_us();
  const int64_t revision = group_.known_revision();
  for (auto& [id, watcher] : watchers_) {
    if (!watcher->progress_notify || std::exchange(watcher->told, false)) continue;
    if (!group_.synced(*watcher) || watcher->start > revision || !sink_.can_send()) continue;
    send_control({.revision = revision, .term = group_.options().term(), .watch_id = id});
  }
  if (const WatchMetrics* const metrics = group_.options().metrics; metrics != nullptr) {
    metrics->send_progress.observe(static_cast<double>(group_.executor().now_us() - begun) / 1e6);
  }
  arm_progress();
}

}  // namespace gatehouse::mvcc
