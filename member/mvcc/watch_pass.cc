#include "member/mvcc/watch_pass.h"

#include <algorithm>
#include <utility>

#include "member/mvcc/watch_group.h"
#include "member/mvcc/watch_stream.h"

namespace gatehouse::mvcc {

WatchPass::WatchPass(const WatchGroupOptions& options) : options_(options) {}

bool WatchPass::match(WatchIndex& index, std::string_view key) {
  const uint32_t number = static_cast<uint32_t>(events_.size());
  bool any = false;
  index.for_each_match(key, [&](Interest& interest) {
    if (interest.events.empty()) touched_.push_back(&interest);
    interest.events.push_back(number);
    any = true;
  });
  return any;
}

void WatchPass::add(WatchIndex& index, const Change& change) {
  if (!match(index, change.key())) return;
  WatchEvent& event = events_.emplace_back();
  event.revision = change.revision.main;
  event.deleted = change.deleted;
  event.creation = !change.deleted && change.created == change.revision.main;
  event.key = change.key();
  event.record = change.record;
  bytes_ += change.record.size();
}

void WatchPass::add(WatchIndex& index, const View::Row& row) {
  const RecordParts parts = parse_record(row.record);
  if (!match(index, parts.key)) return;
  const std::string& record = records_.emplace_back(
      row.tombstone ? tombstone_record(parts.key, row.revision.main) : std::string(row.record));
  WatchEvent& event = events_.emplace_back();
  event.revision = row.revision.main;
  event.deleted = row.tombstone;
  event.creation = !row.tombstone && parts.created == row.revision.main;
  event.key = parse_record(record).key;
  event.record = record;
  bytes_ += record.size();
}

void WatchPass::deliver(WatchIndex& index, int64_t header_revision, ViewSource view) {
  if (events_.empty()) return;
  const uint64_t term = options_.term();
  view_source_ = std::move(view);
  const uint64_t sent_before = sent_events_;
  for (Interest* interest : touched_) {
    for (const Interest::Shaped& shaped : interest->shapes) {
      encode(*interest, shaped.shape);
      if (frames_.empty()) continue;
      frames_.set_header(options_.identity,
                         header_revision != 0 ? header_revision : frames_.last_revision(), term);
      for (Watcher* watcher : shaped.watchers) {
        if (watcher->next > frames_.last_revision()) continue;
        if (watcher->stream->can_send()) {
          send(*watcher);
        } else {
          watcher->next = std::max(watcher->next, frames_.first_revision());
          stalled_.push_back(watcher);
        }
      }
    }
    interest->events.clear();
  }
  // Only now: an interest goes with its last watcher.
  for (Watcher* watcher : stalled_) {
    index.remove(*watcher);
    watcher->stream->park(*watcher);
  }
  if (options_.metrics != nullptr) options_.metrics->events.add(sent_events_ - sent_before);
  stalled_.clear();
  touched_.clear();
  events_.clear();
  records_.clear();
  bytes_ = 0;
  view_.reset();
  view_source_ = nullptr;
}

void WatchPass::encode(const Interest& interest, const WatchShape& shape) {
  frames_.clear();
  for (const uint32_t number : interest.events) {
    WatchEvent& event = events_[number];
    if (shape.drops(event.deleted)) continue;
    if (shape.prev_kv && !event.previous_known) look_up_previous(event);
    frames_.append(event, shape.prev_kv);
  }
}

void WatchPass::look_up_previous(WatchEvent& event) {
  event.previous_known = true;
  const int64_t at = event.revision - 1;
  if (event.creation || at <= 0) return;
  if (view_ == nullptr) view_ = view_source_();
  if (at < view_->compacted()) return;
  items_.clear();
  view_->items(event.key, "", at, 1, items_);
  if (!items_.empty()) event.previous = view_->record(items_.front().modified);
}

void WatchPass::send(Watcher& watcher) {
  WatchSink& sink = watcher.stream->sink();
  watcher.told = true;
  sent_events_ += watcher.next <= frames_.first_revision() ? frames_.count()
                                                           : frames_.count_from(watcher.next);
  if (watcher.fragment) {
    for (const std::string& piece :
         frames_.fragments(watcher.id, watcher.next, options_.fragment_bytes)) {
      sink.send(piece);
    }
  } else {
    sink.send(frames_.response(watcher.id, watcher.next));
  }
}

}  // namespace gatehouse::mvcc
