// backend_tool: the backend from a command line, for tests that compare it with other programs.
//
//   backend_tool make PATH SEED   makes a database by random changes, commits and a defragmentation
//   backend_tool change PATH      opens one, changes it, commits
//   backend_tool dump PATH        opens it, prints "bucket hexkey hexvalue" a line, in bbolt's
//   order backend_tool snapshot PATH TO backend_tool check PATH
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/env/disk_file_system.h"
#include "member/backend/backend.h"
#include "member/backend/validate.h"

namespace gatehouse::backend {
namespace {

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  std::exit(1);
}

std::unique_ptr<Backend> must_open(env::FileSystem& files, const std::string& path,
                                   bool persist_freelist = false) {
  Options options;
  options.lock_timeout = std::chrono::milliseconds(1);
  options.initial_map_bytes = 1 << 20;
  options.persist_freelist = persist_freelist;
  Result<std::unique_ptr<Backend>> backend = Backend::open(files, path, options);
  must(backend.status());
  return std::move(*backend);
}

void change(Backend& backend, std::mt19937_64& random, uint64_t& revision) {
  Writer& writer = backend.writer();
  for (int i = 0; i < 400; ++i) {
    std::string key(17, '_');
    for (size_t b = 0; b < 8; ++b) key[b] = static_cast<char>(revision >> (8 * (7 - b)));
    if (++revision > 0) writer.append(Bucket::kKey, key, std::string(random() % 500, 'v'));
    const auto bucket = static_cast<Bucket>(random() % kBucketCount);
    const std::string other = "k" + std::to_string(random() % (100 * (1 + random() % 10)));
    if (random() % 3 == 0) {
      writer.remove(bucket, other);
    } else {
      const size_t most = random() % 50 == 0 ? 20000 : 300;
      writer.put(bucket, other, std::string(random() % most, 'w'));
    }
    if (random() % 5 == 0) {
      const uint64_t old = random() % revision;
      for (size_t b = 0; b < 8; ++b) key[b] = static_cast<char>(old >> (8 * (7 - b)));
      writer.remove(Bucket::kKey, key);
    }
    writer.end();
  }
}

void make(env::FileSystem& files, const std::string& path, uint64_t seed) {
  std::mt19937_64 random(seed);
  auto backend = must_open(files, path, seed % 2 == 1);
  uint64_t revision = 2;
  for (int round = 0; round < 20; ++round) {
    change(*backend, random, revision);
    must(backend->commit());
    if (round == 10 && seed % 3 == 0) must(backend->defragment());
  }
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned char c : bytes) {
    text += kDigits[c >> 4];
    text += kDigits[c & 15];
  }
  return text;
}

void dump(env::FileSystem& files, const std::string& path) {
  auto backend = must_open(files, path);
  std::vector<Bucket> buckets;
  for (size_t i = 0; i < kBucketCount; ++i) buckets.push_back(static_cast<Bucket>(i));
  std::sort(buckets.begin(), buckets.end(),
            [](Bucket a, Bucket b) { return bucket_name(a) < bucket_name(b); });
  const std::unique_ptr<Reader> reader = backend->read();
  for (Bucket bucket : buckets) {
    reader->scan(bucket, {}, {}, [&](std::string_view key, std::string_view value) {
      std::printf("%s %s %s\n", std::string(bucket_name(bucket)).c_str(), hex(key).c_str(),
                  hex(value).c_str());
      return true;
    });
  }
}

void snapshot(env::FileSystem& files, const std::string& path, const std::string& to) {
  auto backend = must_open(files, path);
  Result<std::unique_ptr<env::File>> file = files.open(to, env::OpenMode::kCreateExclusive);
  must(file.status());
  uint64_t at = 0;
  must(backend->snapshot([&](uint64_t, std::string_view piece) {
    const Status written = (*file)->write_at(at, piece);
    at += piece.size();
    return written;
  }));
}

int check(env::FileSystem& files, const std::string& path) {
  const Result<std::vector<std::string>> found = check_file(files, path);
  must(found.status());
  for (const std::string& line : *found) std::fprintf(stderr, "%s\n", line.c_str());
  return found->empty() ? 0 : 1;
}

int run(const std::vector<std::string>& arguments) {
  env::DiskFileSystem files;
  const std::string command = arguments.size() > 1 ? arguments[1] : "";
  if (command == "make" && arguments.size() == 4) {
    make(files, arguments[2], std::stoull(arguments[3]));
  } else if (command == "change" && arguments.size() == 3) {
    std::mt19937_64 random(1);
    uint64_t revision = uint64_t{1} << 32;
    auto backend = must_open(files, arguments[2]);
    change(*backend, random, revision);
  } else if (command == "dump" && arguments.size() == 3) {
    dump(files, arguments[2]);
  } else if (command == "snapshot" && arguments.size() == 4) {
    snapshot(files, arguments[2], arguments[3]);
  } else if (command == "check" && arguments.size() == 3) {
    return check(files, arguments[2]);
  } else {
    std::fprintf(stderr, "usage: backend_tool make|change|dump|snapshot|check PATH [SEED|TO]\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace gatehouse::backend

int main(int argc, char** argv) {
  return gatehouse::backend::run(std::vector<std::string>(argv, argv + argc));
}
