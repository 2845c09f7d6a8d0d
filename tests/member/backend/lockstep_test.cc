// The backend and std::map side by side: random changes, readers kept over commits, reopening.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "tests/member/backend/backend_for_test.h"

namespace gatehouse::backend {
namespace {

class Lockstep {
 public:
  Lockstep(uint64_t seed, const Options& options) : random_(seed), options_(options) {
    backend_ = open_backend(disk_, options_);
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      const uint64_t what = random_() % 1000;
      if (what < 900) {
        change();
      } else if (what < 930) {
        end();
        ASSERT_TRUE(backend_->commit().ok());
      } else if (what < 960) {
        look();
      } else if (what < 980) {
        end();
        kept_.emplace_back(backend_->read(), model_);
        if (kept_.size() > 4) {
          EXPECT_EQ(contents_of(*kept_.front().first), kept_.front().second);
          kept_.pop_front();
        }
      } else if (what < 990) {
        end();
        ASSERT_TRUE(backend_->defragment().ok());
        ASSERT_EQ(check_text(disk_), "");
      } else if (what < 995) {
        mass_removal();
      } else {
        reopen();
      }
      if (testing::Test::HasFailure()) return;
    }
    reopen();
  }

 private:
  std::string value() {
    const uint64_t kind = random_() % 100;
    const size_t bytes = kind < 80   ? random_() % 300
                         : kind < 99 ? random_() % 3000
                                     : random_() % 20000;
    return std::string(bytes, static_cast<char>('a' + random_() % 26));
  }
  std::string key() {
    std::string key = std::to_string(random_() % 600);
    if (random_() % 50 == 0) key += std::string(random_() % 2000, 'k');
    return key;
  }

  void change() {
    Writer& writer = backend_->writer();
    for (uint64_t i = random_() % 8; i > 0; --i) {
      const auto bucket = static_cast<Bucket>(random_() % kBucketCount);
      Pairs& pairs = model_[static_cast<size_t>(bucket)];
      const uint64_t what = random_() % 10;
      const std::string bytes = value();
      if (bucket == Bucket::kKey && what < 6) {
        const std::string at = revision_key(++revision_);
        writer.append(bucket, at, bytes);
        pairs[at] = bytes;
      } else if (what < 7) {
        const std::string at = key();
        writer.put(bucket, at, bytes);
        pairs[at] = bytes;
      } else if (!pairs.empty()) {
        auto at = pairs.lower_bound(
            bucket == Bucket::kKey ? revision_key(random_() % (revision_ + 1)) : key());
        if (at == pairs.end()) at = std::prev(at);
        const std::string gone = at->first;
        writer.remove(bucket, gone);
        pairs.erase(at);
        if (random_() % 8 == 0 && (pairs.empty() || pairs.rbegin()->first < gone)) {
          writer.append(bucket, gone, bytes);
          pairs[gone] = bytes;
        }
      }
      std::string_view seen;
      const std::string at = key();
      const auto known = pairs.find(at);
      ASSERT_EQ(writer.get(bucket, at, seen), known != pairs.end());
      if (known != pairs.end()) {
        ASSERT_EQ(seen, known->second);
      }
    }
    if (random_() % 3 != 0) end();
  }

  void end() { backend_->writer().end(); }

  void mass_removal() {
    for (size_t i = 0; i < kBucketCount; ++i) {
      if (random_() % 2 == 0) continue;
      while (model_[i].size() > random_() % 20) {
        backend_->writer().remove(static_cast<Bucket>(i), model_[i].begin()->first);
        model_[i].erase(model_[i].begin());
      }
    }
    end();
  }

  void look() {
    end();
    const std::unique_ptr<Reader> reader = backend_->read();
    for (size_t i = 0; i < kBucketCount; ++i) {
      const Pairs& pairs = model_[i];
      const auto bucket = static_cast<Bucket>(i);
      for (int n = 0; n < 20; ++n) {
        std::string at = key();
        if (n % 2 == 0 && !pairs.empty()) {
          auto near = pairs.lower_bound(at);
          if (near != pairs.end()) at = near->first;
        }
        std::string_view seen;
        const auto known = pairs.find(at);
        ASSERT_EQ(reader->get(bucket, at, seen), known != pairs.end()) << at;
        if (known != pairs.end()) {
          ASSERT_EQ(seen, known->second);
        }
      }
      std::string begin = key();
      std::string end = key();
      if (end < begin) std::swap(begin, end);
      ASSERT_EQ(pairs_of(*reader, bucket, begin, end),
                Pairs(pairs.lower_bound(begin), pairs.lower_bound(end)));
    }
  }

  void reopen() {
    end();
    kept_.clear();
    backend_.reset();
    ASSERT_EQ(check_text(disk_), "");
    options_.persist_freelist = random_() % 2 == 0;
    backend_ = open_backend(disk_, options_);
    ASSERT_NE(backend_, nullptr);
    ASSERT_EQ(contents_of(*backend_->read()), model_);
  }

  std::mt19937_64 random_;
  Options options_;
  env::SimFileSystem disk_;
  std::unique_ptr<Backend> backend_;
  Contents model_;
  std::deque<std::pair<std::unique_ptr<Reader>, Contents>> kept_;
  uint64_t revision_ = 1;
};

TEST(BackendLockstep, RandomChangesReadersAndReopening) {
  for (int round = 0; round < 8; ++round) {
    const uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Lockstep(seed, manual_options()).run(1500);
    if (HasFailure()) return;
  }
}

TEST(BackendLockstep, CommitsOnItsOwnThreadAllTheWhile) {
  Options options = manual_options();
  options.batch_interval = std::chrono::milliseconds(1);
  options.batch_limit = 20;
  for (int round = 0; round < 4; ++round) {
    const uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Lockstep(seed, options).run(1500);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace gatehouse::backend
