#include "member/backend/validate.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

namespace gatehouse::backend {
namespace {

// A tree of this depth has more pages than a file can; nesting counts, too. Foreign bytes must not
// choose how deep the walk recurses.
constexpr int kMaxDepth = 32;

std::string flags_text(uint32_t flags) {
  char text[32];
  std::snprintf(text, sizeof(text), "flags 0x%x", flags);
  return text;
}

class Walk {
 public:
  Walk(const Image& image, const Meta& meta, Rules rules, std::vector<bool>& reached,
       Problems& problems)
      : image_(image), meta_(meta), rules_(rules), reached_(reached), problems_(problems) {}

  // Keys are in [low, high); no high: up to the end.
  struct Bounds {
    std::string_view low;
    std::optional<std::string_view> high;
  };

  // `nesting`: 0 in the tree of buckets, 1 in a bucket, 2 in a bucket's bucket…
  void tree_page(PageId id, const Bounds& bounds, bool root, int nesting, int depth) {
    if (problems_.full()) return;
    if (depth > kMaxDepth) return wrong(id, "the tree is too deep");
    if (id < 2 || id >= meta_.high_water) {
      return wrong(id, "beyond the high-water mark " + std::to_string(meta_.high_water));
    }
    const PageView page = image_.page(id);
    if (!claim(page, id)) return;
    const uint16_t flags = page.flags();
    if (flags != kBranchPage && flags != kLeafPage) return wrong(id, flags_text(flags));
    const uint64_t bytes = (uint64_t{page.overflow()} + 1) * image_.page_bytes;
    if (flags == kLeafPage) {
      leaf(page, id, bytes, bounds, root, nesting, depth);
    } else {
      branch(page, id, bytes, bounds, nesting, depth);
    }
  }

  // Marks a run as reached.
  bool claim(const PageView& page, PageId id) {
    if (page.id() != id) {
      wrong(id, "header says page " + std::to_string(page.id()));
      return false;
    }
    if (page.overflow() >= meta_.high_water - id) {
      wrong(id, "overflow " + std::to_string(page.overflow()) + " goes beyond the high-water mark");
      return false;
    }
    for (PageId p = id; p <= id + page.overflow(); ++p) {
      if (reached_[p]) {
        wrong(p, "reached twice");
        return false;
      }
      reached_[p] = true;
    }
    return true;
  }

  void wrong(PageId id, const std::string& what) { problems_.add(id, image_.page_bytes, what); }

 private:
  void leaf(const PageView& page, PageId id, uint64_t bytes, const Bounds& bounds, bool root,
            int nesting, int depth) {
    const uint32_t count = page.count();
    if (count == 0 && !root) return wrong(id, "an empty leaf that is not a root");
    if (kHeaderBytes + uint64_t{kElementBytes} * count > bytes) {
      return wrong(id, std::to_string(count) + " elements do not fit");
    }
    for (uint32_t i = 0; i < count; ++i) {
      const char* e = page.element(i);
      const uint64_t room = bytes - static_cast<uint64_t>(e - page.base());
      const uint64_t pos = load<uint32_t>(e + 4);
      const uint64_t end = pos + load<uint32_t>(e + 8) + load<uint32_t>(e + 12);
      if (pos < uint64_t{kElementBytes} * (count - i) || end > room) {
        return wrong(id, element_text(i) + " reaches outside the page");
      }
      const std::string_view key = page.key(i);
      if (!key_fits(id, i, key, i > 0 ? page.key(i - 1) : std::string_view(), bounds)) return;
      const uint32_t kind = page.pair_flags(i);
      if (kind > kPairIsBucket || (kind == 0 && nesting == 0)) {
        return wrong(id, element_text(i) + ": " + flags_text(kind));
      }
      if (kind == kPairIsBucket && nesting > 0 && rules_ == Rules::kMember) {
        return wrong(id, element_text(i) + ": a bucket in a bucket: not a member's database");
      }
      if (kind == kPairIsBucket) bucket(id, i, page.value(i), nesting + 1, depth + 1);
    }
  }

