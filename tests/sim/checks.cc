#include "tests/sim/checks.h"

#include <algorithm>
#include <utility>

#include "member/mvcc/key_value.h"
#include "member/schema/member_json.h"
#include "tests/sim/trace.h"

namespace gatehouse::sim {

namespace {

std::string name(raft::NodeId id) { return "member " + schema::id_text(id); }

std::string number(uint64_t value) { return std::to_string(value); }

const std::string kAllKeys(1, '\0');

}  // namespace

void Checks::restored(raft::NodeId id, const raft::Restored& restored) {
  ++counts_.restarts;
  seen_[id] = Seen();
  seen_[id].committed = restored.snapshot ? restored.snapshot->index : 0;
  const Promised& promised = promised_[id];
  const raft::HardState& state = restored.hard_state;
  if (state.term < std::max(promised.vote_term, promised.append_term)) {
    return fail("durability: " + name(id) + " has forgotten term " +
                number(std::max(promised.vote_term, promised.append_term)) + " and is in term " +
                number(state.term));
  }
  if (promised.vote_term == state.term && promised.vote != raft::kNoNode &&
      promised.vote != state.vote) {
    return fail("durability: " + name(id) + " has forgotten its vote for " +
                schema::id_text(promised.vote) + " in term " + number(state.term));
  }
  // A later leader may have cut the log; within the term nobody may.
  const uint64_t last =
      (restored.snapshot ? restored.snapshot->index : 0) + restored.entries.size();
  if (promised.append_term == state.term && last < promised.append_index) {
    fail("durability: " + name(id) + " acknowledged entry " + number(promised.append_index) +
         " in term " + number(state.term) + ", and its log ends at " + number(last));
  }
}

void Checks::writes(const wal::Batch& batch, const raft::Core& core) {
  // After a snapshot's record entries are forgotten that no look may have seen committed.
  if (!batch.snapshots.empty()) last_look(core.id(), core);
  for (const raft::Entry& entry : batch.entries) {
    const std::optional<uint64_t> before = core.log().term(entry.index - 1);
    if (!before) continue;
    const auto [at, fresh] =
        written_.try_emplace({entry.index, entry.term}, std::pair(*before, entry.data));
    if (!fresh && at->second != std::pair(*before, entry.data)) {
      fail("log matching: two entries have index " + number(entry.index) + " and term " +
           number(entry.term) + ", or different ones before them");
    }
  }
}

void Checks::sends(raft::NodeId id, const raft::Message& message) {
  Promised& promised = promised_[id];
  const bool votes = (message.type == raft::MessageType::kVoteResponse && !message.reject) ||
                     message.type == raft::MessageType::kVote;
  if (votes && message.term >= promised.vote_term) {
    const raft::NodeId vote = message.type == raft::MessageType::kVote ? id : message.to;
    if (message.term == promised.vote_term && promised.vote != vote) {
      fail("election safety: " + name(id) + " votes twice in term " + number(message.term));
    }
    promised.vote_term = message.term;
    promised.vote = vote;
  }
  if (message.type == raft::MessageType::kAppendResponse && !message.reject &&
      message.term >= promised.append_term) {
    if (message.term > promised.append_term) promised.append_index = 0;
    promised.append_term = message.term;
    promised.append_index = std::max(promised.append_index, message.index);
  }
}

void Checks::look(raft::NodeId id, const Process& process) {
  if (failure_) return;
  Seen& seen = seen_[id];
  const raft::Core& core = process.core();
  if (const std::optional<std::string> broken = seen.invariants.check(core)) {
    return fail(name(id) + ": " + *broken);
  }
  look_at_commits(id, core, seen);
  const bool leads = core.role() == raft::Role::kLeader;
  if (leads && !seen.leading) look_at_leader(id, core);
  seen.leading = leads;
  const uint64_t applied = core.log().applied();
  if (applied > seen.applied) look_at_state(id, process, applied);
  seen.applied = applied;
}

void Checks::look_at_commits(raft::NodeId id, const raft::Core& core, Seen& seen) {
  for (; seen.committed < core.log().committed(); ++seen.committed) {
    const uint64_t index = seen.committed + 1;
    if (index < core.log().first_index()) continue;
    const raft::Entry& entry = core.log().at(index);
    if (index == chosen_.size() + 1) {
      chosen_.push_back({entry.term, core.term(), entry.data});
      if (entry.type != raft::EntryType::kNormal) ++counts_.conf_changes;
    } else if (index > chosen_.size()) {
      return fail("state machine safety: " + name(id) + " commits entry " + number(index) +
                  " before those in front of it");
    } else if (chosen_[index - 1].term != entry.term || chosen_[index - 1].data != entry.data) {
      return fail("state machine safety: " + name(id) + " commits another entry at index " +
                  number(index) + ": of term " + number(entry.term) + ", not " +
                  number(chosen_[index - 1].term));
    }
  }
}

void Checks::look_at_leader(raft::NodeId id, const raft::Core& core) {
  ++counts_.leaders;
  if (on_leader) on_leader(id);
  const auto [at, fresh] = leader_of_term_.try_emplace(core.term(), id);
  if (!fresh && at->second != id) {
    return fail("election safety: two leaders in term " + number(core.term()));
  }
  for (uint64_t index = core.log().first_index(); index <= chosen_.size(); ++index) {
    const Chosen& chosen = chosen_[index - 1];
    if (chosen.commit_term >= core.term()) continue;
    if (!core.log().matches(index, chosen.term)) {
      return fail("leader completeness: the leader of term " + number(core.term()) +
                  " lacks entry " + number(index));
    }
  }
}

void Checks::look_at_state(raft::NodeId id, const Process& process, uint64_t applied) {
  const uint64_t state = state_of(process);
  const auto [at, fresh] = states_.try_emplace(applied, id, state);
  if (fresh) return;
  if (at->second.first != id) ++counts_.compared;
  if (at->second.second != state) {
    fail("state machine safety: " + name(id) + " and " + name(at->second.first) +
         " have applied entry " + number(applied) + " and differ");
  }
}

// All that clients can read of the present, and the members.
uint64_t Checks::state_of(const Process& process) {
  const std::shared_ptr<const mvcc::View> view = process.store().view();
  uint64_t hash = fingerprint(kFingerprintSeed, static_cast<uint64_t>(view->revision()));
  std::vector<mvcc::Item> items;
  view->items(kAllKeys, kAllKeys, 0, 0, items);
  for (const mvcc::Item& item : items) {
    hash = fingerprint(hash, item.key);
    hash = fingerprint(hash, view->record(item.modified));
  }
  const auto members = process.cluster().members();
  for (const auto& [id, member] : members->by_id) {
    hash = fingerprint(hash, id);
    hash = fingerprint(hash, schema::member_json(member));
  }
  return fingerprint(hash, members->version);
}

void Checks::members(const membership::Members& members) {
  if (members.by_id.size() + 2 * members.removed.size() >=
      members_.by_id.size() + 2 * members_.removed.size()) {
    members_ = members;
  }
}

void Checks::acknowledged(int64_t revision, const std::string& key, const std::string& value) {
  const auto [at, fresh] = acknowledged_.try_emplace(revision, key, value);
  if (!fresh) {
    fail("two changes were acknowledged with revision " + std::to_string(revision) + ": of " +
         at->second.first + " and " + key);
  }
}

void Checks::look_at_history(raft::NodeId id, const Process& process) {
  const std::shared_ptr<const mvcc::View> view = process.store().view();
  auto next = acknowledged_.begin();
  view->history(1, view->revision(), [&](const mvcc::View::Row& row) {
    if (next == acknowledged_.end()) return false;
    if (row.revision.main != next->first) return row.revision.main < next->first;
    mvcc::KeyValue pair;
    const bool same = mvcc::parse_key_value(row.record, pair) && pair.key == next->second.first &&
                      row.tombstone == next->second.second.empty() &&
                      (row.tombstone || pair.value == next->second.second);
    if (!same) return false;
    ++next;
    return true;
  });
  if (next == acknowledged_.end()) return;
  fail("durability: " + name(id) + " does not have revision " + std::to_string(next->first) +
       " of " + next->second.first + " that a client was told of");
}

}  // namespace gatehouse::sim
