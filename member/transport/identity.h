// Who a member is to its peers, and the header fields in which members tell each other (formats
// 6.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/headers.h"
#include "member/raft/types.h"

namespace gatehouse::transport {

struct Identity {
  raft::NodeId id = raft::kNoNode;
  uint64_t cluster_id = 0;
  // "3.7.1". etcd ends its process when it cannot parse the version of a peer: checked on start.
  std::string server_version = "3.7.1";
  // The oldest cluster version this member can be part of.
  std::string min_cluster_version = "3.0.0";
  std::vector<std::string> peer_urls;  // its own, as advertised
};

// As etcd writes ids: lower-case hexadecimal without padding.
std::string to_hex(uint64_t id);
std::optional<uint64_t> parse_hex(std::string_view text);

// Major and minor of "3.7.1", "3.7.0-alpha.1+git"; nothing where the text is no version.
struct Version {
  uint32_t major = 0;
  uint32_t minor = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};
std::optional<Version> parse_version(std::string_view text);
// What a member that does not say its version counts as.
inline constexpr Version kUnstatedVersion{2, 0};

// What a request to another member carries: who asks, of which cluster.
http::Headers identify(const Identity& self);

// Why a request with these fields is refused with 412, or null: the text of the answer.
const char* incompatibility(const http::Headers& request, const Identity& self);

// The sender as the fields state it: where it may be answered although nobody has told us of it.
struct Sender {
  raft::NodeId id;
  std::vector<std::string> urls;
};
std::optional<Sender> sender_of(const http::Headers& request);

}  // namespace gatehouse::transport