  void branch(const PageView& page, PageId id, uint64_t bytes, const Bounds& bounds, int nesting,
              int depth) {
    const uint32_t count = page.count();
    if (count == 0) return wrong(id, "a branch without children");
    if (kHeaderBytes + uint64_t{kElementBytes} * count > bytes) {
      return wrong(id, std::to_string(count) + " elements do not fit");
    }
    for (uint32_t i = 0; i < count; ++i) {
      const char* e = page.element(i);
      const uint64_t room = bytes - static_cast<uint64_t>(e - page.base());
      const uint64_t pos = load<uint32_t>(e);
      if (pos < uint64_t{kElementBytes} * (count - i) || pos + load<uint32_t>(e + 4) > room) {
        return wrong(id, element_text(i) + " reaches outside the page");
      }
      const std::string_view before = i > 0 ? page.separator(i - 1) : std::string_view();
      if (!key_fits(id, i, page.separator(i), before, bounds)) return;
    }
    for (uint32_t i = 0; i < count; ++i) {
      const Bounds inner{page.separator(i),
                         i + 1 < count ? std::optional(page.separator(i + 1)) : bounds.high};
      tree_page(page.child(i), inner, false, nesting, depth + 1);
    }
  }

  bool key_fits(PageId id, uint32_t i, std::string_view key, std::string_view before,
                const Bounds& bounds) {
    if (key.empty() || key.size() > kMaxKeyBytes) {
      wrong(id, element_text(i) + ": a key of " + std::to_string(key.size()) + " bytes");
    } else if (i > 0 && key <= before) {
      wrong(id, element_text(i) + ": key not above the one before");
    } else if (key < bounds.low) {
      wrong(id, element_text(i) + ": key below the parent's");
    } else if (bounds.high && key >= *bounds.high) {
      wrong(id, element_text(i) + ": key not below the next page's");
    } else {
      return true;
    }
    return false;
  }

  void bucket(PageId id, uint32_t i, std::string_view value, int nesting, int depth) {
    if (value.size() < kBucketBytes) {
      return wrong(id,
                   element_text(i) + ": a bucket of " + std::to_string(value.size()) + " bytes");
    }
    const PageId root = load<uint64_t>(value.data());
    if (root != 0) return tree_page(root, {}, true, nesting, depth);
    if (depth > kMaxDepth) return wrong(id, "the tree is too deep");
    value.remove_prefix(kBucketBytes);
    if (value.size() < kHeaderBytes) {
      return wrong(id, element_text(i) + ": an inline bucket without a page");
    }
    const PageView page(value.data());
    if (page.flags() != kLeafPage || page.overflow() != 0) {
      return wrong(id, element_text(i) + ": inline bucket: " + flags_text(page.flags()));
    }
    leaf(page, id, value.size(), {}, true, nesting, depth);
  }

  static std::string element_text(uint32_t i) { return "element " + std::to_string(i); }

