#include "member/backend/copy.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "member/backend/cursor.h"
#include "member/backend/tree_update.h"

namespace gatehouse::backend {
namespace {

constexpr size_t kPieceBytes = 256 << 10;

std::string meta_page(PageId id, const Meta& meta) {
  std::string page(meta.page_bytes, '\0');
  write_header(page.data(), id, kMetaPage, 0, 0);
  encode_meta(meta, page.data() + kHeaderBytes);
  return page;
}

// Pages one after the other, from page 2 on.
class Output {
 public:
  Output(env::File& file, size_t page_bytes) : file_(file), page_bytes_(page_bytes) {}

  // Room for a run that is not zeroed beyond what the caller writes: returns its first byte.
  Result<char*> add(uint64_t pages, PageId& id) {
    if (!pending_.empty() && pending_.size() + pages * page_bytes_ > kPieceBytes) {
      GATEHOUSE_RETURN_IF_ERROR(flush());
    }
    id = next_;
    next_ += pages;
    const size_t at = pending_.size();
    pending_.resize(at + pages * page_bytes_, '\0');
    return pending_.data() + at;
  }

  Status flush() {
    const Status written = file_.write_at(written_, pending_);
    written_ += pending_.size();
    pending_.clear();
    return written;
  }

  PageId next() const { return next_; }

 private:
  env::File& file_;
  const size_t page_bytes_;
  PageId next_ = 2;
  std::string pending_;
  uint64_t written_ = 2 * page_bytes_;
};

// Builds one tree from pairs in order, each level cut as soon as a page is full.
class Loader {
 public:
  Loader(Output& output, size_t page_bytes) : output_(output), page_bytes_(page_bytes) {}

  Status add(std::string_view key, std::string_view value, uint32_t flags) {
    return add(0, {key, value, flags, 0});
  }

  // The value of the bucket for its parent, when it is small enough to lie there; else its root.
  Result<std::string> finish_bucket() {
    std::string value(kBucketBytes, '\0');
    if (levels_.size() <= 1) {
      Level leaf = levels_.empty() ? Level() : std::move(levels_.front());
      if (leaf.bytes <= page_bytes_ / 4) {
        value.resize(kBucketBytes + leaf.bytes);
        write_page(0, 0, leaf, value.data() + kBucketBytes, 1);
        return value;
      }
      levels_.assign(1, std::move(leaf));
    }
    const Result<PageId> root = finish();
    GATEHOUSE_RETURN_IF_ERROR(root.status());
    store<uint64_t>(value.data(), *root);
    return value;
  }

  Result<PageId> finish() {
    if (levels_.empty()) levels_.emplace_back();
    for (size_t depth = 0;; ++depth) {
      if (depth + 1 == levels_.size()) {
        // The top: the root, unless it was cut before.
        return write(depth);
      }
      GATEHOUSE_RETURN_IF_ERROR(cut(depth));
    }
  }

 private:
  struct Element {
    std::string_view key;
    std::string_view value;
    uint32_t flags;
    PageId child;
  };
  struct Level {
    std::vector<Element> elements;
    size_t bytes = kHeaderBytes;
  };

  Status add(size_t depth, const Element& element) {
    if (depth == levels_.size()) levels_.emplace_back();
    const size_t bytes = kElementBytes + element.key.size() + element.value.size();
    const double threshold = static_cast<double>(page_bytes_) * kAppendFill;
    if (levels_[depth].elements.size() >= 2 &&
        static_cast<double>(levels_[depth].bytes + bytes) > threshold) {
      GATEHOUSE_RETURN_IF_ERROR(cut(depth));
    }
    levels_[depth].elements.push_back(element);
    levels_[depth].bytes += bytes;
    return Status();
  }

  // Writes what the level has gathered and tells the level above.
  Status cut(size_t depth) {
    const std::string_view first = levels_[depth].elements.front().key;
    const Result<PageId> page = write(depth);
    GATEHOUSE_RETURN_IF_ERROR(page.status());
    levels_[depth] = Level();
    return add(depth + 1, {first, {}, 0, *page});
  }

  Result<PageId> write(size_t depth) {
    const Level& level = levels_[depth];
    const uint64_t pages = (level.bytes + page_bytes_ - 1) / page_bytes_;
    PageId id = 0;
    const Result<char*> to = output_.add(pages, id);
    GATEHOUSE_RETURN_IF_ERROR(to.status());
    write_page(id, depth, level, *to, pages);
    return id;
  }

