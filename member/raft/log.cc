#include "member/raft/log.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace gatehouse::raft {

Log::Log(std::shared_ptr<const Snapshot> snapshot, std::vector<Entry> entries, uint64_t committed,
         uint64_t applied)
    : offset_{snapshot->index, snapshot->term},
      entries_(std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end())),
      snapshot_(std::move(snapshot)),
      committed_(committed),
      applying_(applied),
      applied_(applied),
      stable_(last_index()),
      handed_out_(last_index()) {
  CHECK(offset_.index <= applied_ && applied_ <= committed_ && committed_ <= last_index());
}

uint64_t Log::last_term() const { return entries_.empty() ? offset_.term : entries_.back().term; }

std::optional<uint64_t> Log::term(uint64_t index) const {
  if (index == offset_.index) return offset_.term;
  if (index < offset_.index || index > last_index()) return std::nullopt;
  return entries_[index - first_index()].term;
}

const Entry& Log::at(uint64_t index) const {
  CHECK(index >= first_index() && index <= last_index());
  return entries_[index - first_index()];
}

bool Log::up_to_date(LogPosition other) const {
  return other.term > last_term() || (other.term == last_term() && other.index >= last_index());
}

void Log::slice(uint64_t low, uint64_t high, uint64_t max_bytes, std::vector<Entry>* out) const {
  if (low > high) return;
  CHECK(low >= first_index() && high <= last_index());
  uint64_t bytes = 0;
  uint64_t end = low;
  for (; end <= high; ++end) {
    bytes += encoded_size(at(end));
    if (bytes > max_bytes && end > low) break;
  }
  out->reserve(out->size() + (end - low));
  const auto begin = entries_.begin() + static_cast<ptrdiff_t>(low - first_index());
  out->insert(out->end(), begin, begin + static_cast<ptrdiff_t>(end - low));
}

uint64_t Log::find_conflict(std::span<const Entry> entries) const {
  for (const Entry& entry : entries) {
    if (!matches(entry.index, entry.term)) return entry.index;
  }
  return 0;
}

LogPosition Log::find_conflict_by_term(uint64_t index, uint64_t term) const {
  // Terms never decrease along a log, so the first one low enough ends the walk.
  for (; index > 0; --index) {
    const std::optional<uint64_t> ours = this->term(index);
    if (!ours.has_value()) return {index, 0};
    if (*ours <= term) return {index, *ours};
  }
  return {0, 0};
}

void Log::truncate_after(uint64_t index) {
  CHECK_MSG(index >= committed_, "a committed entry would be overwritten");
  entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(index - offset_.index), entries_.end());
  stable_ = std::min(stable_, index);
  handed_out_ = std::min(handed_out_, index);
  for (Batch& batch : batches_) batch.last = std::min(batch.last, index);
}

void Log::append(std::span<const Entry> entries) {
  if (entries.empty()) return;
  const uint64_t before = entries.front().index - 1;
  CHECK(before >= committed_ && before <= last_index());
  if (before < last_index()) truncate_after(before);
  entries_.insert(entries_.end(), entries.begin(), entries.end());
  CHECK(entries.back().index == last_index());
}

void Log::commit_to(uint64_t index) {
  if (index <= committed_) return;
  CHECK(index <= last_index());
  committed_ = index;
}

uint64_t Log::hand_out_writes(std::vector<Entry>* entries,
                              std::shared_ptr<const Snapshot>* snapshot) {
  if (std::exchange(snapshot_unwritten_, false)) {
    *snapshot = snapshot_;
    // The state machine takes the snapshot from the same Ready; entries go on after it.
    applying_ = std::max(applying_, snapshot_->index);
  }
  slice(handed_out_ + 1, last_index(), UINT64_MAX, entries);
  handed_out_ = last_index();
  batches_.push_back({++last_sequence_, last_index()});
  return last_sequence_;
}

void Log::writes_done(uint64_t sequence) {
  CHECK_MSG(sequence <= last_sequence_, "a write was acknowledged that was never handed out");
  while (!batches_.empty() && batches_.front().sequence <= sequence) {
    stable_ = std::max(stable_, batches_.front().last);
    batches_.pop_front();
  }
}

bool Log::has_next_committed() const {
  return !snapshot_unwritten_ && std::min(committed_, stable_) > applying_;
}

void Log::hand_out_committed(uint64_t max_bytes, std::vector<Entry>* out) {
  if (!has_next_committed()) return;
  const size_t before = out->size();
  slice(applying_ + 1, std::min(committed_, stable_), max_bytes, out);
  for (size_t i = before; i < out->size(); ++i) applying_bytes_ += encoded_size((*out)[i]);
  applying_ += out->size() - before;
}

void Log::applied_to(uint64_t index) {
  if (index <= applied_) return;
  CHECK_MSG(index <= applying_, "an entry was applied that was never handed out");
  for (uint64_t i = std::max(applied_ + 1, first_index()); i <= index; ++i) {
    applying_bytes_ -= std::min(applying_bytes_, encoded_size(at(i)));
  }
  applied_ = index;
  if (applied_ == applying_) applying_bytes_ = 0;
}

void Log::set_snapshot(std::shared_ptr<const Snapshot> snapshot) {
  if (snapshot->index <= snapshot_->index) return;
  CHECK_MSG(snapshot->index <= applied_, "a snapshot of entries that are not applied");
  CHECK(matches(snapshot->index, snapshot->term));
  snapshot_ = std::move(snapshot);
}

void Log::compact(uint64_t index) {
  if (index < first_index()) return;
  CHECK_MSG(index <= snapshot_->index && index <= applied_, "compaction without a snapshot");
  CHECK(index <= stable_);
  const LogPosition compacted{index, *term(index)};
  entries_.erase(entries_.begin(),
                 entries_.begin() + static_cast<ptrdiff_t>(index - offset_.index));
  offset_ = compacted;
}

void Log::restore(std::shared_ptr<const Snapshot> snapshot) {
  CHECK(snapshot->index > committed_);
  offset_ = {snapshot->index, snapshot->term};
  entries_.clear();
  committed_ = snapshot->index;
  snapshot_ = std::move(snapshot);
  snapshot_unwritten_ = true;
  stable_ = 0;
  handed_out_ = offset_.index;
  for (Batch& batch : batches_) batch.last = 0;
}

}  // namespace gatehouse::raft
