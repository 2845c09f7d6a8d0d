#include "member/replica/force_new_cluster.h"

#include <map>
#include <utility>

#include "member/membership/conf_change.h"
#include "member/schema/member_json.h"

namespace gatehouse::replica {

namespace {

using Kind = membership::ParsedChange::Kind;

// By id, whether it is a learner: once all that is committed is applied.
std::map<uint64_t, bool> members_at_commit(const raft::Restored& restored,
                                           const membership::Members& members) {
  std::map<uint64_t, bool> learners;
  for (const auto& [id, member] : members.by_id) learners[id] = member.is_learner;
  for (const raft::Entry& entry : restored.entries) {
    if (entry.index <= restored.applied || entry.type != raft::EntryType::kConfChange) continue;
    raftpb::ConfChange change;
    const std::string_view bytes = entry.data.view();
    if (!change.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) continue;
    const auto parsed = membership::parse_change(change);
    if (!parsed.ok()) continue;
    if (parsed->kind == Kind::kAdd) learners.emplace(change.node_id(), parsed->member.is_learner);
    if (parsed->kind == Kind::kRemove) learners.erase(change.node_id());
    if (parsed->kind == Kind::kPromote) learners[change.node_id()] = false;
  }
  return learners;
}

}  // namespace

Status force_new_cluster(Storage& storage, const membership::Members& members,
                         const log::Logger& logger) {
  raft::Restored& restored = storage.restored;
  const uint64_t commit = restored.hard_state.commit;
  size_t given_up = 0;
  for (; !restored.entries.empty() && restored.entries.back().index > commit; ++given_up) {
    restored.entries.pop_back();
  }
  if (given_up > 0) {
    LOG_INFO(logger, "discarding uncommitted WAL entries", {"commit-index-from-wal", commit},
             {"number-of-discarded-entries", given_up});
  }
  const std::map<uint64_t, bool> learners = members_at_commit(restored, members);
  const uint64_t self = storage.identity.node_id;
  if (!learners.contains(self)) {
    return Status(StatusCode::kFailedPrecondition,
                  "--force-new-cluster: this member, " + schema::id_text(self) +
                      ", is not part of the cluster that its data is of");
  }
  std::vector<raft::Entry> entries;
  const auto append = [&](const raftpb::ConfChange& change) {
    raft::Entry entry;
    entry.term = restored.hard_state.term;
    entry.index = commit + entries.size() + 1;
    entry.type = raft::EntryType::kConfChange;
    entry.data = raft::Payload(change.SerializeAsString());
    entries.push_back(std::move(entry));
  };
  if (learners.at(self)) append(membership::promote_change(0, self));
  for (const auto& [id, learner] : learners) {
    if (id != self) append(membership::remove_change(0, id));
  }
  restored.hard_state.commit = commit + entries.size();
  LOG_INFO(logger, "forcing a new cluster of this member alone",
           {"local-member-id", schema::id_text(self)},
           {"removed-members", learners.size() - 1});
  GATEHOUSE_RETURN_IF_ERROR(storage.log->append(&restored.hard_state, entries, /*must_sync=*/true));
  restored.entries.insert(restored.entries.end(), entries.begin(), entries.end());
  return Status();
}

}  // namespace gatehouse::replica
