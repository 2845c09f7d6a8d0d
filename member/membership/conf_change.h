// Membership changes as the log carries them: a raftpb.ConfChange whose context is a member in JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "member/membership/member.h"

namespace gatehouse::membership {

// A member to be added at runtime, with an id of its own. kInvalidArgument: the URLs are none.
Result<Member> new_member(std::vector<std::string> peer_urls, bool is_learner);

raftpb::ConfChange add_change(const Member& member);
raftpb::ConfChange remove_change(uint64_t id);
raftpb::ConfChange promote_change(uint64_t id);
// kInvalidArgument: the URLs are none.
Result<raftpb::ConfChange> update_change(uint64_t id, std::vector<std::string> peer_urls);

}  // namespace gatehouse::membership
