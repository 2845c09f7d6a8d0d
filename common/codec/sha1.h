// SHA-1 (RFC 3174): how etcd makes the ids of members and clusters. Not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gatehouse::codec {

using Sha1Digest = std::array<uint8_t, 20>;

Sha1Digest sha1(std::string_view bytes);

}  // namespace gatehouse::codec
