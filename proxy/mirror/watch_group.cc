#include "proxy/mirror/watch_group.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/codec/proto_fields.h"

namespace gatehouse::mirror {

namespace {

// In front of the events: room for header, id and the mark of a fragment.
constexpr size_t kRoom = 72;
constexpr size_t kKeptBytes = 4 * 1024 * 1024;

void append_head(const Mirror& mirror, int64_t revision, int64_t id, bool fragment,
                 std::string& out) {
  mirror.append_header(revision, out);
  codec::append_int64_field(out, 2, id);
  codec::append_bool_field(out, 7, fragment);
}

}  // namespace

WatchGroup::WatchGroup(env::Executor& executor, Mirror& mirror, const Metrics& metrics)
    : executor_(executor),
      mirror_(mirror),
      metrics_(metrics),
      step_timer_(executor, [this] { step_behind(); }) {
  clear_frames();
}

WatchGroup::~WatchGroup() { CHECK(watchers_ == 0); }

bool WatchGroup::reaches(int64_t start) const {
  return start == 0 || start > std::max(mirror_.store.oldest(), mirror_.store.compacted());
}

int64_t WatchGroup::add(Watcher& watcher) {
  const int64_t revision = mirror_.store.revision();
  if (watchers_ == 0) known_ = revision;
  ++watchers_;
  metrics_.mirror_watchers.add();
  if (watchers_ > 1) metrics_.watchers_coalescing.add();
  watcher.group = this;
  watcher.next = watcher.start > 0 ? watcher.start : revision + 1;
  if (watcher.next > known_) {
    index_.add(watcher);
  } else {
    fall_behind(watcher, watcher.next);
  }
  return revision;
}

void WatchGroup::remove(Watcher& watcher) {
  if (synced(watcher)) {
    index_.remove(watcher);
  } else {
    behind_.erase(watcher.place);
  }
  watcher.group = nullptr;
  --watchers_;
  metrics_.mirror_watchers.sub();
  if (watchers_ > 0) metrics_.watchers_coalescing.sub();
}

void WatchGroup::fall_behind(Watcher& watcher, int64_t next) {
  watcher.next = next;
  watcher.parked = !watcher.owner->can_send();
  watcher.place = behind_.insert(behind_.end(), &watcher);
  if (!step_timer_.armed()) step_timer_.arm(0);
}

void WatchGroup::unpark(Watcher& watcher) {
  watcher.parked = false;
  if (!step_timer_.armed()) step_timer_.arm(0);
}

// ---- live

void WatchGroup::on_changed() {
  if (watchers_ > 0 && mirror_.store.revision() < known_) {
    // Emptied, or of another cluster: no place of before means anything.
    all_fall_behind(0);
    for (Watcher* watcher : behind_) watcher->next = 0;
    known_ = mirror_.store.revision();
  }
  if (watchers_ > 0) deliver_live();
  // Also those who are parked may have fallen out of the window.
  if (!behind_.empty() && !step_timer_.armed()) step_timer_.arm(0);
}

void WatchGroup::deliver_live() {
  while (known_ < mirror_.store.revision()) {
    steps_.clear();
    compacted_ = mirror_.store.compacted();
    const int64_t revision = mirror_.store.revision();
    if (!mirror_.store.steps(known_ + 1, kPassSteps, steps_)) {
      // The list was made anew, or this loop hung for the whole window. All have a place of their
      // own then, and are told that it is gone.
      all_fall_behind(known_ + 1);
      known_ = revision;
      return;
    }
    size_t bytes = 0;
    for (const auto& step : steps_) {
      if (bytes >= kPassBytes) {
        flush();
        bytes = 0;
      }
      for (const Change& change : step->changes) {
        const auto number = static_cast<uint32_t>(pending_.size());
        bool wanted = false;
        index_.for_each_match(change.entry->key(), [&](Interest& interest) {
          if (interest.events.empty()) touched_.push_back(&interest);
          interest.events.push_back(number);
          wanted = true;
        });
        if (!wanted) continue;
        pending_.push_back({&change, step->revision});
        bytes += change.entry->record().size();
      }
      known_ = step->revision;
    }
    const bool all = steps_.size() < kPassSteps;
    flush();
    if (all) known_ = std::max(known_, revision);
  }
}

void WatchGroup::all_fall_behind(int64_t next) {
  std::vector<Watcher*> all;
  index_.for_each_watcher([&](Indexed& w) { all.push_back(static_cast<Watcher*>(&w)); });
  for (Watcher* watcher : all) {
    index_.remove(*watcher);
    fall_behind(*watcher, std::max(watcher->next, next));
  }
}

void WatchGroup::clear_frames() {
  if (frames_.capacity() > kKeptBytes) frames_ = std::string();
  frames_.assign(kRoom, '\0');
  marks_.clear();
}

void WatchGroup::append_event(const Change& change, int64_t revision, bool with_previous) {
  const std::string_view record = change.entry->record();
  const bool previous = with_previous && change.previous && revision > compacted_;
  const size_t size = (change.deleted ? 2 : 0) + codec::bytes_field_size(2, record.size()) +
                      (previous ? codec::bytes_field_size(3, change.previous->record().size()) : 0);
  codec::append_tag(frames_, 11, codec::WireType::kBytes);
  codec::append_varint(frames_, size);
  codec::append_bool_field(frames_, 1, change.deleted);
  codec::append_bytes_field(frames_, 2, record);
  if (previous) codec::append_bytes_field(frames_, 3, change.previous->record());
  marks_.push_back({frames_.size(), revision});
}

// Sends what is pending to the synced watchers.
void WatchGroup::flush() {
  for (Interest* interest : touched_) {
    for (const Interest::Shaped& shaped : interest->shapes) {
      clear_frames();
      for (const uint32_t number : interest->events) {
        const Pending& event = pending_[number];
        if (shaped.shape.drops(event.change->deleted)) continue;
        append_event(*event.change, event.revision, shaped.shape.prev_kv);
      }
      if (marks_.empty()) continue;
      for (Indexed* indexed : shaped.watchers) {
        Watcher& watcher = static_cast<Watcher&>(*indexed);
        if (watcher.next > marks_.back().revision) continue;
        if (watcher.owner->can_send()) {
          tell(watcher, marks_.back().revision);
        } else {
          watcher.next = std::max(watcher.next, marks_.front().revision);
          stalled_.push_back(&watcher);
        }
      }
      metrics_.events_coalescing.add(marks_.size());
    }
    interest->events.clear();
  }
  for (Watcher* watcher : stalled_) {
    index_.remove(*watcher);
    fall_behind(*watcher, watcher->next);
  }
  stalled_.clear();
  touched_.clear();
  pending_.clear();
}

// Sends the frames from the watcher's place on.
void WatchGroup::tell(Watcher& watcher, int64_t header_revision) {
  watcher.told = true;
  size_t first = 0;
  while (marks_[first].revision < watcher.next) ++first;
  const auto begin_of = [&](size_t i) { return i == 0 ? kRoom : marks_[i - 1].end; };
  metrics_.events_out.add(marks_.size() - first);
  thread_local std::string head;
  head.clear();
  append_head(mirror_, header_revision, watcher.id, false, head);
  const size_t events = frames_.size() - begin_of(first);
  if (watcher.fragment && head.size() + events >= kFragmentBytes) {
    while (first < marks_.size()) {
      const size_t begin = begin_of(first);
      size_t end = marks_[first++].end;  // one event at least, whatever its size
      while (first < marks_.size() && head.size() + 2 + marks_[first].end - begin < kFragmentBytes) {
        end = marks_[first++].end;
      }
      std::string piece;
      append_head(mirror_, header_revision, watcher.id, first < marks_.size(), piece);
      piece.append(frames_, begin, end - begin);
      watcher.owner->send(piece);
    }
    return;
  }
  if (first == 0) {
    // The head goes right in front of the events, which stay where they are.
    CHECK(head.size() <= kRoom);
    const size_t begin = kRoom - head.size();
    std::copy(head.begin(), head.end(), frames_.begin() + static_cast<ptrdiff_t>(begin));
    watcher.owner->send(std::string_view(frames_).substr(begin));
    return;
  }
  watcher.owner->send(head.append(frames_, begin_of(first)));
}

// ---- behind

void WatchGroup::step_behind() {
  size_t left = std::min(kBehindPerTurn, behind_.size());
  const int64_t oldest = mirror_.store.oldest();
  bool more = false;
  std::vector<Watcher*> out;
  for (auto it = behind_.begin(); it != behind_.end();) {
    Watcher& watcher = **it++;
    if (watcher.next <= oldest) {
      out.push_back(&watcher);
      continue;
    }
    if (watcher.parked || left == 0) {
      more = more || !watcher.parked;
      continue;
    }
    --left;
    behind_.erase(watcher.place);
    if (catch_up(watcher)) {
      index_.add(watcher);
      continue;
    }
    watcher.parked = !watcher.owner->can_send();
    watcher.place = behind_.insert(behind_.end(), &watcher);
    more = more || !watcher.parked;
  }
  for (Watcher* watcher : out) {
    WatchOwner& owner = *watcher->owner;
    // A client that takes nothing is told when it does; till then only the place is kept.
    if (!owner.can_send()) continue;
    remove(*watcher);
    metrics_.slow_cancelled.add();
    owner.on_out_of_window(*watcher, oldest);
  }
  if (more) step_timer_.arm(0);
}

bool WatchGroup::catch_up(Watcher& watcher) {
  if (watcher.next > known_) return true;
  steps_.clear();
  if (!mirror_.store.steps(watcher.next, kPassSteps, steps_)) return false;
  compacted_ = mirror_.store.compacted();
  clear_frames();
  int64_t done = watcher.next - 1;
  bool cut = false;
  for (const auto& step : steps_) {
    if (step->revision > known_) break;
    if (frames_.size() >= kPassBytes) {
      cut = true;
      break;
    }
    for (const Change& change : step->changes) {
      if (watcher.shape.drops(change.deleted)) continue;
      if (!watcher.range().contains(change.entry->key())) continue;
      append_event(change, step->revision, watcher.shape.prev_kv);
    }
    done = step->revision;
  }
  if (!marks_.empty()) tell(watcher, std::max(known_, marks_.back().revision));
  if (!cut && steps_.size() < kPassSteps) done = std::max(done, known_);
  watcher.next = std::max(watcher.next, done + 1);
  return watcher.next > known_;
}

std::string encode_control(const Mirror& mirror, const ControlFrame& frame) {
  std::string out;
  mirror.append_header(frame.revision, out);
  codec::append_int64_field(out, 2, frame.watch_id);
  codec::append_bool_field(out, 3, frame.created);
  codec::append_bool_field(out, 4, frame.canceled);
  codec::append_int64_field(out, 5, frame.compact_revision);
  if (!frame.reason.empty()) codec::append_bytes_field(out, 6, frame.reason);
  return out;
}

}  // namespace gatehouse::mirror
