// WatchIndex: which watchers want to know of a key. Watchers of one and the same range share an
// Interest, so that a change of a key on which 10,000 watch costs one look-up, and one encoding of
// the event for all that want it in the same shape.
//
// Points are in a hash map; ranges in an AVL tree ordered by (key, end) in which each node knows the
// greatest end below it (an interval tree, Cormen et al. 14.3): O(log n + hits).
//
// Thread: one. Nothing may be added or removed while for_each_match() or for_each_watcher() runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gatehouse::mvcc {

class WatchIndex;
class WatchStream;
struct Interest;

// As in etcd's requests: an end of "" is the one key, of one zero byte all from `key` on.
struct KeyRange {
  std::string key;
  std::string end;

  bool point() const { return end.empty(); }
  bool open() const { return end.size() == 1 && end[0] == '\0'; }
  bool contains(std::string_view k) const {
    return point() ? k == key : k >= key && (open() || k < end);
  }
};

// The shape in which watchers are told of events; those of one shape share encoded bytes.
struct WatchShape {
  bool no_put = false;
  bool no_delete = false;
  bool prev_kv = false;

  bool drops(bool deleted) const { return deleted ? no_delete : no_put; }
  friend bool operator==(const WatchShape&, const WatchShape&) = default;
};

struct Watcher {
  WatchStream* stream = nullptr;
  int64_t id = 0;
  int64_t start = 0;  // start_revision as asked for; 0: from now on
  // Sees no event below. Where the index it is in has got further, that counts.
  int64_t next = 0;
  std::shared_ptr<const KeyRange> range;
  WatchShape shape;
  bool fragment = false;
  bool progress_notify = false;
  bool told = false;  // got events since the last tick of the progress timer

  // Where it is: in an index, or with its stream until the client takes more.
  WatchIndex* index = nullptr;
  Interest* interest = nullptr;
  uint32_t position = 0;  // in its shape's list
  std::list<Watcher*>::iterator parked;  // while index == nullptr
};

// The watchers of one range.
struct Interest {
  struct Shaped {
    WatchShape shape;
    std::vector<Watcher*> watchers;
  };

  std::shared_ptr<const KeyRange> range;
  std::vector<Shaped> shapes;    // none empty
  std::vector<uint32_t> events;  // of the pass that runs; empty between passes

  // Of the interval tree.
  Interest* left = nullptr;
  Interest* right = nullptr;
  int height = 1;
  const KeyRange* furthest = nullptr;  // with the greatest end, of this subtree
};

class WatchIndex {
 public:
  WatchIndex() = default;
  ~WatchIndex();
  WatchIndex(const WatchIndex&) = delete;
  WatchIndex& operator=(const WatchIndex&) = delete;

  // The watcher is in no index.
  void add(Watcher& watcher);
  // It is in this one.
  void remove(Watcher& watcher);
  // Moves all watchers of the other here.
  void absorb(WatchIndex& other);

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // visit(Interest&), once for each range that contains the key.
  template <typename Visit>
  void for_each_match(std::string_view key, Visit&& visit) {
    if (!points_.empty()) {
      if (const auto found = points_.find(key); found != points_.end()) visit(*found->second);
    }
    stab(root_, key, visit);
  }

  std::vector<Watcher*> all() const;

 private:
  template <typename Visit>
  static void stab(Interest* node, std::string_view key, Visit& visit) {
    while (node != nullptr && (node->furthest->open() || key < node->furthest->end)) {
      stab(node->left, key, visit);
      if (key < node->range->key) return;
      if (node->range->contains(key)) visit(*node);
      node = node->right;
    }
  }

  Interest* find_or_add(const std::shared_ptr<const KeyRange>& range);
  void erase(Interest* interest);

  std::unordered_map<std::string_view, std::unique_ptr<Interest>> points_;  // keys: of the ranges
  Interest* root_ = nullptr;
  size_t size_ = 0;
};

}  // namespace gatehouse::mvcc
