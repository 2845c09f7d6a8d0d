// Cursor: pairs of one tree in order. The state must outlive it. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "member/backend/image.h"

namespace gatehouse::backend {

class Cursor {
 public:
  Cursor() = default;  // of nothing
  Cursor(const TreeState& state, const BucketRoot& bucket);

  void seek(std::string_view key);  // to the first pair whose key is not below
  void next();
  bool valid() const { return valid_; }
  std::string_view key() const { return leaf_.key(index_); }
  std::string_view value() const { return leaf_.value(index_); }
  uint32_t flags() const { return leaf_.pair_flags(index_); }

  // The pair with exactly this key. Quick for keys of the leaf that was looked at last.
  bool find(std::string_view key, std::string_view& value);

 private:
  static constexpr size_t kMaxDepth = 40;  // more than validate() lets through

  struct Level {
    PageView page;
    uint32_t index;
  };

  void descend(PageView page, std::string_view key);
  void next_leaf();

  const TreeState* state_ = nullptr;
  PageView root_;
  std::array<Level, kMaxDepth> branches_;
  size_t depth_ = 0;
  PageView leaf_;
  uint32_t index_ = 0;
  bool valid_ = false;
  bool at_leaf_ = false;
};

}  // namespace gatehouse::backend