  const Image& image_;
  const Meta& meta_;
  const Rules rules_;
  std::vector<bool>& reached_;
  Problems& problems_;
};

void validate_freelist(const Image& image, const Meta& meta, std::vector<bool>& reached,
                       Rules rules, Walk& walk) {
  const PageView page = image.page(meta.freelist);
  const std::vector<bool> in_tree = reached;
  if (!walk.claim(page, meta.freelist)) return;
  if (page.flags() != kFreelistPage) return walk.wrong(meta.freelist, flags_text(page.flags()));
  const uint64_t words =
      ((uint64_t{page.overflow()} + 1) * image.page_bytes - kHeaderBytes) / sizeof(uint64_t);
  const char* ids = page.base() + kHeaderBytes;
  uint64_t count = page.count();
  if (count == 0xFFFF) {
    count = load<uint64_t>(ids);
    ids += 8;
    if (count > words - 1) count = words + 1;
  }
  if (count > words) return walk.wrong(meta.freelist, "more free pages than fit");
  std::vector<bool> listed(meta.high_water);
  for (uint64_t i = 0; i < count; ++i) {
    const PageId id = load<uint64_t>(ids + 8 * i);
    const std::string free = "free page " + std::to_string(id);
    if (id < 2 || id >= meta.high_water) {
      return walk.wrong(meta.freelist, free + " beyond the high-water mark");
    }
    if (listed[id]) walk.wrong(meta.freelist, free + " listed twice");
    if (in_tree[id]) walk.wrong(meta.freelist, free + " is in use");
    listed[id] = true;
  }
  if (rules == Rules::kMember) return;
  for (PageId id = 2; id < meta.high_water; ++id) {
    if (!listed[id] && !reached[id]) walk.wrong(id, "neither in use nor free");
  }
}

}  // namespace

void Problems::add(const std::string& what) {
  if (!full()) found_.push_back(path_ + ": " + what);
}

void Problems::add(PageId page, size_t page_bytes, const std::string& what) {
  add("page " + std::to_string(page) + " at offset " + std::to_string(page * page_bytes) + ": " +
      what);
}

Status Problems::first() const {
  return found_.empty() ? Status() : Status(StatusCode::kDataLoss, found_.front());
}

Result<Meta> read_meta(const env::File& file) {
  const Result<uint64_t> size = file.size();
  GATEHOUSE_RETURN_IF_ERROR(size.status());
  std::array<char, kHeaderBytes + kMetaBytes> bytes;
  std::string first_why;
  const auto read = [&](uint64_t offset, std::string& why) -> Result<std::optional<Meta>> {
    const Result<size_t> n = file.read_at(offset, std::as_writable_bytes(std::span(bytes)));
    GATEHOUSE_RETURN_IF_ERROR(n.status());
    if (*n < bytes.size()) {
      why = "the file ends";
      return std::optional<Meta>();
    }
    return decode_meta(bytes.data() + kHeaderBytes, why);
  };

  Result<std::optional<Meta>> found = read(0, first_why);
  GATEHOUSE_RETURN_IF_ERROR(found.status());
  std::optional<Meta> best = *found;
  std::string why = "no second meta page";
  // The second is one page on; when the first does not say how far that is, wherever it is.
  for (size_t page = best ? best->page_bytes : kMinPageBytes; page <= kMaxPageBytes; page *= 2) {
    found = read(page, why);
    GATEHOUSE_RETURN_IF_ERROR(found.status());
    if (*found && (*found)->page_bytes == page && (!best || (*found)->txid > best->txid)) {
      best = *found;
    }
    if (best) break;
  }
  if (!best) {
    return Status(StatusCode::kDataLoss, file.path() + ": page 0 at offset 0: " + first_why +
                                             ", and no second meta page: not a database of bbolt's "
                                             "format, or both meta pages are damaged");
  }
  if (best->high_water > *size / best->page_bytes) {
    return Status(StatusCode::kDataLoss, file.path() + ": " + std::to_string(*size) +
                                             " bytes, but " + std::to_string(best->high_water) +
                                             " pages of " + std::to_string(best->page_bytes) +
                                             " bytes in use: the file is cut off at offset " +
                                             std::to_string(*size));
  }
  return *best;
}

void validate(const Image& image, const Meta& meta, Rules rules, std::vector<bool>& reached,
              Problems& problems) {
  reached.assign(meta.high_water, false);
  reached[0] = reached[1] = true;
  Walk walk(image, meta, rules, reached, problems);
  walk.tree_page(meta.root, {}, true, 0, 0);
  if (meta.freelist != kNoFreelist && !problems.full()) {
    validate_freelist(image, meta, reached, rules, walk);
  }
}

}  // namespace gatehouse::backend
