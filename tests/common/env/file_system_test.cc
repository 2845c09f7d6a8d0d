// What every FileSystem promises, on the disk and in the simulation alike.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "common/env/disk_file_system.h"
#include "common/env/sim_file_system.h"

namespace gatehouse::env {
namespace {

std::string text_of(const File& file, uint64_t offset, size_t bytes) {
  std::string text(bytes, '?');
  Result<size_t> n = file.read_at(offset, std::as_writable_bytes(std::span(text)));
  EXPECT_TRUE(n.ok()) << n.status().to_string();
  text.resize(n.ok() ? *n : 0);
  return text;
}

class FileSystemTest : public testing::TestWithParam<bool> {
 protected:
  FileSystemTest() {
    if (GetParam()) {
      char pattern[] = "/tmp/gatehouse-files-XXXXXX";
      directory_ = ::mkdtemp(pattern);
      files_ = std::make_unique<DiskFileSystem>();
    } else {
      directory_ = "/sim";
      files_ = std::make_unique<SimFileSystem>();
      EXPECT_TRUE(files_->create_directories(directory_).ok());
    }
  }
  ~FileSystemTest() override { EXPECT_TRUE(files_->remove_tree(directory_).ok()); }

  std::string in(std::string_view name) const { return join_path(directory_, name); }
  std::unique_ptr<File> open(std::string_view name, OpenMode mode = OpenMode::kCreate) {
    Result<std::unique_ptr<File>> file = files_->open(in(name), mode);
    EXPECT_TRUE(file.ok()) << file.status().to_string();
    return file.ok() ? std::move(*file) : nullptr;
  }

