#include "proxy/mirror/watch_index.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace gatehouse::mirror {

namespace {

using Node = std::unique_ptr<Interest>;

int compare(const KeyRange& a, const KeyRange& b) {
  if (const int by_key = a.key.compare(b.key); by_key != 0) return by_key;
  return a.end.compare(b.end);
}

bool ends_before(const Interest& a, const Interest& b) {
  if (a.range().open() || b.range().open()) return !a.range().open();
  return a.end < b.end;
}

void update(Interest& node) {
  node.furthest = &node;
  for (const Node* child : {&node.left, &node.right}) {
    if (*child != nullptr && ends_before(*node.furthest, *(*child)->furthest)) {
      node.furthest = (*child)->furthest;
    }
  }
}

// Into those below `range` and the others.
void split(Node node, const KeyRange& range, Node& below, Node& rest) {
  if (node == nullptr) {
    below = nullptr;
    rest = nullptr;
    return;
  }
  if (compare(node->range(), range) < 0) {
    split(std::move(node->right), range, node->right, rest);
    update(*node);
    below = std::move(node);
  } else {
    split(std::move(node->left), range, below, node->left);
    update(*node);
    rest = std::move(node);
  }
}

Node merge(Node a, Node b) {
  if (a == nullptr) return b;
  if (b == nullptr) return a;
  Node& top = a->priority > b->priority ? a : b;
  if (&top == &a) {
    a->right = merge(std::move(a->right), std::move(b));
  } else {
    b->left = merge(std::move(a), std::move(b->left));
  }
  update(*top);
  return std::move(top);
}

Node take_out(Node node, const Interest& gone) {
  CHECK(node != nullptr);
  if (node.get() == &gone) return merge(std::move(node->left), std::move(node->right));
  Node& side = compare(gone.range(), node->range()) < 0 ? node->left : node->right;
  side = take_out(std::move(side), gone);
  update(*node);
  return node;
}

Interest* find(Interest* node, const KeyRange& range) {
  while (node != nullptr) {
    const int order = compare(range, node->range());
    if (order == 0) return node;
    node = order < 0 ? node->left.get() : node->right.get();
  }
  return nullptr;
}

}  // namespace

Interest& WatchIndex::find_or_add(const KeyRange& range) {
  if (range.point()) {
    if (const auto found = points_.find(range.key); found != points_.end()) return *found->second;
  } else if (Interest* found = find(root_.get(), range)) {
    return *found;
  }
  auto made = std::make_unique<Interest>();
  made->key.assign(range.key);
  made->end.assign(range.end);
  Interest& interest = *made;
  if (range.point()) {
    points_.emplace(interest.key, std::move(made));
    return interest;
  }
  random_ ^= random_ << 13;  // xorshift
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  interest.priority = random_;
  update(interest);
  Node below;
  Node rest;
  split(std::move(root_), range, below, rest);
  root_ = merge(merge(std::move(below), std::move(made)), std::move(rest));
  return interest;
}

void WatchIndex::add(Indexed& watcher) {
  CHECK(watcher.interest == nullptr);
  Interest& interest = find_or_add(watcher.range());
  auto shaped = std::find_if(interest.shapes.begin(), interest.shapes.end(),
                             [&](const auto& s) { return s.shape == watcher.shape; });
  if (shaped == interest.shapes.end()) {
    interest.shapes.push_back({watcher.shape, {}});
    shaped = std::prev(interest.shapes.end());
  }
  watcher.interest = &interest;
  watcher.position = shaped->watchers.size();
  shaped->watchers.push_back(&watcher);
  ++size_;
}

void WatchIndex::remove(Indexed& watcher) {
  Interest& interest = *std::exchange(watcher.interest, nullptr);
  const auto shaped = std::find_if(interest.shapes.begin(), interest.shapes.end(),
                                   [&](const auto& s) { return s.shape == watcher.shape; });
  std::vector<Indexed*>& watchers = shaped->watchers;
  CHECK(watchers[watcher.position] == &watcher);
  watchers[watcher.position] = watchers.back();
  watchers[watcher.position]->position = watcher.position;
  watchers.pop_back();
  --size_;
  if (!watchers.empty()) return;
  interest.shapes.erase(shaped);
  if (!interest.shapes.empty()) return;
  if (interest.range().point()) {
    points_.erase(points_.find(interest.key));
  } else {
    root_ = take_out(std::move(root_), interest);
  }
}

}  // namespace gatehouse::mirror
