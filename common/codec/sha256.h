// SHA-256 (FIPS 180-4), fed in pieces: the end of a snapshot stream carries one over all of it.
// One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::codec {

class Sha256 {
 public:
  static constexpr size_t kDigestBytes = 32;
  using Digest = std::array<uint8_t, kDigestBytes>;

  void update(std::string_view bytes);
  // Of everything so far. Afterwards only destruction or assignment.
  Digest finish();

 private:
  static constexpr size_t kBlockBytes = 64;

  void mix(const char* block);

  std::array<uint32_t, 8> state_ = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                    0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
  std::array<char, kBlockBytes> pending_;  // size_ % kBlockBytes bytes of an unfinished block
  uint64_t size_ = 0;
};

inline Sha256::Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace gatehouse::codec
