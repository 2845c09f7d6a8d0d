// The nodes of the index's tree, and the search in one. Private to the room.
//
// A search compares 8 bytes of each key that lie in the node itself, `chunks`: those after what all
// keys of the node begin with (`skip` bytes). Keys are only looked at where chunks are equal.
//
// Nodes are plain memory: copied by memcpy, freed by free(). A node belongs to the generation that
// made it, and may be changed in place while that is not published (index.h).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "member/mvcc/key_version.h"

namespace gatehouse::mvcc {

inline constexpr uint32_t kWidth = 64;
inline constexpr int kMaxDepth = 16;  // of inner nodes

// 8 bytes of the key from `skip` on as a number that orders as they do; zeros behind its end.
inline uint64_t chunk_of(std::string_view key, size_t skip) {
  uint64_t chunk = 0;
  if (key.size() >= skip + 8) {
    std::memcpy(&chunk, key.data() + skip, 8);
  } else if (key.size() > skip) {
    std::memcpy(&chunk, key.data() + skip, key.size() - skip);
  }
  return __builtin_bswap64(chunk);
}

inline size_t common_prefix(std::string_view a, std::string_view b) {
  const size_t size = a.size() < b.size() ? a.size() : b.size();
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t x, y;
    std::memcpy(&x, a.data() + i, 8);
    std::memcpy(&y, b.data() + i, 8);
    if (x != y) return i + static_cast<size_t>(std::countr_zero(x ^ y)) / 8;
  }
  while (i < size && a[i] == b[i]) ++i;
  return i;
}

struct Node {
  uint64_t generation;
  uint32_t count;
  uint32_t skip;
  bool leaf;
};

// At least 8 bytes; its bytes follow. Freed by free().
struct Bound {
  uint64_t size;
  std::string_view view() const { return {reinterpret_cast<const char*>(this + 1), size}; }
};

struct Leaf : Node {
  uint64_t living;  // bit i: newest[i] is no deletion
  uint64_t chunks[kWidth];
  const KeyVersion* newest[kWidth];

  std::string_view key(uint32_t i) const { return newest[i]->key(); }
};

// Keys below bounds[1] are in children[0], those below bounds[i + 1] in children[i]. [0] is unused.
struct Inner : Node {
  uint64_t chunks[kWidth];
  const Bound* bounds[kWidth];
  Node* children[kWidth];
  uint32_t living[kWidth];  // keys in the child

  std::string_view key(uint32_t i) const { return bounds[i]->view(); }
};

inline const Leaf* as_leaf(const Node* node) { return static_cast<const Leaf*>(node); }
inline const Inner* as_inner(const Node* node) { return static_cast<const Inner*>(node); }
inline Leaf* as_leaf(Node* node) { return static_cast<Leaf*>(node); }
inline Inner* as_inner(Node* node) { return static_cast<Inner*>(node); }

inline uint64_t bits_below(uint32_t i) { return i >= 64 ? ~uint64_t{0} : (uint64_t{1} << i) - 1; }

inline int64_t living_keys(const Node* node) {
  if (node->leaf) return std::popcount(as_leaf(node)->living);
  int64_t sum = 0;
  for (uint32_t i = 0; i < node->count; ++i) sum += as_inner(node)->living[i];
  return sum;
}

// The first i in [first, count) whose chunk is not below.
template <typename AnyNode>
uint32_t first_chunk(const AnyNode& node, uint32_t first, uint64_t chunk) {
  const uint64_t* base = node.chunks + first;
  uint32_t left = node.count - first;
  while (left > 0) {
    const uint32_t half = left / 2;
    const bool below = base[half] < chunk;
    base = below ? base + half + 1 : base;
    left = below ? left - half - 1 : half;
  }
  return static_cast<uint32_t>(base - node.chunks);
}

// The first i in [first, count) whose key is not below (`above`: is above), of a key that begins as
// all keys of the node do.
template <typename AnyNode>
uint32_t search_chunks(const AnyNode& node, uint32_t first, std::string_view key, bool above) {
  const uint64_t chunk = chunk_of(key, node.skip);
  uint32_t low = first_chunk(node, first, chunk);
  if (low == node.count || node.chunks[low] != chunk) return low;
  uint32_t high = chunk == ~uint64_t{0} ? node.count : first_chunk(node, low, chunk + 1);
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const int order = node.key(middle).compare(key);
    if (order < 0 || (above && order == 0)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// As search_chunks, for any key.
template <typename AnyNode>
uint32_t search_keys(const AnyNode& node, uint32_t first, std::string_view key, bool above) {
  if (node.count <= first) return first;
  if (node.skip > 0) {
    const int order = key.substr(0, node.skip).compare(node.key(first).substr(0, node.skip));
    if (order != 0) return order < 0 ? first : node.count;
  }
  return search_chunks(node, first, key, above);
}

inline uint32_t child_index(const Inner& node, std::string_view key) {
  return search_keys(node, 1, key, true) - 1;
}
inline uint32_t lower_bound(const Leaf& leaf, std::string_view key) {
  return search_keys(leaf, 0, key, false);
}
// The entry with exactly this key; count when there is none.
inline uint32_t find_in(const Leaf& leaf, std::string_view key) {
  // A key that begins otherwise than the leaf's may end up anywhere, but equals none of them.
  const uint32_t i = search_chunks(leaf, 0, key, false);
  return i < leaf.count && leaf.key(i) == key ? i : leaf.count;
}

}  // namespace gatehouse::mvcc
