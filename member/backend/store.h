// Store: the file: opened and checked, changed by commits, one at a time.
//
// For one thread at a time; the states it hands out are for any thread.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "member/backend/backend.h"
#include "member/backend/freelist.h"
#include "member/backend/image.h"
#include "member/backend/tree_update.h"

namespace gatehouse::backend {

struct StoreOptions {
  size_t initial_map_bytes = size_t{10} << 30;
  bool persist_freelist = false;
  bool no_sync = false;
};

// The changes of one commit, by bucket, each sorted by key without duplicates.
using Batch = std::array<std::vector<Change>, kBucketCount>;

class Store {
 public:
  // Of a locked file with the format's bytes. Validates all of it.
  static Result<std::unique_ptr<Store>> open(std::unique_ptr<env::File> file,
                                             const StoreOptions& options);

  std::shared_ptr<const TreeState> state() const { return state_; }

  // Durable when OK; state() is then the new state. After an error the store must not be used for
  // commits any more; state() stays what it was. Buckets of the batch that do not exist are made.
  Status commit(const Batch& batch);

  // Makes the member's buckets that are not there. One commit, or none.
  Status make_buckets();

  // Of the last commit: without its total.
  const CommitTimes& last_times() const { return times_; }

  uint64_t free_pages() const { return freelist_.free_pages(); }
  uint64_t pending_pages() const { return freelist_.pending_pages(); }

 private:
  Store(Image image, const StoreOptions& options) : image_(std::move(image)), options_(options) {}

  void update_trees(const Batch& batch, TreeUpdate& update, Meta& meta);
  std::string update_freelist(TreeUpdate& update, Meta& meta);
  Status write(TreeUpdate& update, std::string freelist, const Meta& meta);
  Status grow(PageId high_water);
  Status sync();

  Image image_;
  const StoreOptions options_;
  Freelist freelist_;
  uint64_t file_bytes_ = 0;
  CommitTimes times_;
  std::shared_ptr<LiveStates> live_ = std::make_shared<LiveStates>();
  std::shared_ptr<const TreeState> state_;
};

// The four pages of a new file.
std::string new_file_bytes();

Status fill_new_file(env::File& file, bool no_sync);
// Makes the file whole under a temporary name, synced, and gives it its name. Nothing is done when
// another process is at it.
Status create_file(env::FileSystem& files, const std::string& path, bool no_sync);

// Maps at least `bytes` and what `initial` asks for.
Result<std::shared_ptr<env::Mapping>> map_file(const env::File& file, uint64_t bytes,
                                               size_t initial);

std::string directory_of(const std::string& path);

}  // namespace gatehouse::backend
