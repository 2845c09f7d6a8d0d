// KeyVersion: one change of one key, as the index knows it; the versions of a key are linked from
// newest to oldest. Immutable; freed by free().
//
//   fields | links to older versions (not in the oldest) | the key's bytes
//
// Most keys have one version only, which has no links: 36 bytes beside the key.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include "common/base/check.h"
#include "member/schema/revision.h"

namespace gatehouse::mvcc {

using schema::Revision;

class KeyVersion {
 public:
  // Version 0: a deletion. `older` is of the same key and below `modified`, or null.
  static const KeyVersion* make(std::string_view key, Revision modified, int64_t created,
                                int64_t version, const KeyVersion* older) {
    CHECK(key.size() <= UINT32_MAX && modified.sub >= 0 && modified.sub <= UINT32_MAX);
    const size_t head = older != nullptr ? kHeadBytes + sizeof(Links) : kFieldBytes;
    void* memory = std::malloc(std::max(head + key.size(), sizeof(KeyVersion)));
    CHECK_MSG(memory != nullptr, "out of memory");
    auto* made = static_cast<KeyVersion*>(memory);
    made->main_ = modified.main;
    made->created_ = created;
    made->version_ = version;
    made->sub_ = static_cast<uint32_t>(modified.sub);
    made->key_bytes_ = static_cast<uint32_t>(key.size());
    made->depth_ = 0;
    if (older != nullptr) made->link(older);
    std::memcpy(const_cast<char*>(made->key_begin()), key.data(), key.size());
    return made;
  }

  std::string_view key() const { return {key_begin(), key_bytes_}; }
  Revision modified() const { return {main_, sub_}; }
  int64_t main() const { return main_; }
  int64_t created() const { return created_; }
  int64_t version() const { return version_; }
  bool deleted() const { return version_ == 0; }
  const KeyVersion* older() const { return depth_ == 0 ? nullptr : links()->older; }

  // The newest of this and the older ones with main <= `at`; null when all are above. O(log n).
  const KeyVersion* at(int64_t at) const {
    const KeyVersion* version = this;
    while (version->main_ > at) {
      if (version->depth_ == 0) return nullptr;
      const KeyVersion* jump = version->links()->jump;
      version = jump->main_ > at ? jump : version->links()->older;
    }
    return version;
  }

 private:
  // `jump` leads far back, as in Myers' random-access stack ("An applicative random-access stack",
  // 1983): any version is O(log n) steps away, and no link ever changes.
  struct Links {
    const KeyVersion* older;
    const KeyVersion* jump;
  };
  static constexpr size_t kFieldBytes = 36;
  static constexpr size_t kHeadBytes = 40;  // with what aligns the links

  KeyVersion() = default;

  const Links* links() const {
    return reinterpret_cast<const Links*>(reinterpret_cast<const char*>(this) + kHeadBytes);
  }
  const char* key_begin() const {
    return reinterpret_cast<const char*>(this) +
           (depth_ == 0 ? kFieldBytes : kHeadBytes + sizeof(Links));
  }
  const KeyVersion* jump() const { return depth_ == 0 ? this : links()->jump; }

  void link(const KeyVersion* older) {
    depth_ = older->depth_ + 1;
    const KeyVersion* jump = older->jump();
    const bool equal = older->depth_ - jump->depth_ == jump->depth_ - jump->jump()->depth_;
    *const_cast<Links*>(links()) = {older, equal && older->depth_ > 0 ? jump->jump() : older};
  }

  int64_t main_;
  int64_t created_;
  int64_t version_;
  uint32_t sub_;
  uint32_t key_bytes_;
  uint32_t depth_;  // how many older ones there are
};

}  // namespace gatehouse::mvcc
