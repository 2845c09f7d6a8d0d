// Freelist: which pages may be written. Kept as maps, as bbolt's hashmap freelist: runs by length,
// by first and by last page, so that a run is found, cut and merged without a search.
//
//   pages   4 5 6 . . 9 .    by_start 4->3, 9->1    by_end 6->3, 9->1    by_length 1->{9}, 3->{4}
//
// Pages freed by a commit wait as pending until no state that uses them is read any more.
// For one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "member/backend/page.h"

namespace gatehouse::backend {

class Freelist {
 public:
  // The first page of a run of `count`: of exactly that length if there is one, else the front of
  // the shortest longer one. 0 when there is none.
  PageId allocate(uint64_t count);

  // Free from now on. Merges with its neighbours. They must not be free already (CHECK).
  void add(PageId first, uint64_t count);

  // Freed by commit `txid`: used by states below it.
  void add_pending(TxId txid, PageId first, uint64_t count);

  // Makes the pending pages free that no state from `oldest` on uses.
  void release(TxId oldest);

  uint64_t free_pages() const { return free_pages_; }
  uint64_t pending_pages() const { return pending_pages_; }

  // Free and pending, ascending: what a persisted freelist holds.
  std::vector<PageId> all() const;

 private:
  struct Run {
    uint64_t length = 0;
    size_t position = 0;  // in by_length_[length]
  };
  using Runs = std::unordered_map<PageId, Run>;

  void insert(PageId first, uint64_t length);
  void erase(Runs::iterator run);

  Runs by_start_;
  std::unordered_map<PageId, uint64_t> by_end_;  // last page -> length
  std::map<uint64_t, std::vector<PageId>> by_length_;
  std::map<TxId, std::vector<std::pair<PageId, uint64_t>>> pending_;
  uint64_t free_pages_ = 0;
  uint64_t pending_pages_ = 0;
};

// Pages of a run that holds this many ids.
uint64_t freelist_run_pages(uint64_t ids, size_t page_bytes);
// The run, whole pages.
std::string encode_freelist(PageId id, const std::vector<PageId>& pages, size_t page_bytes,
                            uint64_t run_pages);

}  // namespace gatehouse::backend
