#include "member/wal/replay.h"

#include <algorithm>
#include <utility>

namespace gatehouse::wal {
namespace {

// Empty: fine. Otherwise what is wrong.
std::string_view take_entry(Replay& replay, raft::Entry entry) {
  replay.last_index = entry.index;
  if (entry.index <= replay.start.index) {
    // What is behind an entry goes when it is written, behind one that is not kept as well.
    replay.entries.clear();
    replay.term_at_start = entry.index == replay.start.index ? entry.term : 0;
    return {};
  }
  const uint64_t position = entry.index - replay.start.index - 1;
  if (position > replay.entries.size()) return "entries are missing before this one";
  if (entry.index <= replay.state.commit) return "an entry replaces a committed one";
  const uint64_t term_before =
      position == 0 ? replay.term_at_start : replay.entries[position - 1].term;
  if (entry.term < term_before) return "the term of an entry is below that of the one before";
  // A leader's first entry is an empty one of the normal type; leaving a joint configuration is an
  // empty one of its own type, and comes later. A state under the wrong type looks like this.
  if (entry.type == raft::EntryType::kConfChangeV2 && !entry.data.present() && term_before != 0 &&
      entry.term > term_before) {
    return "a term begins with a change of members";
  }
  replay.entries.resize(position);
  replay.entries.push_back(std::move(entry));
  return {};
}

// Entries that were there before the snapshot are behind it only if the log had its last entry: one
// that came from a leader may have taken the place of a log that went another way, whose entries,
// older than what is committed, are of no use to anybody and would spoil the next election.
void take_start(Replay& replay) {
  replay.start_found = true;
  if (replay.term_at_start == replay.start.term) return;
  replay.entries.clear();
  replay.term_at_start = replay.start.term;
}

std::string_view take_state(Replay& replay, const raft::HardState& state) {
  if (state.term < replay.state.term) return "the term goes back";
  if (state.commit < replay.state.commit) return "the commit index goes back";
  if (!replay.entries.empty() && state.term < replay.entries.back().term) {
    return "the term is below that of an entry";
  }
  replay.state = state;
  return {};
}

std::string_view take(Replay& replay, const Record& record, const SnapshotRecord* start) {
  switch (record.type) {
    case RecordType::kCrc:
      return {};
    case RecordType::kMetadata:
      if (replay.metadata.empty()) replay.metadata = record.data;
      if (replay.metadata != record.data) return "the segment is of another member";
      if (!decode_identity(record.data, replay.identity)) return "not the metadata of a member";
      return {};
    case RecordType::kEntry: {
      raft::Entry entry;
      if (!decode_entry(record.data, entry)) return "not an entry";
      if (start == nullptr) return {};
      return take_entry(replay, std::move(entry));
    }
    case RecordType::kState: {
      raft::HardState state;
      if (!decode_state(record.data, state)) return "not a state";
      return take_state(replay, state);
    }
    case RecordType::kSnapshot: {
      SnapshotRecord snapshot;
      if (!decode_snapshot(record.data, snapshot)) return "not a snapshot record";
      if (start != nullptr && snapshot.index == start->index) {
        if (snapshot.term != start->term) return "the snapshot has another term";
        take_start(replay);
      }
      replay.last_index = std::max(replay.last_index, snapshot.index);
      replay.snapshots.push_back(std::move(snapshot));
      return {};
    }
  }
  return "a record of a type that is not known";
}

}  // namespace

std::vector<SnapshotRecord> Replay::valid_snapshots() const {
  std::vector<SnapshotRecord> valid;
  for (const SnapshotRecord& snapshot : snapshots) {
    if (snapshot.index <= state.commit) valid.push_back(snapshot);
  }
  return valid;
}

Result<Replay> replay(LogReader& reader, const SnapshotRecord* start) {
  Replay replay;
  if (start != nullptr) replay.start = *start;
  Record record;
  for (;;) {
    const Result<LogReader::Outcome> outcome = reader.next(record);
    GATEHOUSE_RETURN_IF_ERROR(outcome.status());
    if (*outcome != LogReader::Outcome::kRecord) return replay;
    const std::string_view wrong = take(replay, record, start);
    if (!wrong.empty()) return reader.damage(wrong);
  }
}

}  // namespace gatehouse::wal
