// SHA-256 (FIPS 180-4), in pieces: what ends a snapshot stream, and a snapshot file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::codec {

class Sha256 {
 public:
  static constexpr size_t kDigestBytes = 32;

  void update(std::string_view bytes);
  // The digest of all that came; once, last.
  std::string finish();

 private:
  static constexpr size_t kBlockBytes = 64;

  void add_block(const char* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string rest_;  // less than a block
  uint64_t bytes_ = 0;
};

}  // namespace gatehouse::codec
