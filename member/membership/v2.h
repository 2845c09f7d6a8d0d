// The v2 store, as far as members of 3.4 to 3.6 still speak it: the tree of membership in a .snap
// file, and two requests in their logs. Foreign bytes: nothing here ends the process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "member/membership/members.h"

namespace gatehouse::membership {

// The data of a .snap file: the smallest tree that 3.4 to 3.6 accept. Membership must be that of the
// snapshot's index, `index`.
std::string v2_snapshot(const Members& members, uint64_t index);

// Membership and cluster version out of such a tree, written by any version. `downgrade` is not in
// it. InvalidArgument (with the offset or the path) when it is no JSON, or a member in it is
// unreadable or without peer URLs: one must not silently be missing.
Result<Members> parse_v2_snapshot(std::string_view json);

// What a bare v2 request in the log means today.
struct V2Put {
  enum class Kind : uint8_t {
    kPublish,  // of member `id`: name and client URLs
    kVersion,  // of the cluster
    kOther,    // SYNC and users' keys: nothing to do
  } kind = Kind::kOther;
  uint64_t request_id = 0;
  Member member;        // kPublish: id, name, client_urls
  std::string version;  // kVersion
};
// Nothing when the data of an entry is no v2 request (it is an InternalRaftRequest then). A publish
// or version that cannot be read is kOther.
std::optional<V2Put> parse_v2_request(std::string_view data);

}  // namespace gatehouse::membership
