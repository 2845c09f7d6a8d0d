// Members: who is in the cluster, at one moment. Plain data; as a `const Members` it may be read by
// any number of threads.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "member/schema/member_json.h"
#include "proto/raft.pb.h"

namespace gatehouse::membership {

using schema::Downgrade;
using schema::Member;

struct Members {
  std::map<uint64_t, Member> by_id;
  std::set<uint64_t> removed;  // these ids never come back
  std::string version;         // of the cluster, "3.7.0"; "" until it is decided
  Downgrade downgrade;

  // Null when there is none.
  const Member* find(uint64_t id) const {
    const auto at = by_id.find(id);
    return at == by_id.end() ? nullptr : &at->second;
  }
  size_t learners() const;
  size_t voters() const { return by_id.size() - learners(); }

  // Voters and learners, by id.
  raftpb::ConfState conf_state() const;

  friend bool operator==(const Members&, const Members&) = default;
};

}  // namespace gatehouse::membership
