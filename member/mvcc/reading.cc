#include "member/mvcc/reading.h"

namespace gatehouse::mvcc {
namespace {

// What the key was at the moment; null when it was not there.
const KeyVersion* living_at(const KeyVersion* newest, int64_t moment) {
  if (newest == nullptr) return nullptr;
  const KeyVersion* version = newest->at(moment);
  return version != nullptr && !version->deleted() ? version : nullptr;
}

Item item_of(const KeyVersion& version) {
  return {version.key(), version.modified(), version.created(), version.version()};
}

}  // namespace

int64_t count_keys(const Tree& tree, const KeyRange& range, int64_t moment) {
  if (moment == kNow) return tree.count(range);
  if (range.single) return living_at(tree.find(range.begin), moment) != nullptr ? 1 : 0;
  int64_t count = 0;
  tree.walk(range, [&](const KeyVersion& newest) {
    count += living_at(&newest, moment) != nullptr;
    return true;
  });
  return count;
}

void list_keys(const Tree& tree, const KeyRange& range, int64_t moment, int64_t limit,
               std::vector<Item>& out) {
  if (range.single) {
    const KeyVersion* version = living_at(tree.find(range.begin), moment);
    if (version != nullptr) out.push_back(item_of(*version));
    return;
  }
  int64_t left = limit > 0 ? limit : INT64_MAX;
  if (moment == kNow) {
    tree.walk_living(range, [&](const KeyVersion& newest) {
      out.push_back(item_of(newest));
      return --left > 0;
    });
  } else {
    tree.walk(range, [&](const KeyVersion& newest) {
      const KeyVersion* version = living_at(&newest, moment);
      if (version == nullptr) return true;
      out.push_back(item_of(*version));
      return --left > 0;
    });
  }
}

bool survives(const Tree& tree, std::string_view key, Revision version, int64_t revision) {
  const KeyVersion* newest = tree.find(key);
  const KeyVersion* kept = newest != nullptr ? newest->at(revision) : nullptr;
  return kept != nullptr && kept->modified() == version &&
         !(kept->deleted() && kept->main() < revision);
}

bool any_survives(const Tree& tree, int64_t revision, bool only_living) {
  bool found = false;
  tree.walk(kAllKeys, [&](const KeyVersion& newest) {
    const KeyVersion* kept = newest.at(revision);
    if (kept == nullptr) return true;
    found = !kept->deleted() || (!only_living && kept->main() == revision);
    return !found;
  });
  return found;
}

}  // namespace gatehouse::mvcc
