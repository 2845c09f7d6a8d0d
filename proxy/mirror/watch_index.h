// WatchIndex: which watchers want to know of a key. Those of one range share an Interest, so that a
// change of a key on which 10,000 watch costs one look-up, and one encoding for all that want the
// event in the same shape.
//
// Points are in a hash map; ranges in a treap ordered by (key, end) in which each node knows the
// greatest end below it: an interval tree, O(log n + hits).
//
// Thread: one. Nothing may be added or removed while for_each_match() or for_each_watcher() runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/mirror/tree.h"

namespace gatehouse::mirror {

// What of the events a watcher is told.
struct WatchShape {
  bool no_put = false;
  bool no_delete = false;
  bool prev_kv = false;

  bool drops(bool deleted) const { return deleted ? no_delete : no_put; }
  friend bool operator==(const WatchShape&, const WatchShape&) = default;
};

struct Interest;

// What the index knows of a watcher.
struct Indexed {
  std::string key;
  std::string end;
  WatchShape shape;
  Interest* interest = nullptr;  // while it is in an index
  size_t position = 0;           // among those of its shape

  KeyRange range() const { return {key, end}; }
};

// The watchers of one range.
struct Interest {
  struct Shaped {
    WatchShape shape;
    std::vector<Indexed*> watchers;
  };

  std::string key;
  std::string end;
  std::vector<Shaped> shapes;    // none empty
  std::vector<uint32_t> events;  // of the pass that runs; empty between passes

  // Of the treap.
  std::unique_ptr<Interest> left;
  std::unique_ptr<Interest> right;
  uint32_t priority = 0;
  const Interest* furthest = nullptr;  // with the greatest end, of this subtree

  KeyRange range() const { return {key, end}; }
};

class WatchIndex {
 public:
  // It is in no index.
  void add(Indexed& watcher);
  // It is in this one.
  void remove(Indexed& watcher);
  size_t size() const { return size_; }

  // visit(Interest&), once for each range that contains the key.
  template <typename Visit>
  void for_each_match(std::string_view key, Visit&& visit) {
    if (const auto found = points_.find(key); found != points_.end()) visit(*found->second);
    stab(root_.get(), key, visit);
  }

  // visit(Indexed&).
  template <typename Visit>
  void for_each_watcher(Visit&& visit) const {
    for (const auto& [key, interest] : points_) walk(*interest, visit);
    if (root_ != nullptr) walk(*root_, visit);
  }

 private:
  template <typename Visit>
  static void stab(Interest* node, std::string_view key, Visit& visit) {
    while (node != nullptr &&
           (node->furthest->range().open() || key < node->furthest->end)) {
      stab(node->left.get(), key, visit);
      if (key < node->key) return;
      if (node->range().contains(key)) visit(*node);
      node = node->right.get();
    }
  }

  template <typename Visit>
  static void walk(const Interest& interest, Visit& visit) {
    for (const Interest::Shaped& shaped : interest.shapes) {
      for (Indexed* watcher : shaped.watchers) visit(*watcher);
    }
    if (interest.left != nullptr) walk(*interest.left, visit);
    if (interest.right != nullptr) walk(*interest.right, visit);
  }

  Interest& find_or_add(const KeyRange& range);

  std::unordered_map<std::string_view, std::unique_ptr<Interest>> points_;  // keys: the interests'
  std::unique_ptr<Interest> root_;
  uint32_t random_ = 2463534242;
  size_t size_ = 0;
};

}  // namespace gatehouse::mirror
