// The transaction of the store's writer. Private to the room.
#pragma once

#include <string>

#include "member/mvcc/store_impl.h"

namespace gatehouse::mvcc {

class MvccStore::Txn final : public WriteTxn {
 public:
  explicit Txn(MvccStore& store);
  ~Txn() override { CHECK_MSG(!store_.in_txn_ || finished_, "a transaction was not finished"); }

  int64_t revision() const override { return changed() ? next_revision() : store_.revision_; }
  int64_t compacted() const override { return store_.compacted_; }
  int64_t count(std::string_view key, std::string_view end, int64_t at) const override {
    return count_keys(store_.index_->tree(), KeyRange(key, end), moment_of(at, revision()));
  }
  void items(std::string_view key, std::string_view end, int64_t at, int64_t limit,
             std::vector<Item>& out) const override {
    list_keys(store_.index_->tree(), KeyRange(key, end), moment_of(at, revision()), limit, out);
  }
  std::string_view record(Revision put) const override { return store_.current_.record(put); }

  int64_t next_revision() const override { return store_.revision_ + 1; }
  bool changed() const override { return changes_ > 0; }
  void put(std::string_view key, std::string_view value, int64_t lease) override;
  int64_t delete_range(std::string_view key, std::string_view end) override;
  void finish() override;

 private:
  MvccStore& store_;
  int64_t changes_ = 0;
  bool finished_ = false;
};

}  // namespace gatehouse::mvcc
