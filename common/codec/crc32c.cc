#include "common/codec/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

#include "common/codec/fixed.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace gatehouse::codec {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;
constexpr size_t kSlices = 8;

// kTables[0] advances the checksum by one byte; kTables[n] by that byte and n zero bytes after it.
constexpr std::array<std::array<uint32_t, 256>, kSlices> make_tables() {
  std::array<std::array<uint32_t, 256>, kSlices> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t slice = 1; slice < kSlices; ++slice) {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const uint32_t crc = tables[slice - 1][byte];
      tables[slice][byte] = crc >> 8 ^ tables[0][crc & 0xFF];
    }
  }
  return tables;
}

constexpr auto kTables = make_tables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_by_instruction(std::string_view bytes,
                                                                 uint32_t previous) {
  uint64_t crc = ~previous;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  uint32_t tail = static_cast<uint32_t>(crc);
  for (; left > 0; ++at, --left) tail = _mm_crc32_u8(tail, static_cast<uint8_t>(*at));
  return ~tail;
}
#endif

using Implementation = uint32_t (*)(std::string_view, uint32_t);

Implementation choose_implementation() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_by_instruction;
#endif
  return crc32c_by_table;
}

}  // namespace

uint32_t crc32c_by_table(std::string_view bytes, uint32_t previous) {
  uint32_t crc = ~previous;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    const uint64_t word = load_little_endian<uint64_t>(at) ^ crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][word >> (8 * i) & 0xFF];
  }
  for (; left > 0; ++at, --left) {
    crc = crc >> 8 ^ kTables[0][(crc ^ static_cast<uint8_t>(*at)) & 0xFF];
  }
  return ~crc;
}

uint32_t crc32c(std::string_view bytes, uint32_t previous) {
  static const Implementation implementation = choose_implementation();
  return implementation(bytes, previous);
}

}  // namespace gatehouse::codec
