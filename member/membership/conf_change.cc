#include "member/membership/conf_change.h"

#include <algorithm>
#include <utility>

namespace gatehouse::membership {
namespace {

raftpb::ConfChange make(uint64_t id, raftpb::ConfChangeType type, uint64_t member,
                        std::string context = {}) {
  raftpb::ConfChange change;
  change.set_id(id);
  change.set_type(type);
  change.set_node_id(member);
  if (!context.empty()) change.set_context(std::move(context));
  return change;
}

}  // namespace

raftpb::ConfChange add_change(uint64_t id, const Member& member) {
  return make(id, member.is_learner ? raftpb::ConfChangeAddLearnerNode : raftpb::ConfChangeAddNode,
              member.id, schema::member_json(member));
}

raftpb::ConfChange promote_change(uint64_t id, uint64_t member) {
  return make(id, raftpb::ConfChangeAddNode, member, schema::promotion_json(member));
}

raftpb::ConfChange remove_change(uint64_t id, uint64_t member) {
  return make(id, raftpb::ConfChangeRemoveNode, member);
}

raftpb::ConfChange update_change(uint64_t id, uint64_t member,
                                 const std::vector<std::string>& peer_urls) {
  return make(id, raftpb::ConfChangeUpdateNode, member,
              schema::member_json({.id = member, .peer_urls = peer_urls}));
}

std::vector<raftpb::ConfChange> bootstrap_changes(const std::vector<Member>& members) {
  std::vector<raftpb::ConfChange> changes;
  for (const Member& member : members) changes.push_back(add_change(0, member));
  std::sort(changes.begin(), changes.end(),
            [](const auto& a, const auto& b) { return a.node_id() < b.node_id(); });
  return changes;
}

Result<ParsedChange> parse_change(const raftpb::ConfChange& change) {
  using Kind = ParsedChange::Kind;
  if (change.type() == raftpb::ConfChangeRemoveNode) {
    return ParsedChange{Kind::kRemove, {.id = change.node_id()}};
  }
  Result<schema::ParsedMember> parsed = schema::parse_member(change.context());
  if (!parsed.ok()) return parsed.status();
  Member& member = parsed->member;
  if (member.id != change.node_id()) {
    return invalid_argument("a change of member " + schema::id_text(change.node_id()) +
                            " speaks of member " + schema::id_text(member.id));
  }
  if (change.type() == raftpb::ConfChangeUpdateNode) {
    return ParsedChange{Kind::kUpdate,
                        {.id = member.id, .peer_urls = std::move(member.peer_urls)}};
  }
  if (parsed->is_promote) return ParsedChange{Kind::kPromote, {.id = member.id}};
  // The type is what raft goes by, so membership does, too.
  member.is_learner = change.type() == raftpb::ConfChangeAddLearnerNode;
  return ParsedChange{Kind::kAdd, std::move(member)};
}

}  // namespace gatehouse::membership
