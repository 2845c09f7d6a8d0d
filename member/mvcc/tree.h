// Tree: reading the index below one root. Any thread, as long as the root is kept (epoch.h).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "member/mvcc/node.h"

namespace gatehouse::mvcc {

// Which keys a request is about (ReadTxn): one, all from one on, or those of [begin, end).
struct KeyRange {
  KeyRange(std::string_view key, std::string_view range_end)
      : begin(key),
        end(range_end),
        single(range_end.empty()),
        unbounded(range_end == std::string_view("\0", 1)) {}

  std::string_view begin;
  std::string_view end;
  bool single;
  bool unbounded;

  bool empty() const { return !single && !unbounded && end <= begin; }
};

class Tree {
 public:
  explicit Tree(const Node* root) : root_(root) {}

  // The key's newest version, a deletion, too. Null when the index does not know the key.
  const KeyVersion* find(std::string_view key) const;

  // Living keys now. O(log n).
  int64_t count(const KeyRange& range) const;
  int64_t rank(std::string_view key) const;  // living keys below

  // Tells the newest versions of a range's keys (no single one's) in order until `visit` returns
  // false.
  template <typename Visit>
  void walk(const KeyRange& range, const Visit& visit) const;
  // The same without those whose newest version is a deletion.
  template <typename Visit>
  void walk_living(const KeyRange& range, const Visit& visit) const;

 private:
  // The leaves of a range, each with the part of it that is in the range.
  template <typename Visit>
  void leaves(const KeyRange& range, const Visit& visit) const;

  const Node* root_;
};

template <typename Visit>
void Tree::leaves(const KeyRange& range, const Visit& visit) const {
  struct Step {
    const Inner* node;
    uint32_t index;
  };
  std::array<Step, kMaxDepth> path;
  size_t depth = 0;
  const Node* node = root_;
  while (!node->leaf) {
    const Inner* inner = as_inner(node);
    const uint32_t index = child_index(*inner, range.begin);
    path[depth++] = {inner, index};
    node = inner->children[index];
  }
  uint32_t from = lower_bound(*as_leaf(node), range.begin);
  while (true) {
    const Leaf& leaf = *as_leaf(node);
    uint32_t to = leaf.count;
    const bool last = !range.unbounded && to > 0 && leaf.key(to - 1) >= range.end;
    if (last) to = lower_bound(leaf, range.end);
    if (from < to && !visit(leaf, from, to)) return;
    if (last) return;
    from = 0;
    while (depth > 0 && path[depth - 1].index + 1 == path[depth - 1].node->count) --depth;
    if (depth == 0) return;
    node = path[depth - 1].node->children[++path[depth - 1].index];
    while (!node->leaf) {
      path[depth++] = {as_inner(node), 0};
      node = as_inner(node)->children[0];
    }
  }
}

template <typename Visit>
void Tree::walk(const KeyRange& range, const Visit& visit) const {
  if (range.empty()) return;
  leaves(range, [&](const Leaf& leaf, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; ++i) {
      if (i + 8 < to) __builtin_prefetch(leaf.newest[i + 8]);
      if (!visit(*leaf.newest[i])) return false;
    }
    return true;
  });
}

template <typename Visit>
void Tree::walk_living(const KeyRange& range, const Visit& visit) const {
  if (range.empty()) return;
  leaves(range, [&](const Leaf& leaf, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; ++i) {
      if (i + 8 < to) __builtin_prefetch(leaf.newest[i + 8]);
      if ((leaf.living >> i & 1) != 0 && !visit(*leaf.newest[i])) return false;
    }
    return true;
  });
}

}  // namespace gatehouse::mvcc
