#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "common/base/check.h"
#include "common/codec/crc32c.h"
#include "member/raft/wire.h"
#include "member/snap/snap.h"
#include "proto/snap.pb.h"

namespace gatehouse::snap {
namespace {

constexpr std::string_view kSuffix = ".snap";

Status damaged(std::string what) { return Status(StatusCode::kDataLoss, std::move(what)); }

bool parse(google::protobuf::MessageLite& message, const std::string& bytes) {
  return bytes.size() <= INT32_MAX &&
         message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

Result<std::string> read_whole(env::FileSystem& files, const std::string& path) {
  Result<std::unique_ptr<env::File>> file = files.open(path, env::OpenMode::kRead);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  const Result<uint64_t> size = (*file)->size();
  GATEHOUSE_RETURN_IF_ERROR(size.status());
  if (size.value() > INT32_MAX) return damaged(path + ": larger than a snapshot can be");
  std::string bytes(size.value(), '\0');
  const Result<size_t> got =
      (*file)->read_at(0, std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
  GATEHOUSE_RETURN_IF_ERROR(got.status());
  bytes.resize(got.value());
  return bytes;
}

}  // namespace

std::string file_name(uint64_t term, uint64_t index) {
  char text[48];
  std::snprintf(text, sizeof text, "%016" PRIx64 "-%016" PRIx64 ".snap", term, index);
  return text;
}

std::string encode(const raft::Snapshot& snapshot) {
  CHECK(snapshot.index > 0);
  snappb::snapshot file;
  file.set_data(raft::to_proto(snapshot).SerializeAsString());
  file.set_crc(codec::crc32c(file.data()));
  return file.SerializeAsString();
}

Result<raft::Snapshot> decode(std::string_view bytes) {
  if (bytes.empty()) return damaged("empty");
  snappb::snapshot file;
  if (!parse(file, std::string(bytes))) return damaged("not a snapshot");
  if (file.crc() == 0 || file.data().empty()) return damaged("without a checksum or data");
  // The parser forgives: bits of a checksum beyond its 32, fields it does not know.
  if (file.SerializeAsString() != bytes) return damaged("not as a snapshot is written");
  if (codec::crc32c(file.data()) != file.crc()) return damaged("the checksum does not match");
  raftpb::Snapshot snapshot;
  if (!parse(snapshot, file.data())) return damaged("its data is not a snapshot of Raft");
  return raft::from_proto(snapshot);
}

Status save(env::FileSystem& files, const std::string& directory,
            const raft::Snapshot& snapshot, SaveTimes* times) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const std::string bytes = encode(snapshot);
  const Clock::time_point encoded = Clock::now();
  Clock::time_point written;
  Clock::time_point synced;
  const std::string name = file_name(snapshot.term, snapshot.index);
  // etcd removes files of this prefix at start, as we do.
  const std::string building = env::join_path(directory, "tmp" + name.substr(0, name.rfind('.')));
  {
    Result<std::unique_ptr<env::File>> file = files.open(building, env::OpenMode::kCreate);
    GATEHOUSE_RETURN_IF_ERROR(file.status());
    GATEHOUSE_RETURN_IF_ERROR((*file)->truncate(0));
    GATEHOUSE_RETURN_IF_ERROR((*file)->write_at(0, bytes));
    written = Clock::now();
    GATEHOUSE_RETURN_IF_ERROR((*file)->sync_data());
    synced = Clock::now();
  }
  GATEHOUSE_RETURN_IF_ERROR(files.rename(building, env::join_path(directory, name)));
  GATEHOUSE_RETURN_IF_ERROR(files.sync_directory(directory));
  if (times != nullptr) *times = {encoded - start, synced - written, Clock::now() - start};
  return Status();
}

Result<raft::Snapshot> load(env::FileSystem& files, const std::string& path) {
  const Result<std::string> bytes = read_whole(files, path);
  GATEHOUSE_RETURN_IF_ERROR(bytes.status());
  Result<raft::Snapshot> snapshot = decode(bytes.value());
  if (!snapshot.ok()) return snapshot.status().with_context(path);
  return snapshot;
}

Result<Loaded> load_newest_matching(env::FileSystem& files, const std::string& directory,
                                    std::span<const wal::SnapshotRecord> records) {
  Result<std::vector<env::DirectoryEntry>> entries = files.list(directory);
  GATEHOUSE_RETURN_IF_ERROR(entries.status());
  Loaded loaded;
  for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
    if (entry->directory || !entry->name.ends_with(kSuffix)) continue;
    const std::string path = env::join_path(directory, entry->name);
    Result<raft::Snapshot> snapshot = load(files, path);
    if (snapshot.status().code() == StatusCode::kDataLoss) {
      loaded.warnings.push_back(snapshot.status().message());
      GATEHOUSE_RETURN_IF_ERROR(files.rename(path, path + ".broken"));
      continue;
    }
    GATEHOUSE_RETURN_IF_ERROR(snapshot.status());
    const auto same = [&](const wal::SnapshotRecord& record) {
      return record.index == snapshot->index && record.term == snapshot->term;
    };
    if (std::none_of(records.begin(), records.end(), same)) continue;
    loaded.snapshot = *std::move(snapshot);
    break;
  }
  return loaded;
}

}  // namespace gatehouse::snap
