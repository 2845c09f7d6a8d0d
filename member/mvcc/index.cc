#include "member/mvcc/index.h"

#include <algorithm>

#include "common/base/check.h"

namespace gatehouse::mvcc {
namespace {

const Bound* make_bound(std::string_view bytes) {
  void* memory = std::malloc(sizeof(Bound) + bytes.size());
  CHECK_MSG(memory != nullptr, "out of memory");
  auto* bound = new (memory) Bound{bytes.size()};
  std::memcpy(static_cast<void*>(bound + 1), bytes.data(), bytes.size());
  return bound;
}

// The shortest that is above `left` and not above `right`.
const Bound* bound_between(std::string_view left, std::string_view right) {
  return make_bound(right.substr(0, common_prefix(left, right) + 1));
}

// Sets skip and chunks by the node's keys, of which the first is at `first`.
template <typename AnyNode>
void refresh(AnyNode& node, uint32_t first) {
  node.skip = 0;
  if (node.count <= first) return;
  node.skip = static_cast<uint32_t>(common_prefix(node.key(first), node.key(node.count - 1)));
  for (uint32_t i = first; i < node.count; ++i) node.chunks[i] = chunk_of(node.key(i), node.skip);
}
void refresh(Leaf& leaf) { refresh(leaf, 0); }
void refresh(Inner& inner) { refresh(inner, 1); }

// After a key came to place i.
template <typename AnyNode>
void refresh_inserted(AnyNode& node, uint32_t first, uint32_t i) {
  if (i != first && i + 1 != node.count) {
    node.chunks[i] = chunk_of(node.key(i), node.skip);
    return;
  }
  if (common_prefix(node.key(first), node.key(node.count - 1)) == node.skip) {
    node.chunks[i] = chunk_of(node.key(i), node.skip);
  } else {
    refresh(node, first);
  }
}

template <typename T>
void open_gap(T* array, uint32_t i, uint32_t count) {
  std::memmove(array + i + 1, array + i, (count - i) * sizeof(T));
}
template <typename T>
void close_gap(T* array, uint32_t i, uint32_t count) {
  std::memmove(array + i, array + i + 1, (count - i - 1) * sizeof(T));
}

void place_key(Leaf& leaf, uint32_t i, const KeyVersion* version) {
  open_gap(leaf.chunks, i, leaf.count);
  open_gap(leaf.newest, i, leaf.count);
  const uint64_t low = leaf.living & bits_below(i);
  leaf.living = low | (leaf.living ^ low) << 1 | uint64_t{!version->deleted()} << i;
  leaf.newest[i] = version;
  ++leaf.count;
}

void place_child(Inner& inner, uint32_t i, Node* child, const Bound* bound) {
  open_gap(inner.chunks, i, inner.count);
  open_gap(inner.bounds, i, inner.count);
  open_gap(inner.children, i, inner.count);
  open_gap(inner.living, i, inner.count);
  inner.bounds[i] = bound;
  inner.children[i] = child;
  inner.living[i] = static_cast<uint32_t>(living_keys(child));
  ++inner.count;
}

// Moves the entries from `at` on behind those of `to`.
void move_entries(Leaf& from, uint32_t at, Leaf& to) {
  const uint32_t moved = from.count - at;
  std::copy_n(from.newest + at, moved, to.newest + to.count);
  if (moved > 0) to.living |= from.living >> at << to.count;
  from.living &= bits_below(at);
  to.count += moved;
  from.count = at;
}
void move_entries(Inner& from, uint32_t at, Inner& to) {
  const uint32_t moved = from.count - at;
  std::copy_n(from.bounds + at, moved, to.bounds + to.count);
  std::copy_n(from.children + at, moved, to.children + to.count);
  std::copy_n(from.living + at, moved, to.living + to.count);
  to.count += moved;
  from.count = at;
}

void collect_tree(const Node* node, Garbage& garbage) {
  if (node->leaf) {
    for (uint32_t i = 0; i < node->count; ++i) {
      for (const KeyVersion* v = as_leaf(node)->newest[i]; v != nullptr; v = v->older()) {
        garbage.push_back(v);
      }
    }
  } else {
    for (uint32_t i = 0; i < node->count; ++i) {
      if (i > 0) garbage.push_back(as_inner(node)->bounds[i]);
      collect_tree(as_inner(node)->children[i], garbage);
    }
  }
  garbage.push_back(node);
}

}  // namespace

Index::Index() : root_(make_node<Leaf>()) {}

Index::~Index() {
  collect_tree(root_, retired_);
  epoch_->end(std::move(retired_), nullptr);
  Epoch::release(epoch_);
}

template <typename AnyNode>
AnyNode* Index::make_node() {
  void* memory = std::malloc(sizeof(AnyNode));
  CHECK_MSG(memory != nullptr, "out of memory");
  auto* node = new (memory) AnyNode;
  node->generation = generation_;
  node->count = 0;
  node->skip = 0;
  if constexpr (std::is_same_v<AnyNode, Leaf>) {
    node->leaf = true;
    node->living = 0;
  } else {
    node->leaf = false;
    node->bounds[0] = nullptr;
    node->chunks[0] = 0;
  }
  return node;
}

template <typename AnyNode>
AnyNode* Index::own(Node*& slot) {
  auto* node = static_cast<AnyNode*>(slot);
  if (node->generation == generation_) return node;
  auto* copy = make_node<AnyNode>();
  std::memcpy(static_cast<void*>(copy), node, sizeof(AnyNode));
  copy->generation = generation_;
  retire(node);
  slot = copy;
  return copy;
}

Index::Path Index::own_path(std::string_view key) {
  Path path;
  Node** slot = &root_;
  while (!(*slot)->leaf) {
    Inner* inner = own<Inner>(*slot);
    const uint32_t index = child_index(*inner, key);
    CHECK(path.depth < kMaxDepth);
    path.steps[static_cast<size_t>(path.depth++)] = {inner, index};
    slot = &inner->children[index];
  }
  path.leaf = own<Leaf>(*slot);
  return path;
}

const KeyVersion& Index::put(std::string_view key, Revision at) {
  Path path = own_path(key);
  const uint32_t i = lower_bound(*path.leaf, key);
  const bool known = i < path.leaf->count && path.leaf->key(i) == key;
  const KeyVersion* before = known ? path.leaf->newest[i] : nullptr;
  const bool living = known && !before->deleted();
  const KeyVersion* version = KeyVersion::make(key, at, living ? before->created() : at.main,
                                               living ? before->version() + 1 : 1, before);
  if (known) {
    set_version(path, i, version);
  } else {
    update_counts(path, insert_key(*path.leaf, i, version));
  }
  return *version;
}

void Index::remove(std::string_view key, Revision at) {
  Path path = own_path(key);
  const uint32_t i = find_in(*path.leaf, key);
  CHECK(i < path.leaf->count && !path.leaf->newest[i]->deleted());
  set_version(path, i, KeyVersion::make(key, at, 0, 0, path.leaf->newest[i]));
}

void Index::set_version(Path& path, uint32_t i, const KeyVersion* version) {
  Leaf& leaf = *path.leaf;
  const uint64_t living = leaf.living;
  leaf.newest[i] = version;
  leaf.living = (living & ~(uint64_t{1} << i)) | uint64_t{!version->deleted()} << i;
  if (leaf.living != living) update_counts(path, {});
}

Index::Sibling Index::insert_key(Leaf& leaf, uint32_t i, const KeyVersion* version) {
  if (leaf.count < kWidth) {
    place_key(leaf, i, version);
    refresh_inserted(leaf, 0, i);
    return {};
  }
  // Keys that come in order leave full leaves behind.
  Leaf* right = make_node<Leaf>();
  const uint32_t at = i == kWidth ? kWidth : kWidth / 2;
  move_entries(leaf, at, *right);
  if (i <= at && at < kWidth) {
    place_key(leaf, i, version);
  } else {
    place_key(*right, i - at, version);
  }
  if (at < kWidth) refresh(leaf);
  refresh(*right);
  return {right, bound_between(leaf.key(leaf.count - 1), right->key(0))};
}

Index::Sibling Index::insert_child(Inner& inner, uint32_t i, Sibling child) {
  if (inner.count < kWidth) {
    place_child(inner, i, child.node, child.bound);
    refresh_inserted(inner, 1, i);
    return {};
  }
  Inner* right = make_node<Inner>();
  const uint32_t at = i == kWidth ? kWidth : kWidth / 2;
  move_entries(inner, at, *right);
  if (i <= at && at < kWidth) {
    place_child(inner, i, child.node, child.bound);
  } else {
    place_child(*right, i - at, child.node, child.bound);
  }
  const Bound* bound = right->bounds[0];
  right->bounds[0] = nullptr;
  refresh(inner);
  refresh(*right);
  return {right, bound};
}

void Index::update_counts(const Path& path, Sibling sibling) {
  Node* node = path.leaf;
  for (int level = path.depth - 1; level >= 0; --level) {
    const Step& step = path.steps[static_cast<size_t>(level)];
    step.node->living[step.index] = static_cast<uint32_t>(living_keys(node));
    if (sibling.node != nullptr) sibling = insert_child(*step.node, step.index + 1, sibling);
    node = step.node;
  }
  if (sibling.node == nullptr) return;
  Inner* root = make_node<Inner>();
  place_child(*root, 0, root_, nullptr);
  place_child(*root, 1, sibling.node, sibling.bound);
  refresh(*root);
  root_ = root;
}

void Index::compact_key(std::string_view key, int64_t revision) {
  const KeyVersion* newest = tree().find(key);
  const KeyVersion* kept = newest != nullptr ? newest->at(revision) : nullptr;
  if (kept == nullptr) return;
  const bool gone = kept->deleted() && kept->main() < revision;
  if (!gone && kept->older() == nullptr) return;

  Path path = own_path(key);
  const uint32_t i = find_in(*path.leaf, key);
  std::vector<const KeyVersion*> stay;
  for (const KeyVersion* v = newest; v != kept; v = v->older()) stay.push_back(v);
  if (!gone) stay.push_back(kept);
  const KeyVersion* copy = nullptr;
  for (auto v = stay.rbegin(); v != stay.rend(); ++v) {
    copy = KeyVersion::make(key, (*v)->modified(), (*v)->created(), (*v)->version(), copy);
  }
  for (const KeyVersion* v = newest; v != nullptr; v = v->older()) retire(v);
  if (copy != nullptr) {
    path.leaf->newest[i] = copy;
  } else {
    remove_key(path, i);
  }
}

void Index::remove_key(const Path& path, uint32_t i) {
  Leaf& leaf = *path.leaf;
  close_gap(leaf.chunks, i, leaf.count);
  close_gap(leaf.newest, i, leaf.count);
  const uint64_t low = leaf.living & bits_below(i);
  leaf.living = low | (leaf.living >> i >> 1 << i);
  --leaf.count;
  const Node* node = &leaf;
  for (int level = path.depth - 1; level >= 0; --level) {
    const Step& step = path.steps[static_cast<size_t>(level)];
    step.node->living[step.index] = static_cast<uint32_t>(living_keys(node));
    if (node->count < kWidth / 4) merge_child(*step.node, step.index);
    node = step.node;
  }
  while (!root_->leaf && root_->count == 1) {
    retire(root_);
    root_ = as_inner(root_)->children[0];
  }
}

// With a neighbour, when both fit into one with room to spare.
void Index::merge_child(Inner& inner, uint32_t i) {
  if (inner.count < 2) return;
  const uint32_t left = i + 1 < inner.count ? i : i - 1;
  const uint32_t right = left + 1;
  Node* gone = inner.children[right];
  const uint32_t together = inner.children[left]->count + gone->count;
  if (together > kWidth * 3 / 4 && inner.children[i]->count > 0) return;
  if (gone->leaf) {
    Leaf* to = own<Leaf>(inner.children[left]);
    move_entries(*own<Leaf>(gone), 0, *to);
    refresh(*to);
    retire(inner.bounds[right]);
  } else {
    Inner* to = own<Inner>(inner.children[left]);
    const uint32_t seam = to->count;
    move_entries(*own<Inner>(gone), 0, *to);
    to->bounds[seam] = inner.bounds[right];
    refresh(*to);
  }
  retire(gone);
  inner.living[left] += inner.living[right];
  close_gap(inner.chunks, right, inner.count);
  close_gap(inner.bounds, right, inner.count);
  close_gap(inner.children, right, inner.count);
  close_gap(inner.living, right, inner.count);
  --inner.count;
}

void Index::build(std::vector<const KeyVersion*> versions) {
  constexpr uint32_t kFill = kWidth - kWidth / 8;  // room for the keys to come
  if (versions.empty()) return;
  sort_by_key(versions);
  std::free(root_);
  std::vector<Sibling> nodes;
  Leaf* leaf = nullptr;
  for (size_t i = 0; i < versions.size();) {
    const KeyVersion* newest = versions[i];
    const std::string_view key = newest->key();
    for (++i; i < versions.size() && versions[i]->key() == key; ++i) {
      const KeyVersion* v = versions[i];
      newest = KeyVersion::make(key, v->modified(), v->created(), v->version(), newest);
      std::free(const_cast<KeyVersion*>(v));
    }
    if (leaf == nullptr || leaf->count == kFill) {
      Leaf* next = make_node<Leaf>();
      const bool first = leaf == nullptr;
      nodes.push_back({next, first ? nullptr : bound_between(leaf->key(leaf->count - 1), key)});
      leaf = next;
    }
    leaf->living |= uint64_t{!newest->deleted()} << leaf->count;
    leaf->newest[leaf->count++] = newest;
  }
  for (const Sibling& node : nodes) refresh(*as_leaf(node.node));
  while (nodes.size() > 1) {
    std::vector<Sibling> above;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (i % kFill == 0) above.push_back({make_node<Inner>(), nodes[i].bound});
      Inner& inner = *as_inner(above.back().node);
      place_child(inner, inner.count, nodes[i].node, inner.count > 0 ? nodes[i].bound : nullptr);
    }
    for (const Sibling& node : above) refresh(*as_inner(node.node));
    nodes = std::move(above);
  }
  root_ = nodes[0].node;
}

Index::Published Index::publish() {
  auto* next = new Epoch();
  epoch_->end(std::move(retired_), next);
  retired_ = Garbage();
  Epoch::release(epoch_);
  epoch_ = next;
  ++generation_;
  return {root_, epoch_};
}

}  // namespace gatehouse::mvcc
