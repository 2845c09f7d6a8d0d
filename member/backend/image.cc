#include "member/backend/image.h"

#include <atomic>

namespace gatehouse::backend {
namespace {

uint64_t next_serial() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

BucketRoot decode_bucket(std::string_view value) {
  BucketRoot bucket;
  bucket.exists = true;
  bucket.root = load<uint64_t>(value.data());
  bucket.sequence = load<uint64_t>(value.data() + 8);
  if (bucket.root == 0) bucket.inline_leaf = PageView(value.data() + kBucketBytes);
  return bucket;
}

TreeState::TreeState(Image image, const Meta& meta, std::shared_ptr<LiveStates> live)
    : image_(std::move(image)), meta_(meta), serial_(next_serial()), live_(std::move(live)) {
  live_->add(meta_.txid);
  for (size_t i = 0; i < kBucketCount; ++i) {
    buckets_[i] = find_bucket(bucket_name(static_cast<Bucket>(i)));
  }
}

TreeState::~TreeState() { live_->remove(meta_.txid); }

BucketRoot TreeState::find_bucket(std::string_view name) const {
  PageView page = image_.page(meta_.root);
  while (!page.is_leaf()) page = image_.page(page.child(page.child_index(name)));
  const uint32_t i = page.lower_bound(name);
  if (i == page.count() || page.key(i) != name) return {};
  return decode_bucket(page.value(i));
}

}  // namespace gatehouse::backend
