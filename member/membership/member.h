// Member: one member of a cluster, as all members know it, and its forms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "member/raft/types.h"

namespace gatehouse::membership {

struct Member {
  uint64_t id = 0;
  std::vector<std::string> peer_urls;
  bool is_learner = false;
  // Of one that has told them; empty before it has started.
  std::string name;
  std::vector<std::string> client_urls;

  friend bool operator==(const Member&, const Member&) = default;
};

// Lower-case hexadecimal without zeros in front: ids in texts, logs and keys.
std::string id_text(uint64_t id);

// The first 8 bytes of the SHA-1 of the sorted URLs, the token, and `suffix`: nothing for the
// initial members, the unix time in seconds as text for one that is added.
uint64_t member_id(std::vector<std::string> peer_urls, std::string_view token,
                   std::string_view suffix = {});
// Of the initial members' ids.
uint64_t cluster_id(std::vector<uint64_t> member_ids);

// As Go writes it: {"id":1,"peerURLs":["http://a:2380"],"isLearner":true,"name":"a","clientURLs":[…]}
std::string to_json(const Member& member);
// Any bytes; kInvalidArgument when they are no member. `is_promote`, which the context of a
// membership change may have, is told where it is asked for.
Result<Member> from_json(std::string_view json, bool* is_promote = nullptr);

// {"voters":[1,2],"auto_leave":false}
std::string to_json(const raftpb::ConfState& state);

// A text as JSON, in quotes, with Go's escapes.
std::string json_text(std::string_view text);

// Peer and client URLs: http, https, unix or unixs, with host and port, without a path.
bool is_url(std::string_view url);

}  // namespace gatehouse::membership
