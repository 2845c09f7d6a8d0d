// What the tests of the log share: entries to write, and a log small enough for many segments.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/env/sim_file_system.h"
#include "member/wal/log.h"

namespace gatehouse::wal {

inline const std::string kDirectory = "member/wal";
inline const std::string kFirstSegment =
    "member/wal/0000000000000000-0000000000000000.wal";
inline constexpr Identity kIdentity{0xfce4ccdb9802da4a, 0xd0a9ed06df5d1f3e};

// No thread, so that operations come in one order, and segments of `bytes`.
inline Options small_options(uint64_t bytes = 4096) {
  Options options;
  options.segment_bytes = bytes;
  options.prepare_ahead = false;
  return options;
}

inline raft::Entry entry(uint64_t term, uint64_t index, std::string_view data) {
  return {term, index, raft::EntryType::kNormal, raft::Payload(data)};
}

inline std::string random_bytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

inline std::unique_ptr<env::SimFileSystem> small_disk() {
  auto disk = std::make_unique<env::SimFileSystem>(size_t{1} << 20);
  EXPECT_TRUE(disk->create_directories("member").ok());
  EXPECT_TRUE(disk->sync_directory("").ok());
  return disk;
}

// A log in which entries 1 to `count` of term 1 were written one by one, each with its state.
inline void write_log(env::FileSystem& disk, uint64_t count, size_t bytes,
                      const Options& options = small_options()) {
  ASSERT_TRUE(create(disk, kDirectory, kIdentity, options).ok());
  Result<Opened> opened = open(disk, kDirectory, {}, options);
  ASSERT_TRUE(opened.ok()) << opened.status().to_string();
  for (uint64_t i = 1; i <= count; ++i) {
    const raft::HardState state{1, 7, i};
    const raft::Entry entries[] = {entry(1, i, std::string(bytes, static_cast<char>('a' + i % 26)))};
    ASSERT_TRUE(opened->log->append(&state, entries, true).ok());
  }
}

}  // namespace gatehouse::wal
