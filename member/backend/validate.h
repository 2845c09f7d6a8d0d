// Everything that must hold of a file before it is trusted: tx.Check's rules of bbolt (every page
// reachable or free and not both, none reached twice, headers, flags, order of keys), and the
// bounds of every element, so that readers need not look again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "member/backend/image.h"

namespace gatehouse::backend {

// Collects what is wrong.
class Problems {
 public:
  explicit Problems(std::string path, size_t limit = 1) : path_(std::move(path)), limit_(limit) {}

  // "<path>: page <id> at offset <n>: <what>".
  void add(PageId page, size_t page_bytes, const std::string& what);
  void add(const std::string& what);
  // No more is wanted.
  bool full() const { return found_.size() >= limit_; }
  bool empty() const { return found_.empty(); }
  const std::vector<std::string>& found() const { return found_; }
  Status first() const;  // DataLoss, or OK

 private:
  const std::string path_;
  const size_t limit_;
  std::vector<std::string> found_;
};

// Reads both meta pages; the valid one with the higher txid. DataLoss when there is none or the
// file is shorter than it says. Sets `page_bytes` of the meta.
Result<Meta> read_meta(const env::File& file);

enum class Rules : uint8_t {
  // All that the format asks; a page that is neither in use nor in the persisted freelist is wrong.
  kFormat,
  // What a member can work with: such pages do no harm, but no bucket may hold a bucket, as reads
  // would not know what to say of it.
  kMember,
};

// Walks all buckets and the freelist. `reached` gets one flag for each page below the high-water
// mark: used by the tree, by the meta pages or by the freelist run. The image's mapping covers the
// file, whose size read_meta() has checked.
void validate(const Image& image, const Meta& meta, Rules rules, std::vector<bool>& reached,
              Problems& problems);

// Everything that is wrong with the file at `path`, at most `limit` lines; empty: nothing. A Status
// when it cannot be read at all. Takes no lock: nobody may be writing.
Result<std::vector<std::string>> check_file(env::FileSystem& files, const std::string& path,
                                            size_t limit = 1000);

}  // namespace gatehouse::backend
