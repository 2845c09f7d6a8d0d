#include "member/backend/page.h"

#include <cstdio>

namespace gatehouse::backend {
namespace {

constexpr uint32_t kMagic = 0xED0CDAED;
constexpr uint32_t kVersion = 2;
// No file gets there; one that says so would make the numbers wrap around.
constexpr TxId kMaxTxId = TxId{1} << 62;

// http://www.isthe.com/chongo/tech/comp/fnv/, 64 bits, variant 1a
uint64_t fnv1a(const char* bytes, size_t count) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < count; ++i) {
    hash ^= static_cast<uint8_t>(bytes[i]);
    hash *= 0x100000001b3;
  }
  return hash;
}

std::string hex(const char* what, uint64_t value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%s 0x%llx", what, static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

void encode_meta(const Meta& meta, char* to) {
  store<uint32_t>(to, kMagic);
  store<uint32_t>(to + 4, kVersion);
  store<uint32_t>(to + 8, meta.page_bytes);
  store<uint32_t>(to + 12, 0);
  store<uint64_t>(to + 16, meta.root);
  store<uint64_t>(to + 24, 0);
  store<uint64_t>(to + 32, meta.freelist);
  store<uint64_t>(to + 40, meta.high_water);
  store<uint64_t>(to + 48, meta.txid);
  store<uint64_t>(to + 56, fnv1a(to, 56));
}

std::optional<Meta> decode_meta(const char* from, std::string& why) {
  if (load<uint32_t>(from) != kMagic) {
    why = hex("magic", load<uint32_t>(from));
    return std::nullopt;
  }
  if (load<uint32_t>(from + 4) != kVersion) {
    why = "version " + std::to_string(load<uint32_t>(from + 4));
    return std::nullopt;
  }
  if (load<uint64_t>(from + 56) != fnv1a(from, 56)) {
    why = hex("checksum", load<uint64_t>(from + 56));
    return std::nullopt;
  }
  Meta meta;
  meta.page_bytes = load<uint32_t>(from + 8);
  meta.root = load<uint64_t>(from + 16);
  meta.freelist = load<uint64_t>(from + 32);
  meta.high_water = load<uint64_t>(from + 40);
  meta.txid = load<uint64_t>(from + 48);
  if (meta.page_bytes < kMinPageBytes || meta.page_bytes > kMaxPageBytes ||
      !std::has_single_bit(meta.page_bytes)) {
    why = "page size " + std::to_string(meta.page_bytes);
    return std::nullopt;
  }
  if (meta.root < 2 || meta.root >= meta.high_water) {
    why = "root page " + std::to_string(meta.root);
    return std::nullopt;
  }
  if (meta.freelist != kNoFreelist && (meta.freelist < 2 || meta.freelist >= meta.high_water)) {
    why = "freelist page " + std::to_string(meta.freelist);
    return std::nullopt;
  }
  if (meta.txid >= kMaxTxId) {
    why = "txid " + std::to_string(meta.txid);
    return std::nullopt;
  }
  return meta;
}

void write_header(char* to, PageId id, uint16_t flags, uint32_t count, uint32_t overflow) {
  store<uint64_t>(to, id);
  store<uint16_t>(to + 8, flags);
  store<uint16_t>(to + 10, static_cast<uint16_t>(count));
  store<uint32_t>(to + 12, overflow);
}

}  // namespace gatehouse::backend
