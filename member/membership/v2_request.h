// Requests of the v2 store in the logs of etcd 3.5 and before: bare messages, of which members used
// two on their own accord.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::membership {

struct V2Put {
  std::string_view path;   // "/0/members/<id>/attributes", "/0/version"
  std::string_view value;
};

// Views into the bytes. Nothing for what is no PUT.
std::optional<V2Put> parse_v2_put(std::string_view bytes);

}  // namespace gatehouse::membership
