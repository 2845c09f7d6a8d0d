#include "member/backend/view.h"

#include <array>

namespace gatehouse::backend {
namespace {

// What a buffer says of a bucket, in order: its skip list over its append list.
class BufferCursor {
 public:
  BufferCursor(const WriteBuffer& buffer, Bucket bucket, Moment moment)
      : list_(buffer.changes(bucket), moment.changes),
        appended_(buffer.appended()),
        count_(bucket == Bucket::kKey ? moment.appended : 0) {}

  void seek(std::string_view key) {
    list_.seek(key);
    index_ = appended_.lower_bound(key, count_);
    choose();
  }
  bool valid() const { return valid_; }
  std::string_view key() const { return key_; }
  std::string_view value() const {
    return from_list_ ? list_.value() : appended_.at(index_).value();
  }
  bool removed() const { return from_list_ && list_.removed(); }

  void next() {
    if (both_ || !from_list_) ++index_;
    if (from_list_) list_.next();
    choose();
  }

 private:
  void choose() {
    const bool has_list = list_.valid();
    const bool has_appended = index_ < count_;
    valid_ = has_list || has_appended;
    if (!valid_) return;
    int order = has_list ? -1 : 1;
    if (has_list && has_appended) order = compare_keys(list_.key(), appended_.at(index_).key());
    both_ = order == 0;
    from_list_ = order <= 0;
    key_ = from_list_ ? list_.key() : appended_.at(index_).key();
  }

  SkipList::Iterator list_;
  const AppendList& appended_;
  const uint32_t count_;
  uint32_t index_ = 0;
  std::string_view key_;
  bool valid_ = false;
  bool from_list_ = false;
  bool both_ = false;
};

// Where this thread read last: runs of reads mostly stay in one bucket of one state and near each
// other. The serial says whether the state is still the one that the cursor is in; the cursor is not
// touched when it is not, for that state may be gone.
struct LastRead {
  uint64_t serial = 0;
  Bucket bucket = Bucket::kMeta;
  Cursor cursor;
};
thread_local LastRead t_last_read;

bool before(std::string_view key, std::string_view end) {
  return end.empty() || compare_keys(key, end) < 0;
}

}  // namespace

ViewReader::ViewReader(std::shared_ptr<const View> view, Moment moment)
    : view_(std::move(view)), active_(moment) {
  if (view_->sealed != nullptr) sealed_ = view_->sealed->moment();
}

bool ViewReader::get(Bucket bucket, std::string_view key, std::string_view& value) const {
  Known known = view_->active->get(bucket, key, active_, value);
  if (known == Known::kNothing && view_->sealed != nullptr) {
    known = view_->sealed->get(bucket, key, sealed_, value);
  }
  if (known != Known::kNothing) return known == Known::kValue;
  LastRead& last = t_last_read;
  if (last.serial != view_->tree->serial() || last.bucket != bucket) {
    last.serial = view_->tree->serial();
    last.bucket = bucket;
    last.cursor = Cursor(*view_->tree, view_->tree->bucket(bucket));
  }
  return last.cursor.find(key, value);
}

void ViewReader::scan(Bucket bucket, std::string_view begin, std::string_view end,
                      const Reader::Visit& visit) const {
  // Of newer to older. The tree has at most one version of each key, a buffer, too.
  BufferCursor active(*view_->active, bucket, active_);
  active.seek(begin);
  BufferCursor sealed(view_->sealed != nullptr ? *view_->sealed : *view_->active, bucket, sealed_);
  if (view_->sealed != nullptr) sealed.seek(begin);
  Cursor tree(*view_->tree, view_->tree->bucket(bucket));
  tree.seek(begin);

  while (active.valid() || sealed.valid()) {
    // The lowest key, and of those who have it the newest.
    std::string_view key;
    bool found = false;
    const auto offer = [&](bool valid, const auto& source) {
      if (!valid || (found && compare_keys(source.key(), key) >= 0)) return;
      key = source.key();
      found = true;
    };
    offer(active.valid(), active);
    offer(sealed.valid(), sealed);
    if (tree.valid() && compare_keys(tree.key(), key) < 0) {
      if (!before(tree.key(), end) || !visit(tree.key(), tree.value())) return;
      tree.next();
      continue;
    }
    if (!before(key, end)) return;
    const bool in_active = active.valid() && active.key() == key;
    const bool in_sealed = sealed.valid() && sealed.key() == key;
    const BufferCursor& newest = in_active ? active : sealed;
    if (!newest.removed() && !visit(key, newest.value())) return;
    if (tree.valid() && tree.key() == key) tree.next();
    if (in_active) active.next();
    if (in_sealed) sealed.next();
  }
  for (; tree.valid() && before(tree.key(), end); tree.next()) {
    if (!visit(tree.key(), tree.value())) return;
  }
}

CountedReader::CountedReader(std::shared_ptr<const View> view,
                             std::shared_ptr<std::atomic<size_t>> count)
    : reader_(view, view->active->moment()), count_(std::move(count)) {
  count_->fetch_add(1, std::memory_order_relaxed);
}

Batch batch_of(const WriteBuffer& buffer) {
  Batch batch;
  for (size_t i = 0; i < kBucketCount; ++i) {
    const auto bucket = static_cast<Bucket>(i);
    if (bucket == Bucket::kKey) batch[i].reserve(buffer.moment().appended);
    BufferCursor cursor(buffer, bucket, buffer.moment());
    for (cursor.seek({}); cursor.valid(); cursor.next()) {
      batch[i].push_back({cursor.key(), cursor.removed() ? std::string_view() : cursor.value(),
                          cursor.removed(), 0});
    }
  }
  return batch;
}

}  // namespace gatehouse::backend
