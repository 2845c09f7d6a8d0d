#include "member/backend/tree_update.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace gatehouse::backend {
namespace {

constexpr size_t kMinPiece = 2;  // elements on either side of a cut

}  // namespace

size_t TreeUpdate::Draft::bytes() const {
  size_t sum = kHeaderBytes;
  for (size_t i = 0; i < count(); ++i) sum += element_bytes(i);
  return sum;
}

PageId TreeUpdate::allocate(uint64_t pages) {
  PageId first = freelist_.allocate(pages);
  if (first == 0) {
    first = high_water_;
    high_water_ += pages;
  }
  return first;
}

std::unique_ptr<TreeUpdate::Draft> TreeUpdate::read(const PageView& page) const {
  auto draft = std::make_unique<Draft>();
  draft->leaf = page.is_leaf();
  const uint32_t count = page.count();
  if (draft->leaf) {
    draft->pairs.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      draft->pairs.push_back({page.key(i), page.value(i), page.pair_flags(i)});
    }
  } else {
    draft->slots.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      draft->slots.push_back({page.separator(i), page.child(i), nullptr});
    }
  }
  return draft;
}

std::unique_ptr<TreeUpdate::Draft> TreeUpdate::take(PageId id) {
  const PageView page = image_.page(id);
  free_run(id, uint64_t{page.overflow()} + 1);
  return read(page);
}

std::unique_ptr<TreeUpdate::Draft> TreeUpdate::apply(const PageView& page,
                                                     std::span<const Change> changes) {
  if (page.is_leaf()) {
    auto leaf = std::make_unique<Draft>();
    merge(page, changes, *leaf);
    return leaf;
  }
  std::unique_ptr<Draft> branch = read(page);
  std::vector<Slot>& slots = branch->slots;
  for (size_t i = 0; i < slots.size() && !changes.empty(); ++i) {
    size_t count = changes.size();
    if (i + 1 < slots.size()) {
      const auto end = std::partition_point(changes.begin(), changes.end(), [&](const Change& c) {
        return compare_keys(c.key, slots[i + 1].key) < 0;
      });
      count = static_cast<size_t>(end - changes.begin());
    }
    if (count == 0) continue;
    const PageView child = image_.page(slots[i].page);
    free_run(slots[i].page, uint64_t{child.overflow()} + 1);
    slots[i].draft = apply(child, changes.first(count));
    changes = changes.subspan(count);
  }
  merge_small_children(*branch);
  return branch;
}

void TreeUpdate::merge(const PageView& page, std::span<const Change> changes, Draft& draft) {
  const uint32_t count = page.count();
  draft.pairs.reserve(count + changes.size());
  uint32_t i = 0;
  for (const Change& change : changes) {
    int order = 1;
    for (; i < count; ++i) {
      order = compare_keys(page.key(i), change.key);
      if (order >= 0) break;
      draft.pairs.push_back({page.key(i), page.value(i), page.pair_flags(i)});
    }
    const bool replaces = i < count && order == 0;
    if (replaces) ++i;
    if (!change.removed) {
      draft.pairs.push_back({change.key, change.value, change.flags});
    } else if (replaces) {
      draft.shrunk = true;
    }
  }
  for (; i < count; ++i) draft.pairs.push_back({page.key(i), page.value(i), page.pair_flags(i)});
}

bool TreeUpdate::too_small(const Draft& draft) const {
  return draft.count() <= (draft.leaf ? 1u : 2u) ||
         static_cast<double>(draft.bytes()) <= static_cast<double>(image_.page_bytes) * fill_ / 2;
}

void TreeUpdate::merge_small_children(Draft& branch) {
  std::vector<Slot>& slots = branch.slots;
  for (size_t i = 0; i < slots.size();) {
    Draft* draft = slots[i].draft.get();
    if (draft == nullptr || !draft->shrunk || !too_small(*draft)) {
      ++i;
      continue;
    }
    if (draft->count() == 0) {
      slots.erase(slots.begin() + static_cast<ptrdiff_t>(i));
      branch.shrunk = true;
      continue;
    }
    if (slots.size() == 1) break;
    const size_t left = i == 0 ? 0 : i - 1;
    for (size_t side : {left, left + 1}) {
      if (slots[side].draft == nullptr) slots[side].draft = take(slots[side].page);
    }
    Draft& to = *slots[left].draft;
    Draft& from = *slots[left + 1].draft;
    if (to.leaf != from.leaf) {  // leaves at different depths: legal, never made here
      ++i;
      continue;
    }
    std::move(from.pairs.begin(), from.pairs.end(), std::back_inserter(to.pairs));
    std::move(from.slots.begin(), from.slots.end(), std::back_inserter(to.slots));
    to.shrunk = true;
    slots.erase(slots.begin() + static_cast<ptrdiff_t>(left + 1));
    branch.shrunk = true;
    i = left;
  }
}

// Cutting follows bbolt's splitIndex.
size_t TreeUpdate::piece_end(const Draft& draft, size_t begin, size_t bytes_left) const {
  const size_t count = draft.count();
  if (count - begin <= 2 * kMinPiece || bytes_left + kHeaderBytes < image_.page_bytes) return count;
  const double threshold = static_cast<double>(image_.page_bytes) * fill_;
  size_t bytes = kHeaderBytes;
  size_t i = begin;
  for (; i < count - kMinPiece; ++i) {
    const size_t element = draft.element_bytes(i);
    if (i - begin >= kMinPiece && static_cast<double>(bytes + element) > threshold) break;
    bytes += element;
  }
  return i;
}

