// StoreView: the View of a published state. Private to the room.
#pragma once

#include <memory>
#include <vector>

#include "member/mvcc/index.h"
#include "member/mvcc/reading.h"
#include "member/mvcc/store.h"

namespace gatehouse::mvcc {

class StoreView final : public View {
 public:
  StoreView(Index::Published index, int64_t revision, int64_t compacted,
            std::unique_ptr<backend::Reader> rows)
      : index_(index.root, index.epoch),
        revision_(revision),
        compacted_(compacted),
        rows_(std::move(rows)) {}

  int64_t revision() const override { return revision_; }
  int64_t compacted() const override { return compacted_; }
  int64_t count(std::string_view key, std::string_view end, int64_t at) const override {
    return count_keys(tree(), KeyRange(key, end), moment_of(at, revision_));
  }
  void items(std::string_view key, std::string_view end, int64_t at, int64_t limit,
             std::vector<Item>& out) const override {
    list_keys(tree(), KeyRange(key, end), moment_of(at, revision_), limit, out);
  }
  std::string_view record(Revision put) const override {
    std::string_view record;
    CHECK_MSG(rows_->get(backend::Bucket::kKey, schema::RevisionKey(put), record),
              "a revision of the index has no row");
    return record;
  }
  void history(int64_t first, int64_t last,
               const std::function<bool(const Row&)>& visit) const override;

  Tree tree() const { return index_.tree(); }
  const backend::Reader& rows() const { return *rows_; }

 private:
  const IndexSnapshot index_;
  const int64_t revision_;
  const int64_t compacted_;
  const std::unique_ptr<backend::Reader> rows_;
};

}  // namespace gatehouse::mvcc
