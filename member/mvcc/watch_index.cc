#include "member/mvcc/watch_index.h"

#include <algorithm>

#include "common/base/check.h"

namespace gatehouse::mvcc {
namespace {

bool end_before(const KeyRange& a, const KeyRange& b) {
  if (a.open() || b.open()) return !a.open();
  return a.end < b.end;
}

// < 0, 0 or > 0, by key, then by end.
int compare(const KeyRange& a, const KeyRange& b) {
  if (const int by_key = a.key.compare(b.key); by_key != 0) return by_key;
  return a.end.compare(b.end);
}

// ---- the AVL tree

int height(const Interest* node) { return node == nullptr ? 0 : node->height; }

void update(Interest& node) {
  node.height = 1 + std::max(height(node.left), height(node.right));
  node.furthest = node.range.get();
  for (const Interest* child : {node.left, node.right}) {
    if (child != nullptr && end_before(*node.furthest, *child->furthest)) {
      node.furthest = child->furthest;
    }
  }
}

Interest* rotate_right(Interest* node) {
  Interest* top = node->left;
  node->left = top->right;
  top->right = node;
  update(*node);
  update(*top);
  return top;
}

Interest* rotate_left(Interest* node) {
  Interest* top = node->right;
  node->right = top->left;
  top->left = node;
  update(*node);
  update(*top);
  return top;
}

Interest* balance(Interest* node) {
  update(*node);
  const int lean = height(node->left) - height(node->right);
  if (lean > 1) {
    if (height(node->left->left) < height(node->left->right)) node->left = rotate_left(node->left);
    return rotate_right(node);
  }
  if (lean < -1) {
    if (height(node->right->right) < height(node->right->left)) {
      node->right = rotate_right(node->right);
    }
    return rotate_left(node);
  }
  return node;
}

Interest* insert(Interest* node, Interest* added) {
  if (node == nullptr) {
    update(*added);
    return added;
  }
  Interest*& side = compare(*added->range, *node->range) < 0 ? node->left : node->right;
  side = insert(side, added);
  return balance(node);
}

Interest* take_first(Interest* node, Interest*& first) {
  if (node->left == nullptr) {
    first = node;
    return node->right;
  }
  node->left = take_first(node->left, first);
  return balance(node);
}

// The node itself is left to the caller.
Interest* take_out(Interest* node, const Interest* gone) {
  CHECK(node != nullptr);
  if (node != gone) {
    Interest*& side = compare(*gone->range, *node->range) < 0 ? node->left : node->right;
    side = take_out(side, gone);
    return balance(node);
  }
  if (node->right == nullptr) return node->left;
  Interest* first = nullptr;
  Interest* rest = take_first(node->right, first);
  first->left = node->left;
  first->right = rest;
  return balance(first);
}

void destroy(Interest* node) {
  if (node == nullptr) return;
  destroy(node->left);
  destroy(node->right);
  delete node;
}

void collect(const Interest& interest, std::vector<Watcher*>& out) {
  for (const Interest::Shaped& shaped : interest.shapes) {
    out.insert(out.end(), shaped.watchers.begin(), shaped.watchers.end());
  }
}

void collect_tree(const Interest* node, std::vector<Watcher*>& out) {
  if (node == nullptr) return;
  collect_tree(node->left, out);
  collect(*node, out);
  collect_tree(node->right, out);
}

Interest::Shaped* find_shape(Interest& interest, const WatchShape& shape) {
  for (Interest::Shaped& shaped : interest.shapes) {
    if (shaped.shape == shape) return &shaped;
  }
  return nullptr;
}

}  // namespace

WatchIndex::~WatchIndex() { destroy(root_); }

Interest* WatchIndex::find_or_add(const std::shared_ptr<const KeyRange>& range) {
  if (range->point()) {
    if (const auto found = points_.find(range->key); found != points_.end()) {
      return found->second.get();
    }
  } else {
    Interest* node = root_;
    while (node != nullptr) {
      const int order = compare(*range, *node->range);
      if (order == 0) return node;
      node = order < 0 ? node->left : node->right;
    }
  }
  auto added = std::make_unique<Interest>();
  added->range = range;
  if (range->point()) {
    return points_.emplace(range->key, std::move(added)).first->second.get();
  }
  Interest* const node = added.release();
  root_ = insert(root_, node);
  return node;
}

void WatchIndex::erase(Interest* interest) {
  if (interest->range->point()) {
    // The map's key is a view into the range, which must outlive the entry.
    const std::shared_ptr<const KeyRange> range = interest->range;
    points_.erase(range->key);
    return;
  }
  root_ = take_out(root_, interest);
  delete interest;
}

void WatchIndex::add(Watcher& watcher) {
  CHECK(watcher.index == nullptr);
  Interest* const interest = find_or_add(watcher.range);
  Interest::Shaped* shaped = find_shape(*interest, watcher.shape);
  if (shaped == nullptr) {
    interest->shapes.push_back({watcher.shape, {}});
    shaped = &interest->shapes.back();
  }
  watcher.range = interest->range;  // one copy of the key for all
  watcher.index = this;
  watcher.interest = interest;
  watcher.position = static_cast<uint32_t>(shaped->watchers.size());
  shaped->watchers.push_back(&watcher);
  ++size_;
}

void WatchIndex::remove(Watcher& watcher) {
  CHECK(watcher.index == this);
  Interest* const interest = watcher.interest;
  Interest::Shaped* const shaped = find_shape(*interest, watcher.shape);
  CHECK(shaped != nullptr && shaped->watchers[watcher.position] == &watcher);
  Watcher* const last = shaped->watchers.back();
  shaped->watchers[watcher.position] = last;
  last->position = watcher.position;
  shaped->watchers.pop_back();
  if (shaped->watchers.empty()) {
    interest->shapes.erase(interest->shapes.begin() + (shaped - interest->shapes.data()));
    if (interest->shapes.empty()) erase(interest);
  }
  watcher.index = nullptr;
  watcher.interest = nullptr;
  --size_;
}

void WatchIndex::absorb(WatchIndex& other) {
  for (Watcher* watcher : other.all()) {
    other.remove(*watcher);
    add(*watcher);
  }
}

std::vector<Watcher*> WatchIndex::all() const {
  std::vector<Watcher*> watchers;
  watchers.reserve(size_);
  for (const auto& [key, interest] : points_) collect(*interest, watchers);
  collect_tree(root_, watchers);
  return watchers;
}

}  // namespace gatehouse::mvcc
