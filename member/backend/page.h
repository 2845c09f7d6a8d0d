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

// The first i in [low, high) whose key, key_at(i), is above `wanted` (kAbove) or not below it.
//
// Keys that begin with a counter (revisions, leases) lie evenly, so where to look is guessed from
// the first eight bytes of the ends; keys that do not are halved as ever. Each look is a miss of
// the cache or two, which is what a search costs.
template <bool kAbove, typename KeyAt>
inline uint32_t search_keys(uint32_t low, uint32_t high, std::string_view wanted, KeyAt key_at) {
  constexpr uint32_t kFew = 4;
  const auto goes_right = [&](uint32_t i) {
    const int order = compare_keys(key_at(i), wanted);
    return kAbove ? order <= 0 : order < 0;
  };
  if (high - low > kFew && wanted.size() >= 8) {
    const std::string_view first = key_at(low);
    const std::string_view last = key_at(high - 1);
    if (first.size() >= 8 && last.size() >= 8) {
      const uint64_t a = __builtin_bswap64(load<uint64_t>(first.data()));
      const uint64_t b = __builtin_bswap64(load<uint64_t>(last.data()));
      const uint64_t w = __builtin_bswap64(load<uint64_t>(wanted.data()));
      if (a < w && w < b) {
        const uint32_t guess =
            low + static_cast<uint32_t>(static_cast<double>(w - a) / static_cast<double>(b - a) *
                                        (high - 1 - low));
        // Gallop from the guess to a short stretch that holds the answer.
        uint32_t step = 1;
        if (goes_right(guess)) {
          low = guess + 1;
          for (; low + step < high && goes_right(low + step - 1); step *= 2) low += step;
          high = low + step < high ? low + step : high;
        } else {
          high = guess;
          for (; low + step < high && !goes_right(high - step); step *= 2) high -= step;
          low = low + step < high ? high - step : low;
        }
      }
    }
  }
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (goes_right(middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

inline uint32_t PageView::lower_bound(std::string_view wanted) const {
  return search_keys<false>(0, count(), wanted, [this](uint32_t i) { return key(i); });
}

inline uint32_t PageView::child_index(std::string_view wanted) const {
  // The first separator does not matter.
  return search_keys<true>(1, count(), wanted, [this](uint32_t i) { return separator(i); }) - 1;
}

void write_header(char* to, PageId id, uint16_t flags, uint32_t count, uint32_t overflow);

}  // namespace gatehouse::backend
