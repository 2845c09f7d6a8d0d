// What the tests of the backend share: opening on a simulated disk, and reading everything.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/env/sim_file_system.h"
#include "member/backend/backend.h"
#include "member/backend/validate.h"

namespace gatehouse::backend {

using Pairs = std::map<std::string, std::string>;
using Contents = std::array<Pairs, kBucketCount>;

// Commits only when told to.
inline Options manual_options() {
  Options options;
  options.batch_interval = std::chrono::hours(1);
  options.batch_limit = UINT32_MAX;
  options.initial_map_bytes = 1 << 20;
  options.lock_timeout = std::chrono::milliseconds(1);
  return options;
}

inline std::unique_ptr<Backend> open_backend(env::FileSystem& files,
                                             const Options& options = manual_options(),
                                             const std::string& path = "db") {
  Result<std::unique_ptr<Backend>> backend = Backend::open(files, path, options);
  EXPECT_TRUE(backend.ok()) << backend.status().to_string();
  return backend.ok() ? std::move(*backend) : nullptr;
}

inline Pairs pairs_of(const Reader& reader, Bucket bucket, std::string_view begin = {},
                      std::string_view end = {}) {
  Pairs pairs;
  std::string last;
  reader.scan(bucket, begin, end, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(pairs.empty() || last < key) << "out of order";
    last = key;
    pairs.emplace(key, value);
    return true;
  });
  return pairs;
}

inline Contents contents_of(const Reader& reader) {
  Contents contents;
  for (size_t i = 0; i < kBucketCount; ++i) {
    contents[i] = pairs_of(reader, static_cast<Bucket>(i));
  }
  return contents;
}

// Everything that is wrong with the file, one line each; "" when nothing is.
inline std::string check_text(env::FileSystem& files, const std::string& path = "db") {
  const Result<std::vector<std::string>> found = check_file(files, path);
  if (!found.ok()) return found.status().to_string();
  std::string text;
  for (const std::string& line : *found) text += line + "\n";
  return text;
}

// "00000000000000mm_00000000000000ss": 17 bytes, as the keys of `key`.
inline std::string revision_key(uint64_t main, uint64_t sub = 0) {
  std::string key(17, '_');
  for (int i = 0; i < 8; ++i) {
    key[static_cast<size_t>(i)] = static_cast<char>(main >> (8 * (7 - i)));
    key[static_cast<size_t>(9 + i)] = static_cast<char>(sub >> (8 * (7 - i)));
  }
  return key;
}

}  // namespace gatehouse::backend
