#include <sys/stat.h>

#include "common/codec/crc32c.h"
#include "common/env/disk_file_system.h"
#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/json.h"
#include "ctl/progress.h"
#include "member/backend/read_file.h"
#include "member/mvcc/file_rows.h"
#include "member/schema/meta.h"

namespace gatehouse::ctl {
namespace {

using backend::Bucket;

Exit open_file(const std::string& path, backend::FileContents& contents) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) {
    return {kExitError, "stat " + path + ": no such file or directory"};
  }
  env::DiskFileSystem files;
  Result<backend::FileContents> read = backend::read_file(files, path);
  CTL_RETURN_IF_ERROR(read.status());
  contents = std::move(*read);
  return {};
}

// Over all pairs of all buckets, in the order of the buckets' names.
uint32_t hash_of(const backend::Reader& reader) {
  static constexpr Bucket kByName[] = {
      Bucket::kAlarm, Bucket::kAuth,  Bucket::kAuthRoles, Bucket::kAuthUsers,      Bucket::kCluster,
      Bucket::kKey,   Bucket::kLease, Bucket::kMembers,   Bucket::kMembersRemoved, Bucket::kMeta};
  uint32_t crc = 0;
  for (const Bucket bucket : kByName) {
    crc = codec::crc32c(backend::bucket_name(bucket), crc);
    reader.scan(bucket, {}, {}, [&](std::string_view key, std::string_view value) {
      crc = codec::crc32c(value, codec::crc32c(key, crc));
      return true;
    });
  }
  return crc;
}

// One line of what a file says.
Exit emit_row(Output& output, const std::vector<std::string>& header,
              const std::vector<std::string>& row, const std::function<void(Output&)>& fields,
              const std::string& json) {
  return emit(output, etcdserverpb::ResponseHeader(),
              {.simple =
                   [&](Output& out) {
                     std::string line;
                     for (const std::string& cell : row) line += cell + ", ";
                     out.line(line.substr(0, line.size() - 2));
                   },
               .fields = fields,
               .table = [&](Output& out) { out.write(draw_table(header, {row})); },
               .json = [&] { return json; },
               .protobuf = false});
}

}  // namespace

Exit run_snapshot_status(Invocation& in) {
  if (in.words.size() != 1) return bad_arguments("snapshot status requires exactly one argument");
  CTL_RETURN_IF_FAILED(in.prepare_output());
  backend::FileContents file;
  const Waiting waiting("reading " + in.words[0]);
  CTL_RETURN_IF_FAILED(open_file(in.words[0], file));
  const Result<mvcc::RowSummary> rows = mvcc::summarize_rows(*file.reader);
  CTL_RETURN_IF_ERROR(rows.status());
  const uint32_t hash = hash_of(*file.reader);
  std::string_view stored;
  (void)file.reader->get(Bucket::kMeta, schema::kStorageVersion, stored);
  const std::string version(stored);
  return emit_row(
      in.out, {"Hash", "Revision", "Total Keys", "Total Size", "Version"},
      {hex(hash), std::to_string(rows->revision), std::to_string(rows->living_keys),
       humanize_bytes(file.bytes), version},
      [&](Output& out) {
        out.field("Hash", uint64_t{hash});
        out.field("Revision", rows->revision);
        out.field("Keys", rows->living_keys);
        out.field("Size", file.bytes);
        out.field("Version", version);
      },
      JsonObject()
          .unsigned_number("hash", hash)
          .number("revision", rows->revision)
          .unsigned_number("totalKey", rows->living_keys)
          .unsigned_number("totalSize", file.bytes)
          .text("version", version)
          .finish());
}

Exit run_hashkv(Invocation& in) {
  CTL_RETURN_IF_FAILED(in.prepare_output());
  backend::FileContents file;
  const Waiting waiting("reading " + in.words[0]);
  CTL_RETURN_IF_FAILED(open_file(in.words[0], file));
  const Result<mvcc::HashResult> result = mvcc::hash_rows(*file.reader, in.flags.integer("rev"));
  CTL_RETURN_IF_ERROR(result.status());
  return emit_row(
      in.out, {"Hash", "Hash Revision", "Compact Revision"},
      {std::to_string(result->hash), std::to_string(result->revision),
       std::to_string(result->compact_revision)},
      [&](Output& out) {
        out.field("Hash", uint64_t{result->hash});
        out.field("Hash revision", result->revision);
        out.field("Compact revision", result->compact_revision);
      },
      JsonObject()
          .unsigned_number("hash", result->hash)
          .number("hashRevision", result->revision)
          .number("compactRevision", result->compact_revision)
          .finish());
}

Exit run_defrag_directory(Invocation& in) {
  CTL_RETURN_IF_FAILED(in.prepare_output());
  const std::string& directory = in.flags.text("data-dir");
  const std::string path = directory + "/member/snap/db";
  const std::string failure = "Failed to defragment etcd data[" + directory + "] (";
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) {
    return {kExitError, failure + "stat " + path + ": no such file or directory)"};
  }
  env::DiskFileSystem files;
  const Waiting waiting("defragmenting " + path);
  // A running member has the file locked.
  const auto opened =
      backend::Backend::open(files, path, {.lock_timeout = std::chrono::seconds(10)});
  if (!opened.ok()) return {kExitError, failure + opened.status().message() + ")"};
  const Status status = opened.value()->defragment();
  if (!status.ok()) return {kExitError, failure + status.message() + ")"};
  return {};
}

}  // namespace gatehouse::ctl
