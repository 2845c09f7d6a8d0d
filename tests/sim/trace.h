// Trace: what happened, as one number and, if wanted, as text. Two lives of one seed have the same
// number; where they do not, the texts tell where they part.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace gatehouse::sim {

// Of bytes, for fingerprints within one process: FNV-1a over words.
inline uint64_t fingerprint(uint64_t hash, uint64_t word) {
  hash ^= word;
  hash *= 0x100000001b3;
  return hash ^ (hash >> 29);
}
inline uint64_t fingerprint(uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fingerprint(hash, bytes.size());
}
inline constexpr uint64_t kFingerprintSeed = 0xcbf29ce484222325;

class Trace {
 public:
  explicit Trace(bool print) : print_(print) {}

  // `what` is a literal; the numbers are whatever identifies the event.
  void note(uint64_t now_us, std::string_view what, uint64_t who, uint64_t a = 0, uint64_t b = 0) {
    for (const uint64_t word : {now_us, who, a, b}) hash_ = fingerprint(hash_, word);
    hash_ = fingerprint(hash_, what);
    if (print_) {
      std::fprintf(stderr, "%10.3f ms  %llu  %.*s %llu %llu\n", static_cast<double>(now_us) / 1000,
                   static_cast<unsigned long long>(who), static_cast<int>(what.size()), what.data(),
                   static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
    }
  }
  uint64_t hash() const { return hash_; }

 private:
  const bool print_;
  uint64_t hash_ = kFingerprintSeed;
};

}  // namespace gatehouse::sim
