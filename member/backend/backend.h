// Backend: the member's durable map of buckets, on a file of bbolt's format. Writes gather in
// memory and are committed in batches; reads see them at once.
//
//   writes ──> buffer (ordered, by bucket) ──commit: 100 ms or 10,000 operations──> B+tree, copied
//              on write; fdatasync; meta page; fdatasync
//   reads  ──> buffer, the buffer being committed, the tree of the last commit in the mapped file
//
// A commit holds whole calls of Writer::end() only, so that what belongs together (an entry's
// effects and its index) is durable together. After a crash the file is the state of the last
// commit, whatever was under way (format.md).
//
// Threads: one thread writes (the applier). Any thread reads, at any time, and never waits for the
// writer or for a commit (nothing longer than the copy of a pointer is done under the one lock they
// share); a commit runs on the backend's own thread, beside both.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/env/file_system.h"

namespace gatehouse::backend {

// The buckets of a member, in the order in which they are made (schema names them).
enum class Bucket : uint8_t {
  kMeta,
  kLease,
  kKey,
  kAuth,
  kAuthUsers,
  kAuthRoles,
  kAlarm,
  kMembers,
  kMembersRemoved,
  kCluster,
};
inline constexpr size_t kBucketCount = 10;
std::string_view bucket_name(Bucket bucket);  // "meta", "lease", "key", …

struct CommitTimes {
  std::chrono::nanoseconds total{0};
  std::chrono::nanoseconds spill{0};  // the trees' pages made anew, in memory
  std::chrono::nanoseconds write{0};  // and written and synced
};

struct Options {
  std::chrono::milliseconds batch_interval{100};
  uint32_t batch_limit = 10'000;  // operations
  // Address space, not memory. A file that grows past it is mapped anew.
  size_t initial_map_bytes = size_t{10} << 30;
  bool persist_freelist = false;  // etcd on Linux: no
  bool no_sync = false;           // --unsafe-no-fsync
  // How long to wait for another process to let go of the file; 0: for ever, as etcd does.
  std::chrono::milliseconds lock_timeout{0};
  // Told once when it has taken 10 s, on the thread that opens.
  std::function<void()> on_wait;
  // Told on the backend's thread how long each commit took; on the caller's how long a snapshot, a
  // defragmentation. May be empty.
  std::function<void(const CommitTimes&)> on_commit;
  std::function<void(std::chrono::nanoseconds)> on_snapshot;
  std::function<void(std::chrono::nanoseconds)> on_defragment;
};

// A consistent view: everything up to one Writer::end(), nothing later. Cheap to make; keeps pages
// of the file from reuse, so it should not live for seconds. Immutable: any threads at once.
class Reader {
 public:
  virtual ~Reader() = default;

  // Bytes valid as long as the reader. False when there is none.
  virtual bool get(Bucket bucket, std::string_view key, std::string_view& value) const = 0;

  // Pairs with begin <= key < end ("" end: to the last) in order, until `visit` returns false.
  // Views are valid as long as the reader.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  virtual void scan(Bucket bucket, std::string_view begin, std::string_view end,
                    const Visit& visit) const = 0;
};

// The single writer. Its changes are visible to readers made after end(). Keys are 1 to 32768 bytes
// (the format's bounds): callers check what comes from outside, a put of another is a bug (CHECK);
// nothing is found under such keys, and nothing removed.
class Writer {
 public:
  virtual ~Writer() = default;

  virtual void put(Bucket bucket, std::string_view key, std::string_view value) = 0;
  // For keys above all others of the bucket (revisions): saves the search.
  virtual void append(Bucket bucket, std::string_view key, std::string_view value) = 0;
  virtual void remove(Bucket bucket, std::string_view key) = 0;
  // What this writer put is seen, too. Valid until the next change.
  virtual bool get(Bucket bucket, std::string_view key, std::string_view& value) const = 0;

  // Publishes what was done since the last end(). Waits for a commit when kMaxBufferedBytes have
  // gathered while the disk is slower than the writer.
  virtual void end() = 0;
};

// The committed file at one moment: everything up to one Writer::end(), nothing later. Keeps its
// pages from reuse as a Reader does, so that it makes the file grow while it lives. One thread at a
// time; the backend outlives it.
class Copy {
 public:
  virtual ~Copy() = default;

  // What is in it.
  virtual const Reader& rows() const = 0;
  virtual uint64_t size_bytes() const = 0;
  // The next bytes of the file, 64 KiB to 1 MiB of them; valid until the next call. Empty: the end.
  virtual std::string_view next_piece() = 0;
};

class Backend {
 public:
  // Opens or makes the file and its buckets, takes its lock (FailedPrecondition after
  // `lock_timeout`). Removes what a crash left of temporary files beside it (format.md). Checks
  // every page of the file: DataLoss names the file and the offset, "db: page 17 at offset 69632:
  // flags 0x99".
  static Result<std::unique_ptr<Backend>> open(env::FileSystem& files, const std::string& path,
                                               const Options& options);
  // Checks the file at `path` as open() does, and shows what is in it to `look`, whose error it
  // returns. Changes nothing, takes no lock: nobody may be writing.
  static Status inspect(env::FileSystem& files, const std::string& path,
                        const std::function<Status(const Reader&)>& look);
  virtual ~Backend() = default;  // commits; no reader may be used any more

  // What the writer may run ahead of the disk: a disk that stalls must slow the proposals down, not
  // fill the memory.
  static constexpr size_t kMaxBufferedBytes = size_t{256} << 20;

  virtual Writer& writer() = 0;
  virtual std::unique_ptr<Reader> read() const = 0;

  // Commits what was published; returns when it is durable. Any thread, but not the writer's
  // between a change and its end().
  virtual Status commit() = 0;

  // The first failed write or sync; from then on nothing is committed any more and the member must
  // stop. OK before.
  virtual Status health() const = 0;

  virtual uint64_t size_bytes() const = 0;         // allocated, as of the last commit
  virtual uint64_t size_in_use_bytes() const = 0;  // without free pages
  // About what size_bytes() will be once all that is published is committed: what the quota counts,
  // so that a store does not run over it by what fits between two commits.
  virtual uint64_t expected_size_bytes() const = 0;
  virtual size_t open_readers() const = 0;

  // A copy of the committed file, streamed to `sink` in pieces while writes go on. Commits first.
  // The sink's error ends it.
  virtual Status snapshot(
      const std::function<Status(uint64_t total, std::string_view piece)>& sink) = 0;

  // Commits what was published, and keeps that. Where snapshot() would hold the caller until all is
  // sent, this lets it go at its own pace. Any thread, as commit().
  virtual Result<std::unique_ptr<Copy>> copy() = 0;

  // The database is from now on the whole file at `path` (in the same directory), which takes this
  // one's name; what was in it is gone. The writer's thread, or another while the writer rests;
  // nothing is unpublished. Readers of before stay as they are. An error leaves the old database as
  // it was - kDataLoss: the file is none - unless health() says otherwise. After a crash it is
  // either under its own name still, or in place.
  virtual Status take_over(const std::string& path) = 0;

  // Rewrites the file without its free pages and swaps it in. Reads and writes go on throughout,
  // commits wait. After an error the old file goes on, unless health() says otherwise.
  virtual Status defragment() = 0;
  virtual bool defragmenting() const = 0;
};

}  // namespace gatehouse::backend