  std::string directory_;
  std::unique_ptr<FileSystem> files_;
};

INSTANTIATE_TEST_SUITE_P(Both, FileSystemTest, testing::Values(false, true),
                         [](const auto& about) { return about.param ? "Disk" : "Sim"; });

TEST_P(FileSystemTest, WritesPiecesAndReadsUpToTheEnd) {
  auto file = open("f");
  ASSERT_TRUE(file->write_at(3, "defg").ok());
  const std::string_view pieces[] = {"a", "", "bc"};
  ASSERT_TRUE(file->write_pieces_at(0, pieces).ok());
  EXPECT_EQ(*file->size(), 7u);
  EXPECT_EQ(text_of(*file, 0, 100), "abcdefg");
  EXPECT_EQ(text_of(*file, 5, 1), "f");
  EXPECT_EQ(text_of(*file, 7, 1), "");
  EXPECT_TRUE(file->sync_data().ok());
}

TEST_P(FileSystemTest, WritesMorePiecesThanOneCallTakes) {
  auto file = open("f");
  std::string whole;
  for (int i = 0; i < 3000; ++i) whole += std::to_string(i);
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < whole.size(); i += 3) {
    pieces.push_back(std::string_view(whole).substr(i, 3));
  }
  ASSERT_GT(pieces.size(), 2048u);
  ASSERT_TRUE(file->write_pieces_at(10, pieces).ok());
  EXPECT_EQ(text_of(*file, 10, whole.size() + 1), whole);
}

TEST_P(FileSystemTest, TruncatedBytesComeBackAsZeros) {
  auto file = open("f");
  ASSERT_TRUE(file->write_at(0, "abcdef").ok());
  ASSERT_TRUE(file->truncate(2).ok());
  ASSERT_TRUE(file->truncate(4).ok());
  EXPECT_EQ(text_of(*file, 0, 9), std::string("ab\0\0", 4));
  ASSERT_TRUE(file->allocate(0, 3).ok());
  EXPECT_EQ(*file->size(), 4u);
  ASSERT_TRUE(file->allocate(2, 6).ok());
  EXPECT_EQ(text_of(*file, 0, 9), std::string("ab\0\0\0\0\0\0", 8));
}

TEST_P(FileSystemTest, AMappingLargerThanTheFileShowsLaterWrites) {
  auto file = open("f");
  ASSERT_TRUE(file->write_at(0, "abc").ok());
  Result<std::unique_ptr<Mapping>> mapping = file->map(1 << 20);
  ASSERT_TRUE(mapping.ok());
  EXPECT_EQ((*mapping)->size(), size_t{1} << 20);
  ASSERT_TRUE(file->write_at(9000, "later").ok());
  EXPECT_EQ(std::memcmp((*mapping)->data(), "abc", 3), 0);
  EXPECT_EQ(std::memcmp((*mapping)->data() + 9000, "later", 5), 0);
}

TEST_P(FileSystemTest, OpenModes) {
  EXPECT_EQ(files_->open(in("f"), OpenMode::kRead).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(files_->open(in("f"), OpenMode::kReadWrite).status().message(),
            "open " + in("f") + ": no such file or directory");
  EXPECT_EQ(files_->open(in("none/f"), OpenMode::kCreate).status().code(), StatusCode::kNotFound);
  open("f", OpenMode::kCreateExclusive);
  EXPECT_EQ(files_->open(in("f"), OpenMode::kCreateExclusive).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_FALSE(open("f", OpenMode::kRead)->write_at(0, "x").ok());
  EXPECT_TRUE(*files_->exists(in("f")));
  EXPECT_FALSE(*files_->exists(in("f/g")));
}

TEST_P(FileSystemTest, LocksKeepOtherOpenFilesOut) {
  for (const File::LockKind kind : {File::LockKind::kFlock, File::LockKind::kOfd}) {
    auto one = open("f");
    auto two = open("f");
    ASSERT_TRUE(one->try_lock(kind).ok());
    EXPECT_TRUE(one->try_lock(kind).ok()) << "taking it again is no error";
    EXPECT_EQ(two->try_lock(kind).code(), StatusCode::kFailedPrecondition);
    one.reset();
    EXPECT_TRUE(two->try_lock(kind).ok());
  }
}

TEST_P(FileSystemTest, DirectoriesListRenameAndRemove) {
  ASSERT_TRUE(files_->create_directories(in("a/b/")).ok());
  ASSERT_TRUE(files_->create_directories(in("a/b")).ok());
  ASSERT_TRUE(open("a/two")->write_at(0, "12").ok());
  ASSERT_TRUE(open("a/one")->write_at(0, "1").ok());
  EXPECT_FALSE(files_->create_directories(in("a/one")).ok());
  Result<std::vector<DirectoryEntry>> entries = files_->list(in("a"));
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].name, "b");
  EXPECT_TRUE((*entries)[0].directory);
  EXPECT_EQ((*entries)[1].name, "one");
  EXPECT_EQ((*entries)[2].bytes, 2u);

  auto two = open("a/two");
  auto one = open("a/one");
  EXPECT_TRUE(*two->has_its_name());
  ASSERT_TRUE(files_->rename(in("a/two"), in("a/one")).ok());
  EXPECT_FALSE(*two->has_its_name());
  EXPECT_FALSE(*one->has_its_name());
  EXPECT_EQ(text_of(*open("a/one", OpenMode::kRead), 0, 9), "12");
  ASSERT_TRUE(files_->rename(in("a"), in("c")).ok());
  EXPECT_TRUE(*files_->exists(in("c/one")));
  EXPECT_EQ(files_->rename(in("a"), in("d")).code(), StatusCode::kNotFound);
  EXPECT_TRUE(files_->sync_directory(in("c")).ok());
  EXPECT_EQ(files_->sync_directory(in("a")).code(), StatusCode::kNotFound);

  EXPECT_EQ(files_->remove_file(in("c/none")).code(), StatusCode::kNotFound);
  EXPECT_TRUE(files_->remove_file(in("c/one")).ok());
  EXPECT_TRUE(files_->remove_tree(in("c")).ok());
  EXPECT_TRUE(files_->remove_tree(in("c")).ok());
  EXPECT_EQ(files_->list(in("c")).status().code(), StatusCode::kNotFound);
}

TEST_P(FileSystemTest, DirectoriesAreMadeDurably) {
  ASSERT_TRUE(create_directories_durably(*files_, in("a/b//c/")).ok());
  EXPECT_TRUE(*files_->exists(in("a/b/c")));
  EXPECT_TRUE(create_directories_durably(*files_, in("a/b//c/")).ok()) << "again";
}

TEST(CreateDirectoriesDurably, APowerLossLeavesThem) {
  SimFileSystem disk;
  ASSERT_TRUE(create_directories_durably(disk, "/var/lib/x").ok());
  EXPECT_TRUE(*disk.crash(/*seed=*/1, /*survival=*/0)->exists("/var/lib/x"));
  ASSERT_TRUE(disk.create_directories("/var/lib/y").ok());
  EXPECT_FALSE(*disk.crash(/*seed=*/1, /*survival=*/0)->exists("/var/lib/y"));
  // Only where something was made: a parent may be one that this process cannot open.
  disk.record();
  ASSERT_TRUE(create_directories_durably(disk, "/var/lib/x/z").ok());
  EXPECT_EQ(disk.take_record(), "mkdir /var/lib/x/z\nsync-directory /var/lib/x/\n");
}

TEST(JoinPath, HasExactlyOneSlash) {
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a//", "/b"), "a/b");
  EXPECT_EQ(join_path("/", "b"), "/b");
  EXPECT_EQ(join_path("", "b"), "b");
}

}  // namespace
}  // namespace gatehouse::env
