// Metadata: the custom key-value pairs of a call. Keys are lower case; values of "-bin" keys are
// raw bytes here and base64 on the wire. Reserved names (":…", "grpc-…", "te", "content-type",
// "user-agent", …) never appear in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse::rpc {

using Metadata = std::vector<std::pair<std::string, std::string>>;

// The first value of the key, or nothing.
std::optional<std::string_view> find(const Metadata& metadata, std::string_view key);

}  // namespace gatehouse::rpc
