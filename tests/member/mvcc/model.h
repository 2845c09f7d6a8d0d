// A store that is as plain as can be: for each key all its versions. What the real one must agree
// with at every revision.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "member/mvcc/key_value.h"
#include "member/mvcc/store.h"

namespace gatehouse::mvcc {

class Model {
 public:
  struct Version {
    Revision modified;
    int64_t created = 0;
    int64_t version = 0;  // 0: a deletion
    std::string value;
    int64_t lease = 0;
  };

  int64_t revision = 1;
  int64_t compacted = -1;

  // Within a transaction: `sub` counts on.
  void put(const std::string& key, const std::string& value, int64_t lease, int64_t sub) {
    std::vector<Version>& versions = keys_[key];
    Version next{{revision + 1, sub}, revision + 1, 1, value, lease};
    if (!versions.empty() && versions.back().version > 0) {
      next.created = versions.back().created;
      next.version = versions.back().version + 1;
    }
    versions.push_back(next);
  }
  int64_t remove(std::string_view key, std::string_view end, int64_t sub) {
    int64_t removed = 0;
    for (auto& [name, versions] : keys_) {
      if (!inside(name, key, end) || versions.back().version == 0) continue;
      versions.push_back({{revision + 1, sub + removed}, 0, 0, "", 0});
      ++removed;
    }
    return removed;
  }

  // Encoded records, by key.
  std::vector<std::string> at(std::string_view key, std::string_view end, int64_t moment) const {
    std::vector<std::string> records;
    for (const auto& [name, versions] : keys_) {
      if (!inside(name, key, end)) continue;
      const Version* found = nullptr;
      for (const Version& version : versions) {
        if (version.modified.main <= moment) found = &version;
      }
      if (found != nullptr && found->version > 0) records.push_back(record(name, *found));
    }
    return records;
  }

  // What a compaction that has finished leaves of rows: revision (and tombstone) to record.
  std::map<std::pair<Revision, bool>, std::string> rows() const {
    std::map<std::pair<Revision, bool>, std::string> rows;
    for (const auto& [name, versions] : keys_) {
      const Version* kept = nullptr;
      for (const Version& version : versions) {
        if (version.modified.main <= compacted) kept = &version;
      }
      if (kept != nullptr && kept->version == 0 && kept->modified.main < compacted) kept = nullptr;
      for (const Version& version : versions) {
        if (version.modified.main <= compacted && &version != kept) continue;
        const bool tombstone = version.version == 0;
        std::string bytes;
        append_key_value(bytes, {.key = name});
        rows[{version.modified, tombstone}] = tombstone ? bytes : record(name, version);
      }
    }
    return rows;
  }

  static bool inside(std::string_view name, std::string_view key, std::string_view end) {
    if (end.empty()) return name == key;
    return name >= key && (end == std::string_view("\0", 1) || name < end);
  }

 private:
  static std::string record(const std::string& name, const Version& version) {
    std::string bytes;
    append_key_value(bytes, {name, version.created, version.modified.main, version.version,
                             version.value, version.lease});
    return bytes;
  }

  std::map<std::string, std::vector<Version>> keys_;
};

}  // namespace gatehouse::mvcc
