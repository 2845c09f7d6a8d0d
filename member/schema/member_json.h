// JSON as etcd keeps it: rows of "members", "cluster" and "meta", contexts of configuration
// changes, what members tell each other of themselves.
//
//   {"id":18222915235768097354,"peerURLs":["http://127.0.0.1:2380"],"name":"m1",
//    "clientURLs":["http://127.0.0.1:2379"]}
//
// Written byte for byte as Go's encoding/json does: no spaces, <, > and & as \u003c …, what is not
// UTF-8 as \ufffd. Read as Go reads: names in any case, unknown ones skipped, null leaves the zero
// value, the last of two wins; any bytes may come (InvalidArgument names the offset). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace raftpb {
class ConfState;
}

namespace gatehouse::schema {

struct Member {
  uint64_t id = 0;
  std::vector<std::string> peer_urls;
  bool is_learner = false;
  std::string name;  // "" until it has published itself: not started
  std::vector<std::string> client_urls;

  bool started() const { return !name.empty(); }
  friend bool operator==(const Member&, const Member&) = default;
};

// "fce4ccdb9802da4a": lower-case hex without padding, as ids are written everywhere.
std::string id_text(uint64_t id);
// Go's ParseUint(text, 16, 64); nothing when it is none.
std::optional<uint64_t> parse_id(std::string_view text);

void append_json_string(std::string& out, std::string_view text);

// Without peer URLs: "peerURLs":null.
std::string member_json(const Member& member);
// As the context of a promotion: {"id":N,"peerURLs":null,"isPromote":true}.
std::string promotion_json(uint64_t id);
// {"id":N,"peerURLs":[…]}, … of the v2 store.
std::string raft_attributes_json(const Member& member);
std::string attributes_json(const Member& member);

struct ParsedMember {
  Member member;
  bool is_promote = false;
};
// Any of the objects above; what is missing stays as it is in Member.
Result<ParsedMember> parse_member(std::string_view json);

// The array of them that members answer /members with.
Result<std::vector<Member>> parse_members(std::string_view json);

struct Downgrade {
  bool enabled = false;
  std::string target;  // "3.6.0"; "" when not enabled

  friend bool operator==(const Downgrade&, const Downgrade&) = default;
};
std::string downgrade_json(const Downgrade& downgrade);
Result<Downgrade> parse_downgrade(std::string_view json);

std::string conf_state_json(const raftpb::ConfState& state);

}  // namespace gatehouse::schema
