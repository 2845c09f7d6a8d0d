// CRC-32C (Castagnoli), RFC 3720 appendix B.4: reflected polynomial 0x82F63B78, initial value and
// final exclusive-or all ones. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::codec {

// `previous` is the checksum of what came before: crc32c(b, crc32c(a)) == crc32c(a + b). The
// checksum of nothing is 0. Uses the processor's crc32 instruction where it has one.
uint32_t crc32c(std::string_view bytes, uint32_t previous = 0);

// The same by tables alone (slicing by eight), for processors without the instruction.
uint32_t crc32c_by_table(std::string_view bytes, uint32_t previous = 0);

}  // namespace gatehouse::codec