void TreeUpdate::serialize(const Draft& draft, size_t begin, size_t end, char* to) {
  char* element = to + kHeaderBytes;
  char* data = element + kElementBytes * (end - begin);
  for (size_t i = begin; i < end; ++i, element += kElementBytes) {
    const auto pos = static_cast<uint32_t>(data - element);
    const std::string_view key = draft.leaf ? draft.pairs[i].key : draft.slots[i].key;
    const auto key_bytes = static_cast<uint32_t>(key.size());
    std::memcpy(data, key.data(), key.size());
    data += key.size();
    if (draft.leaf) {
      const Pair& pair = draft.pairs[i];
      store<uint32_t>(element, pair.flags);
      store<uint32_t>(element + 4, pos);
      store<uint32_t>(element + 8, key_bytes);
      store<uint32_t>(element + 12, static_cast<uint32_t>(pair.value.size()));
      if (!pair.value.empty()) std::memcpy(data, pair.value.data(), pair.value.size());
      data += pair.value.size();
    } else {
      store<uint32_t>(element, pos);
      store<uint32_t>(element + 4, key_bytes);
      store<uint64_t>(element + 8, draft.slots[i].page);
    }
  }
}

PageId TreeUpdate::write_piece(const Draft& draft, size_t begin, size_t end) {
  size_t bytes = kHeaderBytes;
  for (size_t i = begin; i < end; ++i) bytes += draft.element_bytes(i);
  const uint64_t pages = (bytes + image_.page_bytes - 1) / image_.page_bytes;
  const PageId id = allocate(pages);
  const size_t whole = pages * image_.page_bytes;
  char* to = arena_.allocate(whole);
  write_header(to, id, draft.leaf ? kLeafPage : kBranchPage, static_cast<uint32_t>(end - begin),
               static_cast<uint32_t>(pages - 1));
  serialize(draft, begin, end, to);
  std::memset(to + bytes, 0, whole - bytes);
  dirty_.push_back({id, {to, whole}});
  return id;
}

void TreeUpdate::write(Draft& draft, std::vector<Slot>& slots) {
  size_t bytes_left = draft.bytes() - kHeaderBytes;
  for (size_t begin = 0; begin < draft.count();) {
    const size_t end = piece_end(draft, begin, bytes_left);
    for (size_t i = begin; i < end; ++i) bytes_left -= draft.element_bytes(i);
    const PageId page = write_piece(draft, begin, end);
    slots.push_back({draft.leaf ? draft.pairs[begin].key : draft.slots[begin].key, page, nullptr});
    begin = end;
  }
}

void TreeUpdate::write_children(Draft& branch) {
  std::vector<Slot> slots;
  slots.reserve(branch.slots.size());
  for (Slot& slot : branch.slots) {
    if (slot.draft == nullptr) {
      slots.push_back(std::move(slot));
    } else {
      if (!slot.draft->leaf) write_children(*slot.draft);
      write(*slot.draft, slots);
    }
  }
  branch.slots = std::move(slots);
}

std::unique_ptr<TreeUpdate::Draft> TreeUpdate::updated_root(const PageView& page,
                                                            std::span<const Change> changes) {
  std::unique_ptr<Draft> root = apply(page, changes);
  while (!root->leaf && root->count() <= 1) {
    if (root->count() == 0) return std::make_unique<Draft>();
    Slot only = std::move(root->slots.front());
    root = only.draft != nullptr ? std::move(only.draft) : take(only.page);
  }
  return root;
}

PageId TreeUpdate::write_root(std::unique_ptr<Draft> root) {
  if (root->count() == 0) return write_piece(*root, 0, 0);
  for (;;) {
    if (!root->leaf) write_children(*root);
    auto above = std::make_unique<Draft>();
    above->leaf = false;
    write(*root, above->slots);
    if (above->slots.size() == 1) return above->slots.front().page;
    root = std::move(above);
  }
}

std::string_view TreeUpdate::update_bucket(const BucketRoot& bucket,
                                           std::span<const Change> changes, double fill) {
  fill_ = fill;
  std::unique_ptr<Draft> root;
  if (!bucket.exists) {
    root = std::make_unique<Draft>();
    for (const Change& change : changes) {
      if (!change.removed) root->pairs.push_back({change.key, change.value, change.flags});
    }
  } else if (bucket.root == 0) {
    root = updated_root(bucket.inline_leaf, changes);
  } else {
    const PageView page = image_.page(bucket.root);
    free_run(bucket.root, uint64_t{page.overflow()} + 1);
    root = updated_root(page, changes);
  }

  const auto is_bucket = [](const Pair& pair) { return pair.flags != 0; };
  const size_t bytes = root->bytes();
  if (root->leaf && bytes <= image_.page_bytes / 4 &&
      std::none_of(root->pairs.begin(), root->pairs.end(), is_bucket)) {
    char* value = arena_.allocate(kBucketBytes + bytes);
    store<uint64_t>(value, 0);
    store<uint64_t>(value + 8, bucket.sequence);
    write_header(value + kBucketBytes, 0, kLeafPage, static_cast<uint32_t>(root->count()), 0);
    serialize(*root, 0, root->count(), value + kBucketBytes);
    return {value, kBucketBytes + bytes};
  }
  char* value = arena_.allocate(kBucketBytes);
  store<uint64_t>(value, write_root(std::move(root)));
  store<uint64_t>(value + 8, bucket.sequence);
  return {value, kBucketBytes};
}

PageId TreeUpdate::update_root(PageId root, std::span<const Change> changes) {
  fill_ = kFill;
  const PageView page = image_.page(root);
  free_run(root, uint64_t{page.overflow()} + 1);
  return write_root(updated_root(page, changes));
}

}  // namespace gatehouse::backend
