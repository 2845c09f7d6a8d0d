// Files that are not what they should be: a clear error, or equal content; never a crash.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "member/backend/page.h"
#include "tests/member/backend/backend_for_test.h"

namespace gatehouse::backend {
namespace {

class DamageTest : public testing::Test {
 protected:
  DamageTest() {
    Options options = manual_options();
    options.persist_freelist = true;
    auto backend = open_backend(disk_, options);
    for (int round = 0; round < 3; ++round) {
      for (uint64_t i = 1; i <= 100; ++i) {
        backend->writer().put(Bucket::kKey, revision_key(i), std::string(100, 'a' + round));
      }
      backend->writer().put(Bucket::kMeta, "consistent_index", "12345678");
      backend->writer().put(Bucket::kAuthUsers, "large", std::string(9000, 'l'));
      backend->writer().end();
      EXPECT_TRUE(backend->commit().ok());
    }
    contents_ = contents_of(*backend->read());
    backend.reset();
    bytes_ = *disk_.contents("db");
    std::string why;
    meta_ = *decode_meta(bytes_.data() + 16, why);
    const auto other = decode_meta(bytes_.data() + 4096 + 16, why);
    if (other->txid > meta_.txid) meta_ = *other;
    bytes_.resize(meta_.high_water * 4096);
  }

  Status open_of(const std::string& bytes) {
    EXPECT_TRUE(disk_.replace_contents("db", bytes).ok());
    Result<std::unique_ptr<Backend>> backend = Backend::open(disk_, "db", manual_options());
    if (!backend.ok()) return backend.status();
    read_ = contents_of(*(*backend)->read());
    return Status();
  }

  char* page(PageId id) { return bytes_.data() + id * 4096; }

  env::SimFileSystem disk_;
  Contents contents_;
  Contents read_;
  std::string bytes_;
  Meta meta_;
};

TEST_F(DamageTest, ErrorsNameThePageAndTheOffset) {
  const std::string whole = bytes_;
  store<uint16_t>(page(meta_.root) + 8, 0x99);
  const std::string place =
      "db: page " + std::to_string(meta_.root) + " at offset " + std::to_string(meta_.root * 4096);
  const Status flags = open_of(bytes_);
  EXPECT_EQ(flags.code(), StatusCode::kDataLoss);
  EXPECT_EQ(flags.message(), place + ": flags 0x99");

  bytes_ = whole;
  store<uint64_t>(page(meta_.root), 77);
  EXPECT_EQ(open_of(bytes_).message(), place + ": header says page 77");
  bytes_ = whole;
  store<uint32_t>(page(meta_.root) + 12, 0xFFFFFFFF);
  EXPECT_EQ(open_of(bytes_).message(),
            place + ": overflow 4294967295 goes beyond the high-water mark");
  bytes_ = whole;
  store<uint16_t>(page(meta_.root) + 10, 0xFFFF);
  EXPECT_EQ(open_of(bytes_).message(), place + ": 65535 elements do not fit");
  bytes_ = whole;
  store<uint32_t>(page(meta_.root) + 16 + 4, 0xFFFFFF00);
  EXPECT_EQ(open_of(bytes_).message(), place + ": element 0 reaches outside the page");
  bytes_ = whole;
  store<uint64_t>(page(meta_.freelist) + 16, meta_.root);
  EXPECT_EQ(open_of(bytes_).message(), "db: page " + std::to_string(meta_.freelist) +
                                           " at offset " + std::to_string(meta_.freelist * 4096) +
                                           ": free page " + std::to_string(meta_.root) +
                                           " is in use");
}

TEST_F(DamageTest, OneBadMetaFallsBackToTheOtherTwoDoNot) {
  const PageId newer = meta_.txid % 2;
  page(newer)[30] ^= 1;
  EXPECT_TRUE(open_of(bytes_).ok()) << "the state before";
  page(1 - newer)[30] ^= 1;
  const Status bad = open_of(bytes_);
  EXPECT_EQ(bad.code(), StatusCode::kDataLoss);
  EXPECT_TRUE(bad.message().starts_with("db: page 0 at offset 0: ")) << bad.message();
}

TEST_F(DamageTest, ForeignAndShortFiles) {
  EXPECT_EQ(open_of(std::string(100000, 'x')).message(),
            "db: page 0 at offset 0: magic 0x78787878, and no second meta page: not a database of "
            "bbolt's format, or both meta pages are damaged");
  EXPECT_EQ(open_of("x").code(), StatusCode::kDataLoss);
  EXPECT_TRUE(open_of("").ok()) << "an empty file is a new one";
  for (size_t size = 1; size < bytes_.size(); size += 1 + size / 7) {
    const Status cut = open_of(bytes_.substr(0, size));
    EXPECT_EQ(cut.code(), StatusCode::kDataLoss) << size;
  }
  const std::string short_size = std::to_string(bytes_.size() - 1);
  EXPECT_EQ(open_of(bytes_.substr(0, bytes_.size() - 1)).message(),
            "db: " + short_size + " bytes, but " + std::to_string(meta_.high_water) +
                " pages of 4096 bytes in use: the file is cut off at offset " + short_size);
}

TEST_F(DamageTest, APageReachedTwiceOrACycleIsFound) {
  // The root of a large bucket made its own child.
  std::string* all = &bytes_;
  for (PageId id = 2; id < meta_.high_water; ++id) {
    if (load<uint16_t>(all->data() + id * 4096 + 8) != kBranchPage) continue;
    const std::string saved = *all;
    store<uint64_t>(page(id) + 16 + 8, id);
    const Status found = open_of(*all);
    if (!found.ok()) {
      EXPECT_EQ(found.message(), "db: page " + std::to_string(id) + " at offset " +
                                     std::to_string(id * 4096) + ": reached twice");
      return;
    }
    *all = saved;
  }
  FAIL() << "no branch page in use";
}

TEST_F(DamageTest, AnyFlippedBitIsFoundOrHarmsOnlyValues) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  size_t refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = bytes_;
    // Half of them where structure is: in the first bytes of a page.
    const size_t at = random() % 2 == 0 ? random() % bytes.size()
                                        : random() % meta_.high_water * 4096 + random() % 200;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    const Status status = open_of(bytes);
    if (status.ok()) continue;
    ++refused;
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.to_string();
    EXPECT_TRUE(status.message().starts_with("db: ")) << status.message();
  }
  EXPECT_GT(refused, 100u);
}

TEST_F(DamageTest, CheckListsEverythingThatIsWrong) {
  page(meta_.freelist)[16 + 3] = 1;  // a free page far beyond
  const Result<std::vector<std::string>> found = [&] {
    EXPECT_TRUE(disk_.replace_contents("db", bytes_).ok());
    return check_file(disk_, "db");
  }();
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->empty());
  EXPECT_TRUE(found->front().find("beyond the high-water mark") != std::string::npos);
}

}  // namespace
}  // namespace gatehouse::backend
