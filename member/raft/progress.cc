#include "member/raft/progress.h"

#include <algorithm>

namespace gatehouse::raft {

std::string_view progress_state_name(ProgressState state) {
  switch (state) {
    case ProgressState::kProbe:
      return "probe";
    case ProgressState::kReplicate:
      return "replicate";
    case ProgressState::kSnapshot:
      return "snapshot";
  }
  return "unknown";
}

void Progress::become_probe() {
  // After a snapshot that arrived, probing starts behind it.
  next = state == ProgressState::kSnapshot ? std::max(match + 1, pending_snapshot + 1) : match + 1;
  state = ProgressState::kProbe;
  append_paused = false;
  pending_snapshot = 0;
  inflights.reset();
  sent_commit = std::min(sent_commit, next - 1);
}

void Progress::become_replicate() {
  state = ProgressState::kReplicate;
  append_paused = false;
  pending_snapshot = 0;
  inflights.reset();
  next = match + 1;
}

void Progress::become_snapshot(uint64_t index) {
  state = ProgressState::kSnapshot;
  append_paused = false;
  inflights.reset();
  pending_snapshot = index;
  next = index + 1;
  sent_commit = index;
}

bool Progress::paused() const { return state == ProgressState::kSnapshot || append_paused; }

void Progress::sent_append(size_t entries, uint64_t bytes, uint64_t commit) {
  if (state == ProgressState::kReplicate) {
    if (entries > 0) {
      next += entries;
      inflights.add(next - 1, bytes);
    }
    append_paused = inflights.full();
  } else if (entries > 0) {
    append_paused = true;
  }
  sent_commit = commit;
}

bool Progress::maybe_update(uint64_t index) {
  if (index <= match) return false;
  match = index;
  next = std::max(next, index + 1);
  append_paused = false;
  return true;
}

bool Progress::maybe_decrease_to(uint64_t rejected, uint64_t hint) {
  if (state == ProgressState::kReplicate) {
    if (rejected <= match) return false;
    next = match + 1;
    sent_commit = std::min(sent_commit, next - 1);
    return true;
  }
  // A probe is always sent after next - 1: any other refusal is of an earlier one.
  if (next == 0 || rejected != next - 1) return false;
  next = std::max(std::min(rejected, hint + 1), match + 1);
  sent_commit = std::min(sent_commit, next - 1);
  append_paused = false;
  return true;
}

std::string Progress::to_string() const {
  std::string text(progress_state_name(state));
  text += " match=" + std::to_string(match) + " next=" + std::to_string(next);
  if (is_learner) text += " learner";
  if (paused()) text += " paused";
  if (pending_snapshot != 0) text += " snapshot=" + std::to_string(pending_snapshot);
  if (inflights.count() != 0) text += " inflight=" + std::to_string(inflights.count());
  if (inflights.full()) text += " [full]";
  if (!recent_active) text += " inactive";
  return text;
}

}  // namespace gatehouse::raft
