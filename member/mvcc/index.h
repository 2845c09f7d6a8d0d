// Index: which keys there are and which revisions each has. A B+tree of the keys' newest versions
// (node.h), from which the older ones are linked (key_version.h).
//
// Copy on write: nodes are of a generation, which publish() ends. A change works on nodes of the
// current one in place and copies those of earlier ones, which readers may be looking at; what is
// no longer in the tree is freed when the last of those readers is gone (epoch.h).
//
// For one thread, the writer; the snapshots that it publishes are for any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "member/mvcc/epoch.h"
#include "member/mvcc/tree.h"

namespace gatehouse::mvcc {

// Keeps a published tree.
class IndexSnapshot {
 public:
  IndexSnapshot(const Node* root, Epoch* epoch) : root_(root), epoch_(epoch) { epoch_->hold(); }
  ~IndexSnapshot() { Epoch::release(epoch_); }
  IndexSnapshot(const IndexSnapshot&) = delete;
  IndexSnapshot& operator=(const IndexSnapshot&) = delete;

  Tree tree() const { return Tree(root_); }
  const Node* root() const { return root_; }

 private:
  const Node* const root_;
  Epoch* const epoch_;
};

class Index {
 public:
  Index();
  // Snapshots stay as they are.
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  Tree tree() const { return Tree(root_); }

  // `at` is above all revisions there are. Returns the new version.
  const KeyVersion& put(std::string_view key, Revision at);
  // The key is living.
  void remove(std::string_view key, Revision at);

  // Forgets the key's versions that a compaction to `revision` takes away: those below the newest
  // that is not above it, and that one, too, when it is a deletion before it.
  void compact_key(std::string_view key, int64_t revision);

  // Fills an empty index with these versions, which it takes over: each without links, in the order
  // of revisions, of any keys.
  void build(std::vector<const KeyVersion*> versions);

  // Ends the generation.
  struct Published {
    const Node* root;
    Epoch* epoch;  // valid until the next publish()
  };
  Published publish();

 private:
  struct Step {
    Inner* node;
    uint32_t index;
  };
  struct Path {
    std::array<Step, kMaxDepth> steps;
    int depth = 0;
    Leaf* leaf = nullptr;
  };
  struct Sibling {  // a node that was split off
    Node* node = nullptr;
    const Bound* bound = nullptr;
  };

  template <typename AnyNode>
  AnyNode* make_node();
  template <typename AnyNode>
  AnyNode* own(Node*& slot);
  Path own_path(std::string_view key);
  void retire(const void* memory) { retired_.push_back(memory); }
  void set_version(Path& path, uint32_t i, const KeyVersion* version);
  Sibling insert_key(Leaf& leaf, uint32_t i, const KeyVersion* version);
  Sibling insert_child(Inner& inner, uint32_t i, Sibling child);
  void update_counts(const Path& path, Sibling sibling);
  void remove_key(const Path& path, uint32_t i);
  void merge_child(Inner& inner, uint32_t i);

  uint64_t generation_ = 1;
  Node* root_;
  Garbage retired_;  // since the last publish()
  Epoch* epoch_ = new Epoch();
};

// By key, and by revision where keys are equal.
void sort_by_key(std::vector<const KeyVersion*>& versions);

}  // namespace gatehouse::mvcc
