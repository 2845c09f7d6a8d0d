// SHA-1 (FIPS 180-4). Broken for signatures; here it only spreads member and cluster ids, as etcd
// computes them. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gatehouse::codec {

std::array<uint8_t, 20> sha1(std::string_view bytes);

}  // namespace gatehouse::codec
