// Membership changes: what a change makes of a configuration, and which are refused.
//
// Chapter 4 of the Raft dissertation. A simple change adds or removes one voter (and any learners):
// majorities before and after overlap. Anything else goes through a joint configuration (section
// 4.3, section 6 of the paper), entered by one entry and left by another.
#pragma once

#include <string>

#include "common/base/result.h"
#include "member/raft/tracker.h"
#include "member/raft/types.h"

namespace gatehouse::raft {

// A ConfChange as the ConfChangeV2 it stands for.
raftpb::ConfChangeV2 as_v2(const raftpb::ConfChange& change);

// The bytes etcd writes: every field that it always writes is present.
std::string encode(const raftpb::ConfChange& change);
std::string encode(const raftpb::ConfChangeV2& change);

// The change an entry carries; a kNormal entry is none. Errors: kInvalidArgument, bytes that are no
// such change.
Result<raftpb::ConfChangeV2> decode_conf_change(const Entry& entry);

// An empty change leaves the joint configuration.
bool leaves_joint(const raftpb::ConfChangeV2& change);
// More than one change, or an explicit wish, enters one.
bool enters_joint(const raftpb::ConfChangeV2& change);

// The configuration after the change. Errors, kFailedPrecondition: a joint configuration inside a
// joint one, leaving one that is not there, more than one voter changed at once without one, or no
// voter left. The answer depends on the arguments only, so all members decide alike.
Result<Configuration> apply_change(const Configuration& config, const raftpb::ConfChangeV2& change);

// What a snapshot says. Errors: kInvalidArgument, a state that no sequence of changes leads to.
Result<Configuration> from_conf_state(const raftpb::ConfState& state);

}  // namespace gatehouse::raft
