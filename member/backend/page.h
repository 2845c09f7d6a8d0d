// Pages of the file as bytes: meta, header, elements (format.md). Nothing here allocates; views
// point into what they were made of.
//
// The accessors trust the page: validate.h has looked at it before.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::backend {

static_assert(std::endian::native == std::endian::little, "pages are read in place");

using PageId = uint64_t;
using TxId = uint64_t;

inline constexpr size_t kDefaultPageBytes = 4096;
inline constexpr size_t kMinPageBytes = 1024;
// Of machines: 64 KiB. With more than 1 MiB the elements of a page could outgrow its 16-bit count.
inline constexpr size_t kMaxPageBytes = size_t{1} << 20;
inline constexpr size_t kHeaderBytes = 16;
inline constexpr size_t kElementBytes = 16;
inline constexpr size_t kBucketBytes = 16;
inline constexpr size_t kMetaBytes = 64;
inline constexpr size_t kMaxKeyBytes = 32768;
inline constexpr PageId kNoFreelist = ~PageId{0};

inline constexpr uint16_t kBranchPage = 0x01;
inline constexpr uint16_t kLeafPage = 0x02;
inline constexpr uint16_t kMetaPage = 0x04;
inline constexpr uint16_t kFreelistPage = 0x10;
inline constexpr uint32_t kPairIsBucket = 0x01;

template <typename T>
inline T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <typename T>
inline void store(char* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

// The order of keys: bytes, as unsigned. <0, 0, >0.
inline int compare_keys(std::string_view a, std::string_view b) {
  if (a.size() >= 8 && b.size() >= 8) {
    const uint64_t x = __builtin_bswap64(load<uint64_t>(a.data()));
    const uint64_t y = __builtin_bswap64(load<uint64_t>(b.data()));
    if (x != y) return x < y ? -1 : 1;
  }
  return a.compare(b);
}

struct Meta {
  uint32_t page_bytes = kDefaultPageBytes;
  PageId root = 0;
  PageId freelist = kNoFreelist;
  PageId high_water = 0;  // the first page that was never used
  TxId txid = 0;

  friend bool operator==(const Meta&, const Meta&) = default;
};

// Magic, version, flags and checksum included.
void encode_meta(const Meta& meta, char* to);
// `from`: kMetaBytes after a page header. On failure `why` says what is wrong: "magic 0x12".
std::optional<Meta> decode_meta(const char* from, std::string& why);

class PageView {
 public:
  PageView() = default;
  explicit PageView(const char* base) : base_(base) {}

  PageId id() const { return load<uint64_t>(base_); }
  uint16_t flags() const { return load<uint16_t>(base_ + 8); }
  uint32_t count() const { return load<uint16_t>(base_ + 10); }
  uint32_t overflow() const { return load<uint32_t>(base_ + 12); }
  bool is_leaf() const { return (flags() & kLeafPage) != 0; }
  const char* base() const { return base_; }

  // Of a leaf.
  uint32_t pair_flags(uint32_t i) const { return load<uint32_t>(element(i)); }
  std::string_view key(uint32_t i) const {
    const char* e = element(i);
    return {e + load<uint32_t>(e + 4), load<uint32_t>(e + 8)};
  }
  std::string_view value(uint32_t i) const {
    const char* e = element(i);
    return {e + load<uint32_t>(e + 4) + load<uint32_t>(e + 8), load<uint32_t>(e + 12)};
  }

  // Of a branch.
  std::string_view separator(uint32_t i) const {
    const char* e = element(i);
    return {e + load<uint32_t>(e), load<uint32_t>(e + 4)};
  }
  PageId child(uint32_t i) const { return load<uint64_t>(element(i) + 8); }

  // The first pair whose key is not below.
  uint32_t lower_bound(std::string_view key) const;
  // The child that holds the key, if any does. The branch has at least one.
  uint32_t child_index(std::string_view key) const;

  const char* element(uint32_t i) const { return base_ + kHeaderBytes + size_t{kElementBytes} * i; }

 private:
  const char* base_ = nullptr;
};

inline uint32_t PageView::lower_bound(std::string_view wanted) const {
  uint32_t low = 0;
  uint32_t high = count();
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (compare_keys(key(middle), wanted) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

inline uint32_t PageView::child_index(std::string_view wanted) const {
  uint32_t low = 1;  // the first separator does not matter
  uint32_t high = count();
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (compare_keys(separator(middle), wanted) <= 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

void write_header(char* to, PageId id, uint16_t flags, uint32_t count, uint32_t overflow);

}  // namespace gatehouse::backend
