// Versions by key: 8 bytes of the keys at a time, each looked at once, in place of comparing whole
// keys that mostly begin alike.
#include <algorithm>
#include <utility>

#include "member/mvcc/index.h"

namespace gatehouse::mvcc {
namespace {

struct Sorted {
  uint64_t chunk;
  const KeyVersion* version;
};

// Deeper than this many splits only made-up keys go; comparing whole keys bounds the stack.
constexpr int kMaxSplits = 64;
constexpr std::ptrdiff_t kFewEnough = 12;

bool whole_order(const Sorted& a, const Sorted& b) {
  const int order = a.version->key().compare(b.version->key());
  return order != 0 ? order < 0 : a.version->modified() < b.version->modified();
}

// Of versions whose keys have the same first `skip` bytes, taking zeros behind a key's end.
void sort(Sorted* begin, Sorted* end, size_t skip, int splits) {
  while (true) {
    if (end - begin < kFewEnough || splits > kMaxSplits) {
      std::sort(begin, end, whole_order);
      return;
    }
    // Keys that have ended differ from each other and from the rest by zeros only: they go first.
    Sorted* rest = std::partition(
        begin, end, [skip](const Sorted& s) { return s.version->key().size() <= skip; });
    std::sort(begin, rest, [](const Sorted& a, const Sorted& b) {
      return std::pair(a.version->key().size(), a.version->modified()) <
             std::pair(b.version->key().size(), b.version->modified());
    });
    begin = rest;
    if (begin == end) return;
    bool same = true;
    bool in_order = true;
    for (Sorted* s = begin; s != end; ++s) {
      s->chunk = chunk_of(s->version->key(), skip);
      same = same && s->chunk == begin->chunk;
      in_order = in_order && (s == begin || s[-1].chunk <= s->chunk);
    }
    skip += 8;
    if (same) continue;
    if (!in_order) {
      std::sort(begin, end, [](const Sorted& a, const Sorted& b) { return a.chunk < b.chunk; });
    }
    while (begin != end) {
      Sorted* group = begin;
      while (begin != end && begin->chunk == group->chunk) ++begin;
      if (begin - group > 1) sort(group, begin, skip, splits + 1);
    }
    return;
  }
}

}  // namespace

void sort_by_key(std::vector<const KeyVersion*>& versions) {
  std::vector<Sorted> sorted(versions.size());
  for (size_t i = 0; i < versions.size(); ++i) sorted[i] = {0, versions[i]};
  sort(sorted.data(), sorted.data() + sorted.size(), 0, 0);
  for (size_t i = 0; i < versions.size(); ++i) versions[i] = sorted[i].version;
}

}  // namespace gatehouse::mvcc
