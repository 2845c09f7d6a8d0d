#include "member/mvcc/tree.h"

namespace gatehouse::mvcc {

const KeyVersion* Tree::find(std::string_view key) const {
  const Node* node = root_;
  while (!node->leaf) {
    const Inner* inner = as_inner(node);
    node = inner->children[child_index(*inner, key)];
  }
  const Leaf& leaf = *as_leaf(node);
  const uint32_t i = find_in(leaf, key);
  return i < leaf.count ? leaf.newest[i] : nullptr;
}

int64_t Tree::rank(std::string_view key) const {
  int64_t below = 0;
  const Node* node = root_;
  while (!node->leaf) {
    const Inner* inner = as_inner(node);
    const uint32_t index = child_index(*inner, key);
    for (uint32_t i = 0; i < index; ++i) below += inner->living[i];
    node = inner->children[index];
  }
  const Leaf& leaf = *as_leaf(node);
  return below + std::popcount(leaf.living & bits_below(lower_bound(leaf, key)));
}

int64_t Tree::count(const KeyRange& range) const {
  if (range.single) {
    const KeyVersion* newest = find(range.begin);
    return newest != nullptr && !newest->deleted() ? 1 : 0;
  }
  if (range.empty()) return 0;
  const int64_t below_end = range.unbounded ? living_keys(root_) : rank(range.end);
  return below_end - rank(range.begin);
}

}  // namespace gatehouse::mvcc
