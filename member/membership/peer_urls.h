// Peer URLs as operators and clients write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::membership {

// A URL without white space around it, its scheme in lower case: http, https (host:port, no path),
// unix or unixs. InvalidArgument otherwise, in etcd's words: `URL must not contain a path: …`.
Result<std::string> parse_url(std::string_view text);

// All of them, sorted. An empty list: "no valid URLs given".
Result<std::vector<std::string>> parse_urls(const std::vector<std::string>& texts);

// The same for a client's request: any error is MemberBadURLs of etcd's catalogue.
Result<std::vector<std::string>> parse_requested_urls(const std::vector<std::string>& texts);

}  // namespace gatehouse::membership
