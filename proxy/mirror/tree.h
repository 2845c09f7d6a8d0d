// Tree: keys in order with the number of keys in each subtree, copied on write. Copying a Tree is
// taking one more reference to its root; a change then copies the nodes on its way down, about four,
// and shares the rest. So each revision in a mirror's history is a whole tree, at the price of those
// nodes, and a reader with a copy never waits and never sees a change.
//
// A B+ tree: entries in leaves of up to kFan, inner nodes with the least entry below each child.
// Nodes that nobody else holds are changed in place.
//
// Thread: one tree is changed by one thread at a time; copies may be read and destroyed on any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <utility>

#include "proxy/mirror/entry.h"

namespace gatehouse::mirror {

// `end` as in etcd's requests: "" is the one key, "\0" all from `key` on, else [key, end), which is
// empty when end <= key.
struct KeyRange {
  std::string_view key;
  std::string_view end;

  bool point() const { return end.empty(); }
  bool open() const { return end.size() == 1 && end[0] == '\0'; }
  bool contains(std::string_view k) const {
    return point() ? k == key : k >= key && (open() || k < end);
  }
  // Whether all of `other` lies within.
  bool covers(const KeyRange& other) const;
};

class Tree {
 public:
  static constexpr size_t kFan = 32;

  struct Node;

  Tree() = default;
  Tree(const Tree& other);
  Tree(Tree&& other) noexcept : root_(other.root_) { other.root_ = nullptr; }
  Tree& operator=(Tree other) noexcept {
    std::swap(root_, other.root_);
    return *this;
  }
  ~Tree();

  size_t size() const;

  // Null when absent. Valid while this tree, or a copy of it, is unchanged and alive; so are all
  // entries below.
  const Entry* find(std::string_view key) const;
  // The same, to be kept.
  EntryRef get(std::string_view key) const;

  size_t count(const KeyRange& range) const;

  // In the order of keys, until `visit` returns false.
  template <typename Visit>
  void visit(const KeyRange& range, Visit&& visitor) const;

  // Adds or replaces; returns what was there.
  EntryRef put(EntryRef entry);
  // Returns what was there; null when absent.
  EntryRef erase(std::string_view key);

  // What the nodes of a tree of so many keys take, about.
  static size_t node_bytes(size_t keys);

 private:
  const EntryRef* slot(std::string_view key) const;  // null when absent
  size_t rank(std::string_view key) const;           // keys below

  Node* root_ = nullptr;
};

// Laid out here for visit() only.
struct Tree::Node {
  mutable std::atomic<uint32_t> references{1};
  uint16_t used = 0;
  bool leaf = true;
  size_t keys = 0;       // in this subtree
  EntryRef least[kFan];  // of a leaf its entries, else the least entry below each child
};

struct InnerNode final : Tree::Node {
  Tree::Node* children[Tree::kFan];
};

// The first slot whose entry is not below `key`.
size_t lower_slot(const Tree::Node& node, std::string_view key);
// The child in which `key` is or would be.
size_t child_slot(const Tree::Node& node, std::string_view key);

template <typename Visit>
bool visit_below(const Tree::Node& node, const KeyRange& range, bool from_start, Visit& visitor) {
  if (node.leaf) {
    for (size_t i = from_start ? 0 : lower_slot(node, range.key); i < node.used; ++i) {
      const Entry& entry = *node.least[i];
      if (!range.open() && entry.key() >= range.end) return false;
      if (!visitor(entry)) return false;
    }
    return true;
  }
  const auto& inner = static_cast<const InnerNode&>(node);
  const size_t first = from_start ? 0 : child_slot(node, range.key);
  for (size_t i = first; i < node.used; ++i) {
    if (!visit_below(*inner.children[i], range, from_start || i > first, visitor)) return false;
  }
  return true;
}

template <typename Visit>
void Tree::visit(const KeyRange& range, Visit&& visitor) const {
  if (range.point()) {
    const Entry* entry = find(range.key);
    if (entry != nullptr) visitor(*entry);
    return;
  }
  if (root_ != nullptr) visit_below(*root_, range, false, visitor);
}

}  // namespace gatehouse::mirror
