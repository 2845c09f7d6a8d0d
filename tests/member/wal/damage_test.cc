// Files that were damaged: every bit flipped, every length cut. An error that names the place, or,
// where format.md says that it looks like an unfinished write, a repair that says so; never other
// entries than those written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "member/wal/log.h"
#include "tests/member/wal/wal_for_test.h"

namespace gatehouse::wal {
namespace {

struct Written {
  std::vector<std::string> segments;  // contents
  std::vector<SegmentName> names;
  std::vector<raft::Entry> entries;
  raft::HardState state;
  uint64_t end = 0;  // of the records of the last segment
};

Written write(const Options& options, const std::function<void(Log&)>& fill) {
  Written written;
  auto disk = small_disk();
  EXPECT_TRUE(create(*disk, kDirectory, kIdentity, options).ok());
  fill(*open(*disk, kDirectory, {}, options).value().log);
  written.names = list_segments(*disk, kDirectory).value();
  for (const SegmentName& name : written.names) {
    written.segments.push_back(disk->contents(kDirectory + "/" + to_string(name)).value());
  }
  written.end = written.segments.back().find_last_not_of('\0') / 8 * 8 + 8;
  const Contents contents = read(*disk, kDirectory, {}).value();
  written.entries = contents.entries;
  written.state = contents.hard_state;
  return written;
}

std::unique_ptr<env::SimFileSystem> disk_with(const Written& written, size_t changed,
                                              const std::string& contents) {
  auto disk = std::make_unique<env::SimFileSystem>(size_t{1} << 16);
  EXPECT_TRUE(disk->create_directories(kDirectory).ok());
  for (size_t i = 0; i < written.segments.size(); ++i) {
    EXPECT_TRUE(disk->replace_contents(kDirectory + "/" + to_string(written.names[i]),
                                       i == changed ? contents : written.segments[i])
                    .ok());
  }
  return disk;
}

// A prefix of what was written.
void expect_prefix(const std::vector<raft::Entry>& read, const Written& written) {
  ASSERT_LE(read.size(), written.entries.size());
  EXPECT_TRUE(std::equal(read.begin(), read.end(), written.entries.begin()));
}

class Damage : public testing::Test {
 protected:
  // Opens what was damaged in segment `position`. Returns whether it was repaired.
  bool opens_or_refuses(const Written& written, size_t position, const std::string& contents) {
    const auto disk = disk_with(written, position, contents);
    const std::string path = kDirectory + "/" + to_string(written.names[position]);
    const Result<Opened> opened = open(*disk, kDirectory, {}, options_);
    if (!opened.ok()) {
      EXPECT_EQ(opened.status().code(), StatusCode::kDataLoss) << opened.status().to_string();
      EXPECT_THAT(opened.status().message(), testing::HasSubstr(" at offset "));
      EXPECT_EQ(disk->contents(path).value(), contents) << "nothing is changed";
      EXPECT_FALSE(valid_snapshots(*disk, kDirectory).ok() && read(*disk, kDirectory, {}).ok());
      return false;
    }
    EXPECT_EQ(position + 1, written.segments.size()) << "only the last can be repaired";
    expect_prefix(opened.value().entries, written);
    if (!opened.value().repaired.empty()) {
      EXPECT_EQ(disk->contents(path + ".broken").value(), contents);
      return true;
    }
    // Nothing was said: nothing may be lost.
    EXPECT_EQ(opened.value().entries, written.entries);
    EXPECT_EQ(opened.value().hard_state, written.state);
    return false;
  }

