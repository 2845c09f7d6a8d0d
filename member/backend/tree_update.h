// TreeUpdate: one commit's changes worked into the trees, copy on write.
//
// A page that changes is read into a Draft (its elements as views), changed there, merged with a
// neighbour if little is left of it, cut into pieces of page size and written to new pages; its
// parent changes with it, up to the root. Old pages are freed, never written.
//
//   apply(root) ──changes of its range──> apply(child) … merge(leaf, changes)
//        └──────── merge small drafts, cut, write pages <──────┘
//
// Nothing is written to the file here: dirty runs and freed pages are left for the store.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "member/backend/arena.h"
#include "member/backend/freelist.h"
#include "member/backend/image.h"

namespace gatehouse::backend {

inline constexpr double kFill = 0.5;
inline constexpr double kAppendFill = 0.9;  // for trees that grow at their end

struct Change {
  std::string_view key;
  std::string_view value;
  bool removed = false;
  uint32_t flags = 0;
};

// A run of new pages. The bytes are whole pages.
struct DirtyRun {
  PageId first;
  std::string_view bytes;
};

class TreeUpdate {
 public:
  // `high_water` rises when no free run fits. The image must stay until the dirty runs are written.
  TreeUpdate(const Image& image, Freelist& freelist, PageId& high_water)
      : image_(image), freelist_(freelist), high_water_(high_water) {}

  // Changes sorted by key, each key once. Their bytes must stay until the dirty runs are written.
  // Returns the value of the bucket for its parent: header, and the leaf when it is inline.
  std::string_view update_bucket(const BucketRoot& bucket, std::span<const Change> changes,
                                 double fill);
  // The tree of buckets; returns its new root page.
  PageId update_root(PageId root, std::span<const Change> changes);

  std::vector<DirtyRun>& dirty() { return dirty_; }
  const std::vector<std::pair<PageId, uint64_t>>& freed() const { return freed_; }
  PageId allocate(uint64_t pages);
  void free_run(PageId first, uint64_t pages) { freed_.emplace_back(first, pages); }

 private:
  struct Draft;
  // A child of a branch: a page, or a draft that will be pages.
  struct Slot {
    std::string_view key;
    PageId page = 0;
    std::unique_ptr<Draft> draft;
  };
  struct Pair {
    std::string_view key;
    std::string_view value;
    uint32_t flags;
  };
  struct Draft {
    bool leaf = true;
    bool shrunk = false;  // an element was removed
    std::vector<Pair> pairs;
    std::vector<Slot> slots;

    size_t count() const { return leaf ? pairs.size() : slots.size(); }
    size_t element_bytes(size_t i) const {
      return kElementBytes +
             (leaf ? pairs[i].key.size() + pairs[i].value.size() : slots[i].key.size());
    }
    size_t bytes() const;
  };

  std::unique_ptr<Draft> read(const PageView& page) const;
  std::unique_ptr<Draft> take(PageId page);  // reads it and frees it
  std::unique_ptr<Draft> apply(const PageView& page, std::span<const Change> changes);
  static void merge(const PageView& page, std::span<const Change> changes, Draft& draft);
  std::unique_ptr<Draft> updated_root(const PageView& root, std::span<const Change> changes);
  bool too_small(const Draft& draft) const;
  void merge_small_children(Draft& branch);
  void write_children(Draft& branch);
  // Cuts the draft, writes the pieces and appends a slot for each.
  void write(Draft& draft, std::vector<Slot>& slots);
  size_t piece_end(const Draft& draft, size_t begin, size_t bytes_left) const;
  PageId write_piece(const Draft& draft, size_t begin, size_t end);
  PageId write_root(std::unique_ptr<Draft> root);
  static void serialize(const Draft& draft, size_t begin, size_t end, char* to);

  const Image& image_;
  Freelist& freelist_;
  PageId& high_water_;
  double fill_ = kFill;
  Arena arena_;
  std::vector<DirtyRun> dirty_;
  std::vector<std::pair<PageId, uint64_t>> freed_;
};

}  // namespace gatehouse::backend
