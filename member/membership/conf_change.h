// Changes of the membership as they travel in the log: raftpb.ConfChange with JSON in it. Every
// scalar is set, zero or not, as etcd up to 3.6 writes them (every version reads that).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "member/membership/members.h"
#include "proto/raft.pb.h"

namespace gatehouse::membership {

// `id` is the request's, by which the waiter is found. A learner if the member is one.
raftpb::ConfChange add_change(uint64_t id, const Member& member);
raftpb::ConfChange promote_change(uint64_t id, uint64_t member);
raftpb::ConfChange remove_change(uint64_t id, uint64_t member);
raftpb::ConfChange update_change(uint64_t id, uint64_t member,
                                 const std::vector<std::string>& peer_urls);

// The first entries of a new cluster: an addition for each initial member, by id (request id 0,
// names included).
std::vector<raftpb::ConfChange> bootstrap_changes(const std::vector<Member>& members);

struct ParsedChange {
  enum class Kind : uint8_t { kAdd, kPromote, kRemove, kUpdate } kind = Kind::kAdd;
  // kAdd: as it will be; kUpdate: id and peer URLs; else the id.
  Member member;
};
// InvalidArgument: a context that is no member's JSON, is of another member, or a type that is not
// known.
Result<ParsedChange> parse_change(const raftpb::ConfChange& change);

}  // namespace gatehouse::membership
