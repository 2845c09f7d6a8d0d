#include "proxy/mirror/tree.h"

#include <algorithm>

#include "common/base/check.h"

namespace gatehouse::mirror {

namespace {

using Node = Tree::Node;
constexpr size_t kFan = Tree::kFan;
// Two neighbours that fit together with room to spare become one when one of them gets this small.
constexpr size_t kFew = kFan / 4;

void acquire(Node* node) { node->references.fetch_add(1, std::memory_order_relaxed); }

void release(Node* node) {
  if (node == nullptr || node->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (node->leaf) {
    delete node;
    return;
  }
  auto* inner = static_cast<InnerNode*>(node);
  for (size_t i = 0; i < inner->used; ++i) release(inner->children[i]);
  delete inner;
}

InnerNode& inner_of(Node& node) { return static_cast<InnerNode&>(node); }

// `node`, or a copy in its place where others have it too.
Node* own(Node*& node) {
  if (node->references.load(std::memory_order_acquire) == 1) return node;
  Node* copy;
  if (node->leaf) {
    copy = new Node;
  } else {
    auto* inner = new InnerNode;
    for (size_t i = 0; i < node->used; ++i) {
      inner->children[i] = inner_of(*node).children[i];
      acquire(inner->children[i]);
    }
    copy = inner;
  }
  copy->leaf = node->leaf;
  copy->used = node->used;
  copy->keys = node->keys;
  for (size_t i = 0; i < node->used; ++i) copy->least[i] = node->least[i];
  release(node);
  return node = copy;
}

void open_slot(Node& node, size_t at) {
  for (size_t i = node.used; i > at; --i) {
    node.least[i] = std::move(node.least[i - 1]);
    if (!node.leaf) inner_of(node).children[i] = inner_of(node).children[i - 1];
  }
  ++node.used;
}

void close_slot(Node& node, size_t at) {
  for (size_t i = at; i + 1 < node.used; ++i) {
    node.least[i] = std::move(node.least[i + 1]);
    if (!node.leaf) inner_of(node).children[i] = inner_of(node).children[i + 1];
  }
  node.least[--node.used] = EntryRef();
}

// Moves the slots from `at` on to the end of `to`. Both are owned.
void move_slots(Node& from, size_t at, Node& to) {
  for (size_t i = at; i < from.used; ++i) {
    if (from.leaf) {
      to.keys += 1;
      from.keys -= 1;
    } else {
      Node* child = inner_of(from).children[i];
      inner_of(to).children[to.used] = child;
      to.keys += child->keys;
      from.keys -= child->keys;
    }
    to.least[to.used++] = std::move(from.least[i]);
  }
  from.used = static_cast<uint16_t>(at);
}

// The right part of a full node. At the right edge, where keys come in order, nearly all stays.
Node* split(Node& node, bool append) {
  Node* right = node.leaf ? new Node : new InnerNode;
  right->leaf = node.leaf;
  move_slots(node, append ? kFan - kFew : kFan / 2, *right);
  return right;
}

void add_child(Node& parent, size_t at, Node* child) {
  open_slot(parent, at);
  inner_of(parent).children[at] = child;
  parent.least[at] = child->least[0];
}

// Returns the part split off to the right, if any. `replaced` gets what was there.
Node* put_below(Node*& slot, EntryRef& entry, EntryRef& replaced) {
  Node* node = own(slot);
  if (node->leaf) {
    const size_t at = lower_slot(*node, entry->key());
    if (at < node->used && node->least[at]->key() == entry->key()) {
      replaced = std::move(node->least[at]);
      node->least[at] = std::move(entry);
      return nullptr;
    }
    Node* right = nullptr;
    Node* into = node;
    size_t position = at;
    if (node->used == kFan) {
      right = split(*node, at == kFan);
      if (at > node->used) {
        into = right;
        position = at - node->used;
      }
    }
    open_slot(*into, position);
    into->least[position] = std::move(entry);
    ++into->keys;
    return right;
  }

  InnerNode& inner = inner_of(*node);
  const size_t at = child_slot(*node, entry->key());
  const size_t before = inner.children[at]->keys;
  Node* added = put_below(inner.children[at], entry, replaced);
  node->least[at] = inner.children[at]->least[0];
  node->keys += inner.children[at]->keys - before;
  if (added == nullptr) return nullptr;
  node->keys += added->keys;
  if (node->used < kFan) {
    add_child(*node, at + 1, added);
    return nullptr;
  }
  node->keys -= added->keys;  // split() counts what is in the slots
  Node* right = split(*node, at + 1 == kFan);
  Node* into = at + 1 <= node->used ? node : right;
  add_child(*into, into == node ? at + 1 : at + 1 - node->used, added);
  into->keys += added->keys;
  return right;
}

// Joins child `at` with its right neighbour where both are small enough.
bool join(InnerNode& inner, size_t at) {
  if (at + 1 >= inner.used) return false;
  const size_t sum = size_t{inner.children[at]->used} + inner.children[at + 1]->used;
  if (sum > kFan - kFew) return false;
  Node* left = own(inner.children[at]);
  Node* right = own(inner.children[at + 1]);
  move_slots(*right, 0, *left);
  release(right);
  close_slot(inner, at + 1);
  return true;
}

// The key is there.
void erase_below(Node*& slot, std::string_view key, EntryRef& erased) {
  Node* node = own(slot);
  --node->keys;
  if (node->leaf) {
    const size_t at = lower_slot(*node, key);
    erased = std::move(node->least[at]);
    close_slot(*node, at);
    return;
  }
  InnerNode& inner = inner_of(*node);
  const size_t at = child_slot(*node, key);
  erase_below(inner.children[at], key, erased);
  Node* child = inner.children[at];
  if (child->used == 0) {
    release(child);
    close_slot(inner, at);
    return;
  }
  inner.least[at] = child->least[0];
  if (child->used > kFew) return;
  if (!join(inner, at) && at > 0) join(inner, at - 1);
}

}  // namespace

bool KeyRange::covers(const KeyRange& other) const {
  if (point()) return other.point() && other.key == key;
  if (other.point()) return contains(other.key);
  if (other.key < key) return false;
  if (open()) return true;
  return !other.open() && other.end <= end;
}

size_t lower_slot(const Tree::Node& node, std::string_view key) {
  size_t low = 0;
  size_t high = node.used;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (node.least[middle]->key() < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

size_t child_slot(const Tree::Node& node, std::string_view key) {
  const size_t at = lower_slot(node, key);
  if (at < node.used && node.least[at]->key() == key) return at;
  return at == 0 ? 0 : at - 1;
}

Tree::Tree(const Tree& other) : root_(other.root_) {
  if (root_ != nullptr) acquire(root_);
}

Tree::~Tree() { release(root_); }

size_t Tree::size() const { return root_ == nullptr ? 0 : root_->keys; }

const Entry* Tree::find(std::string_view key) const {
  const EntryRef* found = slot(key);
  return found == nullptr ? nullptr : found->get();
}

EntryRef Tree::get(std::string_view key) const {
  const EntryRef* found = slot(key);
  return found == nullptr ? EntryRef() : *found;
}

const EntryRef* Tree::slot(std::string_view key) const {
  const Node* node = root_;
  if (node == nullptr) return nullptr;
  while (!node->leaf) {
    node = static_cast<const InnerNode*>(node)->children[child_slot(*node, key)];
  }
  const size_t at = lower_slot(*node, key);
  if (at == node->used || node->least[at]->key() != key) return nullptr;
  return &node->least[at];
}

size_t Tree::rank(std::string_view key) const {
  size_t below = 0;
  const Node* node = root_;
  if (node == nullptr) return 0;
  while (!node->leaf) {
    const auto& inner = static_cast<const InnerNode&>(*node);
    const size_t at = child_slot(*node, key);
    for (size_t i = 0; i < at; ++i) below += inner.children[i]->keys;
    node = inner.children[at];
  }
  return below + lower_slot(*node, key);
}

size_t Tree::count(const KeyRange& range) const {
  if (range.point()) return find(range.key) != nullptr ? 1 : 0;
  if (!range.open() && range.end <= range.key) return 0;
  const size_t to = range.open() ? size() : rank(range.end);
  return to - rank(range.key);
}

EntryRef Tree::put(EntryRef entry) {
  EntryRef replaced;
  if (root_ == nullptr) root_ = new Node;
  Node* right = put_below(root_, entry, replaced);
  if (right == nullptr) return replaced;
  auto* top = new InnerNode;
  top->leaf = false;
  top->keys = root_->keys + right->keys;
  add_child(*top, 0, root_);
  add_child(*top, 1, right);
  root_ = top;
  return replaced;
}

EntryRef Tree::erase(std::string_view key) {
  EntryRef erased;
  if (find(key) == nullptr) return erased;
  erase_below(root_, key, erased);
  while (root_ != nullptr && !root_->leaf && root_->used == 1) {
    Node* only = inner_of(*root_).children[0];
    acquire(only);
    release(root_);
    root_ = only;
  }
  if (root_->used == 0) {
    release(root_);
    root_ = nullptr;
  }
  return erased;
}

size_t Tree::node_bytes(size_t keys) {
  // Leaves are two thirds full on average, and have an inner slot in 20 or so.
  return keys * (sizeof(Node) / (kFan * 2 / 3) + 2);
}

}  // namespace gatehouse::mirror