  const Options options_ = small_options(2048);
};

void fill_small(Log& log) {
  for (uint64_t i = 1; i <= 14; ++i) {
    const raft::HardState state{1 + i / 5, i % 3 == 0 ? 0 : 0x0102030405060708 * i, i - 1};
    std::vector<raft::Entry> entries;
    if (i % 5 == 0) {
      entries.push_back({state.term, i, raft::EntryType::kNormal, {}});
    } else {
      // Sizes that make lengths of one bit, too.
      entries.push_back(entry(state.term, i, std::string(i * 17 % 300, static_cast<char>(i))));
    }
    ASSERT_TRUE(log.append(&state, entries, true).ok());
    if (i % 4 == 0) {
      ASSERT_TRUE(log.append_snapshot({i - 2, 1 + (i - 2) / 5, {}}).ok());
    }
  }
}

TEST_F(Damage, EveryBitFlipped) {
  const Written written = write(options_, fill_small);
  ASSERT_GE(written.segments.size(), 2u);
  size_t repaired = 0;
  size_t in_records = 0;
  for (size_t i = 0; i < written.segments.size(); ++i) {
    for (size_t bit = 0; bit < 8 * written.segments[i].size(); ++bit) {
      std::string damaged = written.segments[i];
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      SCOPED_TRACE("segment " + std::to_string(i) + ", bit " + std::to_string(bit % 8) +
                   " of byte " + std::to_string(bit / 8));
      const bool cut = opens_or_refuses(written, i, damaged);
      repaired += cut;
      in_records += cut && bit / 8 < written.end;
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(repaired, 0u) << "bits in what was never written";
  EXPECT_EQ(in_records, 0u) << "no record here has zeros that fill a sector";
}

TEST_F(Damage, EveryTruncation) {
  const Written written = write(options_, fill_small);
  for (size_t i = 0; i < written.segments.size(); ++i) {
    for (size_t size = 0; size < written.segments[i].size(); ++size) {
      SCOPED_TRACE("segment " + std::to_string(i) + ", " + std::to_string(size) + " bytes");
      const auto disk = disk_with(written, i, written.segments[i].substr(0, size));
      const Result<Opened> opened = open(*disk, kDirectory, {}, options_);
      if (i + 1 < written.segments.size()) {
        ASSERT_EQ(opened.status().code(), StatusCode::kDataLoss);
      } else if (opened.ok()) {
        expect_prefix(opened.value().entries, written);
        // Opened again it is whole.
        const_cast<Opened&>(opened.value()).log.reset();
        EXPECT_EQ(open(*disk, kDirectory, {}, options_).value().repaired, "");
      } else {
        ASSERT_LT(size, 80u) << opened.status().to_string();
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST_F(Damage, ASectorThatWasNotWrittenIsRepaired) {
  const Written written = write(options_, [](Log& log) {
    const raft::HardState state{1, 7, 0};
    const raft::Entry one[] = {entry(1, 1, "one")};
    ASSERT_TRUE(log.append(&state, one, true).ok());
    const raft::Entry two[] = {entry(1, 2, std::string(1200, 'x'))};
    ASSERT_TRUE(log.append(nullptr, two, true).ok());
  });
  for (const size_t sector : {1, 2}) {
    std::string torn = written.segments[0];
    std::fill_n(torn.begin() + static_cast<ptrdiff_t>(sector * 512), 512, '\0');
    auto disk = disk_with(written, 0, torn);
    EXPECT_THAT(read(*disk, kDirectory, {}).value().torn, testing::HasSubstr(" at offset "));
    Result<Opened> opened = open(*disk, kDirectory, {}, options_);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    EXPECT_THAT(opened->repaired, testing::HasSubstr("checksum"));
    ASSERT_EQ(opened->entries.size(), 1u);
    // And it goes on from there.
    const raft::Entry again[] = {entry(2, 2, "two")};
    const raft::HardState state{2, 8, 0};
    ASSERT_TRUE(opened->log->append(&state, again, true).ok());
    opened->log.reset();
    opened = open(*disk, kDirectory, {}, options_);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    EXPECT_EQ(opened->repaired, "");
    EXPECT_EQ(opened->entries[1], again[0]);
  }
}

TEST_F(Damage, ASegmentOfAnotherMember) {
  Written written = write(options_, fill_small);
  const Written other = write(options_, [&](Log& log) { fill_small(log); });
  std::string& first = written.segments[0];
  // Another member's metadata, with checksums that fit: the log is written anew.
  FrameEncoder encoder;
  encoder.add_crc();
  encoder.add_metadata(encode_identity({1, 2}));
  encoder.add_snapshot({});
  const uint32_t crc = encoder.crc();
  first = encoder.frames();
  FrameEncoder second(crc);
  second.add_crc();
  second.add_metadata(encode_identity({1, 3}));
  auto disk = disk_with(written, 1, std::string(second.frames()));
  for (size_t i = 2; i < written.names.size(); ++i) {
    ASSERT_TRUE(disk->remove_file(kDirectory + "/" + to_string(written.names[i])).ok());
  }
  EXPECT_THAT(open(*disk, kDirectory, {}, options_).status().message(),
              testing::HasSubstr("another member"));
}

}  // namespace
}  // namespace gatehouse::wal