  static void write_page(PageId id, size_t depth, const Level& level, char* to, uint64_t pages) {
    const auto count = static_cast<uint32_t>(level.elements.size());
    write_header(to, id, depth == 0 ? kLeafPage : kBranchPage, count,
                 static_cast<uint32_t>(pages - 1));
    char* head = to + kHeaderBytes;
    char* data = head + size_t{kElementBytes} * count;
    for (const Element& element : level.elements) {
      const auto pos = static_cast<uint32_t>(data - head);
      const auto key_bytes = static_cast<uint32_t>(element.key.size());
      if (depth == 0) {
        store<uint32_t>(head, element.flags);
        store<uint32_t>(head + 4, pos);
        store<uint32_t>(head + 8, key_bytes);
        store<uint32_t>(head + 12, static_cast<uint32_t>(element.value.size()));
      } else {
        store<uint32_t>(head, pos);
        store<uint32_t>(head + 4, key_bytes);
        store<uint64_t>(head + 8, element.child);
      }
      data = std::copy(element.key.begin(), element.key.end(), data);
      data = std::copy(element.value.begin(), element.value.end(), data);
      head += kElementBytes;
    }
  }

  Output& output_;
  const size_t page_bytes_;
  std::vector<Level> levels_;
};

}  // namespace

StateBytes::StateBytes(std::shared_ptr<const TreeState> state) : state_(std::move(state)) {
  Meta meta = state_->meta();
  total_ = meta.high_water * state_->image().page_bytes;
  metas_ = meta_page(0, meta);
  if (meta.txid > 0) --meta.txid;
  metas_ += meta_page(1, meta);
}

std::string_view StateBytes::next() {
  if (at_ == 0) {
    at_ = metas_.size();
    return metas_;
  }
  const char* const bytes = reinterpret_cast<const char*>(state_->image().mapping->data());
  const std::string_view piece(bytes + at_, std::min<uint64_t>(kPieceBytes, total_ - at_));
  at_ += piece.size();
  return piece;
}

Status stream_state(std::shared_ptr<const TreeState> state,
                    const std::function<Status(uint64_t total, std::string_view piece)>& sink) {
  StateBytes bytes(std::move(state));
  for (std::string_view piece = bytes.next(); !piece.empty(); piece = bytes.next()) {
    GATEHOUSE_RETURN_IF_ERROR(sink(bytes.total(), piece));
  }
  return Status();
}

Status copy_compactly(const TreeState& state, env::File& to) {
  const size_t page_bytes = state.image().page_bytes;
  Output output(to, page_bytes);
  Loader roots(output, page_bytes);
  std::vector<std::string> values;  // of `roots`
  BucketRoot all;
  all.exists = true;
  all.root = state.meta().root;
  Cursor buckets(state, all);
  for (buckets.seek({}); buckets.valid(); buckets.next()) values.emplace_back();
  size_t i = 0;
  for (buckets.seek({}); buckets.valid(); buckets.next(), ++i) {
    Loader loader(output, page_bytes);
    Cursor pairs(state, decode_bucket(buckets.value()));
    for (pairs.seek({}); pairs.valid(); pairs.next()) {
      GATEHOUSE_RETURN_IF_ERROR(loader.add(pairs.key(), pairs.value(), pairs.flags()));
    }
    Result<std::string> value = loader.finish_bucket();
    GATEHOUSE_RETURN_IF_ERROR(value.status());
    values[i] = std::move(*value);
    GATEHOUSE_RETURN_IF_ERROR(roots.add(buckets.key(), values[i], kPairIsBucket));
  }
  const Result<PageId> root = roots.finish();
  GATEHOUSE_RETURN_IF_ERROR(root.status());
  GATEHOUSE_RETURN_IF_ERROR(output.flush());

  Meta meta = state.meta();
  meta.root = *root;
  meta.freelist = kNoFreelist;
  meta.high_water = output.next();
  // The older first: each page gets the number that its next commit expects there.
  meta.txid = std::max<TxId>(meta.txid, 1);
  for (TxId back : {1, 0}) {
    Meta one = meta;
    one.txid = meta.txid - back;
    const PageId id = one.txid % 2;
    GATEHOUSE_RETURN_IF_ERROR(to.write_at(id * page_bytes, meta_page(id, one)));
  }
  return Status();
}

}  // namespace gatehouse::backend
