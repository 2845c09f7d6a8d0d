#include "member/backend/cursor.h"

#include "common/base/check.h"

namespace gatehouse::backend {

Cursor::Cursor(const TreeState& state, const BucketRoot& bucket) {
  if (!bucket.exists) return;
  state_ = &state;
  root_ = state.root_of(bucket);
}

void Cursor::descend(PageView page, std::string_view key) {
  while (!page.is_leaf()) {
    CHECK(depth_ < kMaxDepth);
    const uint32_t index = page.child_index(key);
    branches_[depth_++] = {page, index};
    page = state_->image().page(page.child(index));
  }
  leaf_ = page;
  at_leaf_ = true;
}

void Cursor::seek(std::string_view key) {
  valid_ = false;
  if (state_ == nullptr) return;
  depth_ = 0;
  descend(root_, key);
  index_ = leaf_.lower_bound(key);
  valid_ = true;
  if (index_ == leaf_.count()) next_leaf();
}

void Cursor::next() {
  if (++index_ == leaf_.count()) next_leaf();
}

void Cursor::next_leaf() {
  while (depth_ > 0) {
    Level& level = branches_[depth_ - 1];
    if (++level.index < level.page.count()) {
      descend(state_->image().page(level.page.child(level.index)), {});
      index_ = 0;
      return;
    }
    --depth_;
  }
  valid_ = false;
  at_leaf_ = false;
}

bool Cursor::find(std::string_view key, std::string_view& value) {
  if (state_ == nullptr) return false;
  // Inside the first and last key of the leaf at hand there is no other leaf to look at.
  const uint32_t held = at_leaf_ ? leaf_.count() : 0;
  if (held == 0 || compare_keys(key, leaf_.key(0)) < 0 ||
      compare_keys(leaf_.key(held - 1), key) < 0) {
    depth_ = 0;
    descend(root_, key);
  }
  valid_ = false;  // find() leaves no position
  const uint32_t i = leaf_.lower_bound(key);
  if (i == leaf_.count() || leaf_.key(i) != key) return false;
  value = leaf_.value(i);
  return true;
}

}  // namespace gatehouse::backend
